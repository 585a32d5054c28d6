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
// one no sender upstream could be told. What a former run has left has its chance
// first, however old it seems: the clock may have been set since (GW-24).
func (g *Gateway) expire(now time.Time) {
	if g.session == nil || g.lastRestored > 0 && time.Since(g.began) < min(expiryGrace, g.cfg.Outbox.MaxAge) {
		return
	}
	g.giveUpAll(g.box.Expire(now))
}

// abandonAll gives up what waits while the program ends and would not be there after a
// restart: at first for the mesh, at last for the server too, to which it still goes
// out meanwhile. What is in flight may have arrived, and is not called lost.
func (g *Gateway) abandonAll() {
	for _, recipient := range g.box.Recipients() {
		if isUpstream(recipient) && g.session != nil && !g.left {
			continue
		}
		var lost []outbox.Entry
		for _, e := range g.box.Ready(recipient, g.box.Waiting(recipient)) {
			if !g.survives(e.ID) {
				g.box.Done(e.ID)
				lost = append(lost, e)
			}
		}
		g.giveUpAll(lost)
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
	g.settle(e, stepErrored, "condition", why.StanzaError().Condition)
	g.mayComeAgain(e)
	if isUpstream(e.Recipient) {
		c, p := g.colleagues[e.Recipient[len(queueUpstream):]], g.peers[e.Sender]
		if c != nil && p != nil && e.Stanza.Type != "error" {
			g.notice(c, p, why.StanzaError())
		}
		return
	}
	if r := g.queues[e.Recipient]; r != nil && e.Sender != "" && e.Stanza.Type != "headline" {
		g.errorBack(e, r.peer.jid, why)
	}
}

// errorBack answers a colleague whose message to an address of ours was given up.
func (g *Gateway) errorBack(e outbox.Entry, to string, why policy.Reason) {
	back := stanza.Stanza{Kind: stanza.Message, From: e.Sender, To: to, ID: e.Stanza.ID}
	if s, ok := stanza.Reply(back, why.StanzaError()); ok {
		g.answerWithin(maxAnswers+g.cfg.Outbox.Total, s) // as many as may be given up at once
	}
}

// mayComeAgain has a message that was given up count as new when its sender tries again:
// some clients do that under the same id.
func (g *Gateway) mayComeAgain(e outbox.Entry) {
	s := e.Stanza
	if r := g.queues[e.Recipient]; r != nil {
		g.repeated.drop(markOf(e.Sender, r.peer.local, s))
	} else if isUpstream(e.Recipient) {
		s.ID = e.Origin
		g.repeated.drop(markOf(e.Sender, colleagueOf(e.Recipient), s))
	}
}

// subject is what a notice between a colleague and a peer is about.
type subject struct{ colleague, local, about string }

// notice tells a peer in words why a message did not arrive, once in a while for
// each reason (MAP-E5). It waits for a peer who is away, as messages do.
func (g *Gateway) notice(c *colleague, p *peer, e stanza.Error) {
	if g.noticed.add(subject{c.key(), p.local, e.Condition}, time.Now()) {
		g.tellPeer(c, p, translate.NoticeText(e, c.called()))
	}
}

// tellPeer says something of the gateway's own to a peer in the conversation with a
// colleague, behind what waits there.
func (g *Gateway) tellPeer(c *colleague, p *peer, text string) {
	now := time.Now()
	s := translate.Notice("", "", newID(), text)
	if !g.stopping && g.maySpeak(c, p) {
		r := g.routeTo(c, p)
		_, why := g.accept(outbox.Entry{Recipient: r.recipient, Stanza: s, Accepted: now, Stamp: g.timeOfDay(now)})
		g.pump(r)
		g.tidy(r)
		if why == "" {
			return
		}
	}
	g.mesh.Send(linklocal.Delivery{Proxy: c.key(), Peer: p.instance, Stanza: s}) // now or never
}
