package bridge

import (
	"crypto/sha256"
	"fmt"
	"time"

	"meshbridge/bridge/policy"
	"meshbridge/internal/stanza"
)

// A server may end the stream on a stanza that it does not bear, for its size or a
// character in it. Sent again on each new session, one such stanza would keep
// everybody from the server for ever (COMP-19). The link sends one at a time then
// and names the one on which a session ended. The second time is the last, unless
// the server has routed it in between.

// saying is a stanza other than a message on its way through the server.
type saying struct {
	seq    uint64
	stanza stanza.Stanza
}

// offence names a stanza across sessions. A message has its number in the outbox;
// of the others, who says what to whom.
type offence string

func offenceBy(f flight) offence { return offence(fmt.Sprint(f.id)) }

func offenceOf(s stanza.Stanza) offence {
	s.ID = ""
	sum := sha256.Sum256(stanza.Append(nil, stanza.Component, s))
	return offence(sum[:])
}

// accuse takes in on which stanza a session ended.
func (g *Gateway) accuse(alone uint64) {
	if alone == 0 {
		return
	}
	for _, f := range g.written {
		if f.seq == alone && g.strike(offenceBy(f)) {
			g.condemnMessage(f)
		}
	}
	for _, s := range g.said {
		if s.seq == alone && g.strike(offenceOf(s.stanza)) {
			g.unbearable.note(offenceOf(s.stanza), "", time.Now())
			g.condemned(s.stanza)
		}
	}
}

// strike reports whether this was not the first time.
func (g *Gateway) strike(o offence) bool { return !g.struck.add(o, time.Now()) }

// acquit forgets the first time of a stanza that the server has routed since: that
// one was no more than there when the server ended for another reason.
func (g *Gateway) acquit(messages []flight, others []saying) {
	if len(g.struck.seen) == 0 {
		return
	}
	for _, f := range messages {
		g.struck.drop(offenceBy(f))
	}
	for _, s := range others {
		g.struck.drop(offenceOf(s.stanza))
	}
}

// condemnMessage answers the sender of a message that is not sent any more.
func (g *Gateway) condemnMessage(f flight) {
	e, ok := g.box.Done(f.id)
	if !ok {
		return
	}
	g.settle(e, stepErrored, "condition", policy.Unbearable.StanzaError().Condition)
	g.condemned(e.Stanza)
	c, p := g.colleagues[f.to], g.peers[e.Sender]
	if c == nil || p == nil || e.Stanza.Type == "error" {
		return
	}
	theirs := stanza.Stanza{Kind: stanza.Message, From: p.instance, To: c.instance}
	theirs.ID, _ = g.relayed.get(passage{true, c.key(), p.local, e.Stanza.ID}, time.Now())
	g.refuseMesh(c, p, theirs, refusal("COMP-19", policy.Unbearable))
}

// condemned tells the log.
func (g *Gateway) condemned(s stanza.Stanza) {
	g.log.Error("the server ended the stream twice when it was given this stanza; it is not sent again: "+
		"see the server's log for what it does not bear, and compare upstream.max_stanza with its limit",
		"kind", s.Kind, "from", s.From, "bytes", len(stanza.Append(nil, stanza.Component, s)))
}

// bears reports whether nothing is known against a stanza.
func (g *Gateway) bears(s stanza.Stanza) bool {
	if len(g.unbearable.seen) == 0 {
		return true
	}
	_, known := g.unbearable.get(offenceOf(s), time.Now())
	return !known
}

// forgetSaid forgets what the server has routed.
func (g *Gateway) forgetSaid(seq uint64) {
	n := 0
	for n < len(g.said) && g.said[n].seq <= seq {
		n++
	}
	g.acquit(nil, g.said[:n])
	g.said = g.said[:copy(g.said, g.said[n:])]
}
