package bridge

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"time"

	"meshbridge/bridge/outbox"
	"meshbridge/bridge/policy"
	"meshbridge/bridge/store"
	"meshbridge/bridge/translate"
	"meshbridge/internal/stanza"
	"meshbridge/linklocal"

	"meshbridge/bridge/address"
)

// fromMesh deals with what a bound peer said to a proxy.
func (g *Gateway) fromMesh(ev linklocal.Received) {
	local, _ := address.ProxyLocal(ev.Peer)
	p, c := g.peers[local], g.colleagues[ev.Proxy]
	if p == nil || c == nil {
		g.drops.count("INJ-4") // left while its last stanza was on the way here
		return
	}
	s := ev.Stanza
	answers, relayed := g.relayed.get(passage(toMesh, c, p, s.ID), time.Now())
	v := policy.FromMesh(policy.Case{
		Stanza: s, Target: policy.Person, Relayed: relayed,
		Peer:      policy.Peer{Level: policy.Bound, Present: p.present},
		Colleague: policy.Colleague{JID: c.key(), Subscribed: g.subs[store.Pair{Colleague: c.key(), Local: local}]&store.Watching != 0},
	}, g.policy)
	switch v.Action {
	case policy.Drop:
		g.drops.count(v.Rule)
	case policy.Refuse:
		g.drops.count(v.Rule)
		g.refuseMesh(ev, c, p, v)
	case policy.Answer:
		if r, ok := g.answerIQ(s, policy.AsColleague, nil); ok {
			g.mesh.Send(linklocal.Delivery{Proxy: ev.Proxy, Peer: ev.Peer, Stanza: r})
		}
	case policy.Relay:
		g.relayUp(s, c, p, answers)
	}
}

// refuseMesh tells a peer that its stanza did not cross: by an error, and in words,
// since Bonjour clients show no errors (MAP-E5).
func (g *Gateway) refuseMesh(ev linklocal.Received, c *colleague, p *peer, v policy.Verdict) {
	if r, ok := v.Reply(ev.Stanza); ok {
		g.mesh.Send(linklocal.Delivery{Proxy: ev.Proxy, Peer: ev.Peer, Stanza: r})
	}
	if ev.Stanza.Kind == stanza.Message && ev.Stanza.Type != "error" {
		g.notice(c, p, v.Error)
	}
}

// notice tells a peer in words why a message did not arrive, once in a while.
func (g *Gateway) notice(c *colleague, p *peer, e stanza.Error) {
	if !g.noticed.add(c.key()+" "+p.local+" "+e.Condition, "", time.Now()) {
		return
	}
	name := c.nick
	if name == "" {
		name = c.key()
	}
	g.mesh.Send(linklocal.Delivery{
		Proxy: c.key(), Peer: p.instance,
		Stanza: translate.Notice("", "", newID(), translate.NoticeText(e, name)),
	})
}

// relayUp accepts a peer's message for a colleague. Only the answer to a message
// goes to one device; everything else goes to the bare JID (MAP-M18).
func (g *Gateway) relayUp(s stanza.Stanza, c *colleague, p *peer, answers string) {
	to := c.key()
	if s.Type == "error" {
		to = answers
	}
	out, outcome := translate.MessageToServer(s, g.jid(p), to, newID, translate.MessageOptions{})
	if !outcome.Crosses() {
		g.drops.count(outcome.Dropped)
		return
	}
	if size := len(stanza.Append(nil, stanza.Component, out)); size > g.cfg.Upstream.MaxStanza {
		g.drops.count("COMP-19")
		g.refuseMesh(linklocal.Received{Peer: p.instance, Proxy: c.key(), Stanza: s}, c, p,
			policy.Verdict{Action: policy.Refuse, Error: policy.TooLarge.StanzaError()})
		return
	}
	now := time.Now()
	_, err := g.box.Accept(outbox.Entry{Recipient: queueUpstream + c.key(), Sender: p.local, Stanza: out, Accepted: now})
	if err != nil {
		g.full(err)
		g.refuseMesh(linklocal.Received{Peer: p.instance, Proxy: c.key(), Stanza: s}, c, p,
			policy.Verdict{Action: policy.Refuse, Error: policy.TooFast.StanzaError()})
		return
	}
	g.relayed.add(passage(toServer, c, p, out.ID), s.ID, now)
	g.pumpUpstream()
}

// fromServer deals with what the server routed to us.
func (g *Gateway) fromServer(s stanza.Stanza) {
	if s.Kind == stanza.Presence {
		g.presenceFromServer(s)
		return
	}
	w, c := g.between(s)
	if c != nil && w.peer != nil {
		_, w.Relayed = g.relayed.get(passage(toServer, c, w.peer, s.ID), time.Now())
	}
	v := policy.FromServer(w.Case, g.policy)
	switch v.Action {
	case policy.Drop:
		g.drops.count(v.Rule)
	case policy.Refuse:
		g.drops.count(v.Rule)
		g.refuseUpstream(v, s)
	case policy.Answer:
		g.answerServer(w)
	case policy.Relay:
		if c == nil {
			if c = g.newColleague(w.Colleague.JID); c == nil {
				g.refuseUpstream(policy.Verdict{Action: policy.Refuse, Error: policy.TooFast.StanzaError()}, s)
				return
			}
		}
		g.relayDown(s, c, w.peer)
	}
}

func (g *Gateway) newColleague(bare string) *colleague {
	j, err := address.Parse(bare)
	if err != nil {
		return nil
	}
	return g.colleagueOf(j)
}

func (g *Gateway) refuseUpstream(v policy.Verdict, s stanza.Stanza) {
	if r, ok := v.Reply(s); ok {
		g.sendUp(r)
	}
}

// sendUp sends an answer, which means nothing on another session.
func (g *Gateway) sendUp(s stanza.Stanza) {
	if g.session == nil {
		return
	}
	if _, err := g.session.Send(s); err != nil {
		g.drops.count("upstream-answer")
		g.log.Debug("an answer was not sent", "error", err)
	}
}

// relayDown accepts a colleague's message for a peer.
func (g *Gateway) relayDown(s stanza.Stanza, c *colleague, p *peer) {
	out, outcome := translate.MessageToMesh(s, "", "", translate.MessageOptions{})
	if !outcome.Crosses() {
		g.drops.count(outcome.Dropped)
		return
	}
	now := time.Now()
	if s.Type == "error" {
		g.mesh.Send(linklocal.Delivery{Proxy: c.key(), Peer: p.instance, Stanza: out})
		if e, ok := stanza.ErrorOf(out); ok {
			g.notice(c, p, e)
		}
		return
	}
	if s.ID != "" && !g.repeated.add(fingerprint(s), "", now) {
		g.drops.count("MAP-M19")
		return
	}
	c.talking = now
	r := g.routeTo(c, p)
	_, err := g.box.Accept(outbox.Entry{Recipient: r.recipient, Sender: s.From, Stanza: out, Accepted: now})
	if err != nil {
		g.full(err)
		g.tidy(r)
		g.refuseUpstream(policy.Verdict{Action: policy.Refuse, Error: policy.TooFast.StanzaError()}, s)
		return
	}
	g.relayed.add(passage(toMesh, c, p, s.ID), s.From, now)
	g.pump(r)
}

// full counts a message that the outbox had no room for.
func (g *Gateway) full(err error) {
	g.drops.count("COMP-14")
	var full *outbox.Full
	if errors.As(err, &full) {
		g.log.Warn("a message was refused", "error", full)
	}
}

// expire answers the senders of what has been kept for too long.
func (g *Gateway) expire(now time.Time) {
	for _, e := range g.box.Expire(now) {
		g.drops.count("COMP-14")
		if isUpstream(e.Recipient) {
			c, p := g.colleagues[e.Recipient[len(queueUpstream):]], g.peers[e.Sender]
			if c != nil && p != nil {
				g.notice(c, p, policy.Unreachable.StanzaError())
			}
			continue
		}
		r := g.routes[e.Recipient]
		if r == nil {
			continue
		}
		back := stanza.Stanza{Kind: stanza.Message, From: e.Sender, To: g.jid(r.peer), ID: e.Stanza.ID}
		if s, ok := stanza.Reply(back, policy.Unreachable.StanzaError()); ok {
			g.sendUp(s)
		}
		g.tidy(r)
	}
}

// tooBig answers a stanza that was over the limit and was not read.
func (g *Gateway) tooBig(head stanza.Stanza) {
	g.drops.count("COMP-19")
	if head.Kind == stanza.Presence {
		return
	}
	g.refuseUpstream(policy.Verdict{Action: policy.Refuse, Error: policy.TooLarge.StanzaError()}, head)
}

// Directions of a message that crossed.
const (
	toMesh   = "down"
	toServer = "up"
)

// passage names a message that crossed between two, for an error that answers it.
func passage(direction string, c *colleague, p *peer, id string) string {
	return direction + " " + c.key() + " " + p.local + " " + id
}

// fingerprint tells a message of the server from every other but its repeats.
func fingerprint(s stanza.Stanza) string {
	body := ""
	if b := s.Child("", "body"); b != nil {
		body = b.Text()
	}
	sum := sha256.Sum256([]byte(s.From + "\x00" + s.To + "\x00" + s.ID + "\x00" + body))
	return string(sum[:])
}

// newID returns an unpredictable id of 128 bits and more.
func newID() string { return rand.Text() }
