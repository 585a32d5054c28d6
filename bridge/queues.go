package bridge

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sort"
	"time"

	"meshbridge/bridge/control"
	"meshbridge/bridge/outbox"
	"meshbridge/internal/stanza"
)

// What is kept until it is delivered, as an admin sees it: from whom to whom, and not
// what it says.

// destination is where a queue of the outbox leads.
type destination struct {
	direction string
	address   string
	also      string // another address of the same
}

func (g *Gateway) destinationOf(recipient string) destination {
	if isUpstream(recipient) {
		return destination{direction: "up", address: colleagueOf(recipient)}
	}
	if r := g.queues[recipient]; r != nil {
		return destination{direction: "down", address: cmp.Or(r.peer.instance, r.peer.jid), also: r.peer.jid}
	}
	return destination{direction: "down"}
}

// Outbox lists the messages that are kept, oldest first.
func (g *Gateway) Outbox(ctx context.Context) ([]control.Message, error) {
	return look(ctx, g, func(g *Gateway) []control.Message { return g.keptNow(time.Now()) })
}

func (g *Gateway) keptNow(now time.Time) []control.Message {
	var list []control.Message
	g.box.Each(func(e outbox.Entry, inFlight bool) {
		to := g.destinationOf(e.Recipient)
		m := control.Message{
			ID: uint64(e.ID), Direction: to.direction, From: g.senderOf(e), To: to.address,
			AgeSeconds: seconds(now.Sub(e.Accepted)), Tries: e.Tries, State: "waiting",
		}
		g.scratch = stanza.Append(g.scratch[:0], stanza.Component, e.Stanza)
		m.Bytes = len(g.scratch)
		if inFlight {
			m.State = "in flight"
		}
		list = append(list, m)
	})
	sort.Slice(list, func(i, j int) bool { return list[i].ID < list[j].ID })
	return list
}

// senderOf is who wrote a message: an instance of the LAN, or a JID.
func (g *Gateway) senderOf(e outbox.Entry) string {
	if p := g.peers[e.Sender]; isUpstream(e.Recipient) && p != nil {
		return p.instance
	}
	return e.Sender
}

// Drop drops messages that wait, by number or by whom they are for: a JID or an
// instance. Their senders are told that they were not delivered, as when they had been
// kept for too long; so the server has to be there.
func (g *Gateway) Drop(ctx context.Context, ids []uint64, to string) (control.Dropped, error) {
	type outcome struct {
		control.Dropped
		err error
	}
	out, err := look(ctx, g, func(g *Gateway) (o outcome) {
		o.Dropped, o.err = g.drop(ids, to)
		return o
	})
	return out.Dropped, errors.Join(err, out.err)
}

func (g *Gateway) drop(ids []uint64, to string) (d control.Dropped, err error) {
	if g.session == nil {
		return d, errors.New("the server cannot be reached, so nobody could be told; try again when it is back")
	}
	var chosen []outbox.ID
	g.box.Each(func(e outbox.Entry, inFlight bool) {
		at := g.destinationOf(e.Recipient)
		if !slices.Contains(ids, uint64(e.ID)) && (to == "" || to != at.address && to != at.also) {
			return
		}
		if inFlight {
			d.InFlight++
			return
		}
		chosen = append(chosen, e.ID)
	})
	sort.Slice(chosen, func(a, b int) bool { return chosen[a] < chosen[b] })
	var dropped []outbox.Entry
	for _, id := range chosen {
		e, _ := g.box.Done(id)
		dropped = append(dropped, e)
	}
	g.giveUpAll(dropped)
	d.Messages = len(dropped)
	if d.Messages > 0 {
		g.log.Info("messages were dropped by an admin; their senders are told", "messages", d.Messages)
	}
	return d, nil
}
