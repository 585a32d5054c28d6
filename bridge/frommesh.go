package bridge

import (
	"time"

	"meshbridge/bridge/outbox"
	"meshbridge/bridge/policy"
	"meshbridge/bridge/store"
	"meshbridge/bridge/translate"
	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
)

// fromMesh deals with what a bound peer said to a proxy.
func (g *Gateway) fromMesh(ev linklocal.Received) {
	p, c := g.seen[ev.Peer], g.colleagues[ev.Proxy]
	if p == nil || c == nil {
		g.drops.count("INJ-4") // left while its last stanza was on the way here
		return
	}
	s := ev.Stanza
	answers, relayed := "", false
	if s.Type == "error" {
		answers, relayed = g.relayed.get(passage(toMesh, c, p, s.ID), time.Now())
	}
	pair := store.Pair{Colleague: c.key(), Local: p.local}
	v := policy.FromMesh(policy.Case{
		Stanza: s, Target: policy.Person, Relayed: relayed,
		Peer:      policy.Peer{Level: policy.Bound, Present: p.present},
		Colleague: policy.Colleague{JID: c.key(), Subscribed: g.subs[pair]&store.Watching != 0},
	}, g.policy)
	switch v.Action {
	case policy.Drop:
		g.drops.count(v.Rule)
	case policy.Refuse:
		g.refuseMesh(c, p, s, v)
	case policy.Answer:
		if r, ok := g.answerIQ(s, policy.AsColleague, nil); ok {
			g.mesh.Send(linklocal.Delivery{Proxy: c.key(), Peer: p.instance, Stanza: r})
		}
	case policy.Relay:
		g.relayUp(s, c, p, answers)
	}
}

// refuseMesh tells a peer that its stanza did not cross: by an error, and in words,
// since Bonjour clients show no errors (MAP-E5).
func (g *Gateway) refuseMesh(c *colleague, p *peer, s stanza.Stanza, v policy.Verdict) {
	g.drops.count(v.Rule)
	if r, ok := v.Reply(s); ok {
		g.mesh.Send(linklocal.Delivery{Proxy: c.key(), Peer: p.instance, Stanza: r})
		if s.Kind == stanza.Message {
			g.notice(c, p, v.Error)
		}
	}
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
	now := time.Now()
	mark := fingerprint(p.local, c.key(), s)
	if g.isRepeat(mark, now) {
		return
	}
	if !g.fits(out) {
		g.refuseMesh(c, p, s, refusal("COMP-19", policy.TooLarge))
		return
	}
	e := outbox.Entry{Recipient: queueUpstream + c.key(), Sender: p.local, Stanza: out, Accepted: now}
	if why, err := g.accept(e); err != nil {
		g.refuseMesh(c, p, s, refusal("COMP-14", why))
		return
	}
	g.took(mark, now)
	g.relayed.note(passage(toServer, c, p, out.ID), s.ID, now)
	g.pumpTo(e.Recipient)
}

// fits reports whether a stanza may be written upstream, with a delay stamp too
// (COMP-19).
func (g *Gateway) fits(s stanza.Stanza) bool {
	g.scratch = stanza.Append(g.scratch[:0], stanza.Component, s)
	return len(g.scratch)+stampRoom+len(g.cfg.Upstream.Domain) <= g.cfg.Upstream.MaxStanza
}

// refusal is the verdict on a message that nothing but its size or number stands
// against.
func refusal(rule string, why policy.Reason) policy.Verdict {
	return policy.Verdict{Action: policy.Refuse, Rule: rule, Error: why.StanzaError()}
}

// accept puts a message into the outbox, or says why not. Once nothing can go out any
// more, nothing is taken in.
func (g *Gateway) accept(e outbox.Entry) (policy.Reason, error) {
	if g.stopping && g.session == nil {
		return policy.Unreachable, errStopping
	}
	if _, err := g.box.Accept(e); err != nil {
		g.log.Debug("a message was refused", "error", err)
		return policy.TooFast, err
	}
	return "", nil
}
