package bridge

import (
	"time"

	"meshbridge/bridge/outbox"
	"meshbridge/bridge/policy"
	"meshbridge/bridge/translate"
	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
)

// fromServer deals with what the server routed to us.
func (g *Gateway) fromServer(s stanza.Stanza) {
	if s.Kind == stanza.Presence {
		g.presenceFromServer(s)
		return
	}
	if g.arrived(s) || g.cardArrived(s) || g.cameBack(s) || g.requested(s) {
		return
	}
	w, c := g.between(s)
	if s.Kind == stanza.Message && s.Type == "error" && c != nil && w.peer != nil {
		_, w.Relayed = g.relayed.get(passage{true, c.key(), w.peer.local, s.ID}, time.Now())
	}
	v := policy.FromServer(w.Case, g.policy)
	switch v.Action {
	case policy.Drop:
		g.drops.countOf(v.Rule, w.Colleague.JID)
	case policy.Refuse:
		g.refuseUpstream(v, s)
		if v.Rule == "MAP-M11" {
			g.explain(w, v.Error.Text)
		}
	case policy.Answer:
		g.answerServer(w)
	case policy.Ask:
		g.askPeer(s, c, w.peer)
	case policy.Relay:
		if c == nil {
			c = g.admit(w.Colleague.JID)
		}
		if c == nil {
			g.refuseUpstream(refusal("INJ-33", policy.TooFast), s)
			return
		}
		g.relayDown(s, c, w.peer)
	}
}

func (g *Gateway) refuseUpstream(v policy.Verdict, s stanza.Stanza) {
	g.drops.countOf(v.Rule, g.read.sender(s.From))
	if r, ok := v.Reply(s); ok {
		g.answerUp(r)
	}
}

// relayDown accepts a colleague's message for a peer.
func (g *Gateway) relayDown(s stanza.Stanza, c *colleague, p *peer) {
	typing := p.present && p.can.has(stanza.NSChatStates) // wants to be told of it (MAP-M3)
	out, outcome := translate.MessageToMesh(s, "", "", translate.MessageOptions{ChatStates: typing})
	if !outcome.Crosses() {
		g.drops.count(outcome.Dropped)
		return
	}
	now := time.Now()
	if s.Type == "error" {
		g.errorDown(out, c, p)
		return
	}
	m := markOf(s.From, p.local, s)
	if g.isRepeat(m, now) {
		return
	}
	r := g.routeTo(c, p)
	_, why := g.accept(outbox.Entry{Recipient: r.recipient, Sender: s.From, Stanza: out, Accepted: now, Stamp: g.timeOfDay(now)})
	if why != "" {
		g.tidy(r)
		g.refuseUpstream(refusal("COMP-14", why), s)
		return
	}
	g.took(m, now)
	g.chats(p)
	g.relayed.note(passage{false, c.key(), p.local, s.ID}, s.From, now)
	g.pump(r)
	g.lingers(r)
	g.warn(c, p, out)
	g.explainAbsence(c, p, out)
}

// errorDown tells a peer that a message of theirs was turned down upstream: by the
// error and in words.
func (g *Gateway) errorDown(out stanza.Stanza, c *colleague, p *peer) {
	g.mesh.Send(linklocal.Delivery{Proxy: c.key(), Peer: p.instance, Stanza: out})
	if e, ok := stanza.ErrorOf(out); ok {
		g.notice(c, p, e)
	}
}

// explain puts into words why a message to a peer was refused, once in a while: some
// clients show no errors.
func (g *Gateway) explain(w parties, why string) {
	if w.peer == nil || !g.noticed.add(subject{w.Colleague.JID, w.local, why}, time.Now()) {
		return
	}
	g.letter(w.Colleague.JID, "Your message to "+translate.DisplayName(w.peer.profile, w.peer.instance)+" was not delivered. "+why)
}

// tooBig answers a stanza that was over the limit and was not read.
func (g *Gateway) tooBig(head stanza.Stanza) {
	if head.Kind == stanza.Presence {
		g.drops.count("COMP-19")
		return
	}
	g.refuseUpstream(refusal("COMP-19", policy.TooLarge), head)
}
