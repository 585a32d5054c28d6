package bridge

import (
	"time"

	"meshbridge/bridge/outbox"
	"meshbridge/bridge/policy"
	"meshbridge/bridge/translate"
	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
)

// What was accepted and does not arrive is answered: to colleagues by an error, to
// peers in words.

// expire gives up what has been kept for too long. That waits for a session: without
// one no sender upstream could be told.
func (g *Gateway) expire(now time.Time) {
	if g.session == nil {
		return
	}
	g.giveUpAll(g.box.Expire(now))
}

// abandonAll gives up what waits while the program ends, for the outbox is in
// memory: at first for the mesh, at last for the server too, to which it still goes
// out meanwhile. What is in flight may have arrived, and is not called lost.
func (g *Gateway) abandonAll() {
	for _, recipient := range g.box.Recipients() {
		if isUpstream(recipient) && g.session != nil && !g.left {
			continue
		}
		g.giveUpAll(g.box.Discard(recipient))
	}
}

func (g *Gateway) giveUpAll(list []outbox.Entry) {
	for _, e := range list {
		g.drops.count("COMP-14")
		g.giveUp(e, policy.Unreachable)
	}
	for _, r := range g.routes {
		g.tidy(r)
	}
}

// giveUp tells the sender of an entry that it will not arrive. The entry is not in
// the outbox any more. One without sender was a notice.
func (g *Gateway) giveUp(e outbox.Entry, why policy.Reason) {
	if isUpstream(e.Recipient) {
		c, p := g.colleagues[e.Recipient[len(queueUpstream):]], g.peers[e.Sender]
		if c != nil && p != nil && e.Stanza.Type != "error" {
			g.notice(c, p, why.StanzaError())
		}
		return
	}
	r := g.routeOf(e.Recipient)
	if r == nil || e.Sender == "" || e.Stanza.Type == "headline" {
		return
	}
	back := stanza.Stanza{Kind: stanza.Message, From: e.Sender, To: r.peer.jid, ID: e.Stanza.ID}
	if s, ok := stanza.Reply(back, why.StanzaError()); ok {
		g.answerUp(s)
	}
}

// routeOf finds the route of a queue.
func (g *Gateway) routeOf(recipient string) *route {
	for _, r := range g.routes {
		if r.recipient == recipient {
			return r
		}
	}
	return nil
}

// subject is what a notice between a colleague and a peer is about.
type subject struct{ colleague, local, about string }

// notice tells a peer in words why a message did not arrive, once in a while for
// each reason (MAP-E5). It waits for a peer who is away, as messages do.
func (g *Gateway) notice(c *colleague, p *peer, e stanza.Error) {
	now := time.Now()
	if !g.noticed.add(subject{c.key(), p.local, e.Condition}, now) {
		return
	}
	name := c.nick
	if name == "" {
		name = c.key()
	}
	s := translate.Notice("", "", newID(), translate.NoticeText(e, name))
	if !g.stopping {
		r := g.routeTo(c, p)
		_, err := g.box.Accept(outbox.Entry{Recipient: r.recipient, Stanza: s, Accepted: now})
		g.pump(r)
		g.tidy(r)
		if err == nil {
			return
		}
	}
	g.mesh.Send(linklocal.Delivery{Proxy: c.key(), Peer: p.instance, Stanza: s}) // now or never
}
