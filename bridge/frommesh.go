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
	if p != nil && ev.Machine != nil {
		p.at = ev.Machine
	}
	if p != nil && ev.Proxy == contactKey {
		g.toContact(p, ev.Stanza)
		return
	}
	if p == nil || c == nil {
		g.drops.count("INJ-4") // left while its last stanza was on the way here
		return
	}
	s := ev.Stanza
	q := g.inquiryOf(ev, p)
	answers, relayed := "", q != nil
	if s.Kind == stanza.Message && s.Type == "error" {
		answers, relayed = g.relayed.get(passage{false, c.key(), p.local, s.ID}, time.Now())
	}
	pair := store.Pair{Colleague: c.key(), Local: p.local}
	w := policy.Case{
		Stanza: s, Target: policy.Person, Relayed: relayed, Blocked: g.blocks(pair),
		Peer:      policy.Peer{Level: g.levelFor(p, c.key()), Present: p.present},
		Colleague: g.asColleague(pair),
	}
	v := policy.FromMesh(w, g.policy)
	if v.Action == policy.Refuse && v.Rule == "SEC-2" {
		g.belowLevel(c, p, w, v)
		return
	}
	switch v.Action {
	case policy.Drop:
		g.drops.countOf(v.Rule, p.instance)
	case policy.Refuse:
		g.refuseMesh(c, p, s, v)
	case policy.Answer:
		g.fromClient(c, p, s, q)
	case policy.Relay:
		g.relayUp(s, c, p, answers)
	}
}

// refuseMesh tells a peer that its stanza did not cross: by an error, and in words,
// since Bonjour clients show no errors (MAP-E5).
func (g *Gateway) refuseMesh(c *colleague, p *peer, s stanza.Stanza, v policy.Verdict) {
	g.drops.countOf(v.Rule, p.instance)
	if r, ok := v.Reply(s); ok {
		g.mesh.Send(linklocal.Delivery{Proxy: c.key(), Peer: p.instance, Stanza: r})
		if s.Kind == stanza.Message {
			g.notice(c, p, g.worded(c, p, v))
		}
	}
}

// worded is the error of a refusal as a peer is told it in words: who has blocked a
// colleague may have forgotten it.
func (g *Gateway) worded(c *colleague, p *peer, v policy.Verdict) stanza.Error {
	if v.Rule == policy.RuleBlock && g.blockedBy(store.Pair{Colleague: c.key(), Local: p.local}, byPeer) {
		return stanza.Error{Condition: translate.OwnBlock}
	}
	return v.Error
}

// relayUp accepts a peer's message for a colleague. Only the answer to a message
// goes to one device; everything else goes to the bare JID (MAP-M18).
func (g *Gateway) relayUp(s stanza.Stanza, c *colleague, p *peer, answers string) {
	to := c.key()
	if s.Type == "error" {
		to = answers
	}
	now := time.Now()
	out, outcome := translate.MessageToServer(s, p.jid, to, newID, translate.MessageOptions{Nick: g.introduction(c, p, now)})
	if !outcome.Crosses() {
		g.drops.count(outcome.Dropped)
		return
	}
	m := markOf(p.local, c.key(), s)
	if g.isRepeat(m, now) {
		return
	}
	if !g.fits(out) {
		g.refuseMesh(c, p, s, refusal("COMP-19", policy.TooLarge))
		return
	}
	e := outbox.Entry{Recipient: c.queue, Sender: p.local, Origin: s.ID, Stanza: out, Accepted: now, Stamp: g.timeOfDay(now)}
	var why policy.Reason
	if e.ID, why = g.accept(e); why != "" {
		g.refuseMesh(c, p, s, refusal("COMP-14", why))
		return
	}
	g.took(m, now)
	g.chats(p)
	g.introduced.add(subject{c.key(), p.local, p.name}, now)
	g.relayed.note(passage{true, c.key(), p.local, out.ID}, s.ID, now)
	if g.box.Waiting(c.queue) == 1 && g.roomFor(c) > 0 {
		g.launch(e)
		g.askBehind(c)
	} else {
		g.pumpTo(c.queue)
	}
	g.explainWait(c, p, out)
}

// introduction is the name that goes with a peer's first message to a colleague, and
// with the first under another name (GW-18).
func (g *Gateway) introduction(c *colleague, p *peer, now time.Time) string {
	if _, known := g.introduced.get(subject{c.key(), p.local, p.name}, now); known {
		return ""
	}
	return p.name
}

// refusal is the verdict on a message that nothing but its size or number stands
// against.
func refusal(rule string, why policy.Reason) policy.Verdict {
	return policy.Verdict{Action: policy.Refuse, Rule: rule, Error: why.StanzaError()}
}

// accept puts a message into the outbox, or says why not. Once nothing can go out any
// more, nothing is taken in that would not be there after a restart.
func (g *Gateway) accept(e outbox.Entry) (outbox.ID, policy.Reason) {
	if !g.durable && (g.left || g.stopping && g.session == nil) {
		return 0, policy.Unreachable
	}
	id, err := g.box.Accept(e)
	for err != nil && g.makeWay(e.Recipient, err) {
		id, err = g.box.Accept(e)
	}
	if err != nil {
		g.log.Debug("a message was refused", "error", err)
		return 0, policy.TooFast
	}
	e.ID = id
	g.keep(e)
	return id, ""
}
