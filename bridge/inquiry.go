package bridge

import (
	"maps"
	"slices"
	"time"

	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
)

// inquiry is a question of the gateway's that a peer's client has not answered yet.
// Who wants to know the same meanwhile waits for the same answer, so that a peer has
// one question about each thing at most.
type inquiry struct {
	id    string
	token uint64
	proxy string // key of the colleague who asks
	peer  *peer
	about string // namespace
	then  []func(finding, stanza.Stanza)
	until time.Time
	end   *alarm
}

// finding is what came of an inquiry.
type finding uint8

const (
	answered   finding = iota // by a result or an error
	silence                   // the client does not answer
	outOfReach                // it was not asked, or is gone
)

// inquiries are all that wait.
type inquiries struct {
	ids    map[string]*inquiry // by id of the iq
	tokens map[uint64]*inquiry // by token of the delivery
	last   uint64
}

// inquiryToken sets the tokens of inquiries apart from those of messages.
const inquiryToken = 1 << 63

// mayAsk reports whether a peer's client can be asked in a colleague's name: who is
// not on the mesh is not shown there for the sake of a question (PRIV-5), and who
// does not answer is not asked again (MAP-X13).
func (g *Gateway) mayAsk(c *colleague, p *peer) bool {
	return c != nil && c.published && p.present && !p.mute && !g.stopping
}

// inquire asks a peer's client, from a colleague's proxy; with ifOpen only where they
// have a stream. then is called once, in bounded time.
func (g *Gateway) inquire(c *colleague, p *peer, question *stanza.Element, ifOpen bool, then func(finding, stanza.Stanza)) {
	about := question.Name.Space
	q := p.asked[about]
	switch {
	case q != nil && len(q.then) < maxCurious:
		q.then = append(q.then, then)
		return
	case q != nil, len(g.inquiries.ids) >= maxInquiries, !g.mayAsk(c, p):
		then(outOfReach, stanza.Stanza{})
		return
	}
	g.inquiries.last++
	q = &inquiry{
		id: newID(), token: inquiryToken | g.inquiries.last, proxy: c.key(), peer: p, about: about,
		then: []func(finding, stanza.Stanza){then}, until: time.Now().Add(askLimit),
	}
	q.end = g.after(askLimit, func() { g.finish(q, outOfReach, stanza.Stanza{}) })
	g.inquiries.ids[q.id], g.inquiries.tokens[q.token], p.asked[about] = q, q, q
	g.mesh.Send(linklocal.Delivery{
		Proxy: q.proxy, Peer: p.instance, Host: p.host, Token: q.token, IfOpen: ifOpen,
		Stanza: stanza.Stanza{Kind: stanza.IQ, Type: "get", ID: q.id, Payload: []*stanza.Element{question}},
	})
}

// finish ends an inquiry, and with the last of them a stream that was opened for that
// alone (LL-STR-15).
func (g *Gateway) finish(q *inquiry, f finding, reply stanza.Stanza) {
	q.end.stop()
	delete(g.inquiries.ids, q.id)
	delete(g.inquiries.tokens, q.token)
	delete(q.peer.asked, q.about)
	for _, then := range q.then {
		then(f, reply)
	}
	if !q.peer.askedFrom(q.proxy) {
		g.mesh.Dismiss(q.proxy, q.peer.instance)
	}
}

// askedFrom reports whether a peer's client is being asked something from a proxy.
func (p *peer) askedFrom(proxy string) bool {
	for _, q := range p.asked {
		if q.proxy == proxy {
			return true
		}
	}
	return false
}

// inquiryOf returns the inquiry that a peer's stanza answers: by its id, and from
// whom it was asked, to whom asked (MAP-X11).
func (g *Gateway) inquiryOf(ev linklocal.Received, p *peer) *inquiry {
	s := ev.Stanza
	if s.Kind != stanza.IQ || s.Type != "result" && s.Type != "error" {
		return nil
	}
	if q := g.inquiries.ids[s.ID]; q != nil && q.peer == p && q.proxy == ev.Proxy {
		return q
	}
	return nil
}

// asks takes in that a question is at the peer's machine: from now on the silence is
// the client's. It reports false for a token of something else.
func (g *Gateway) asks(token uint64) bool {
	q := g.inquiries.tokens[token]
	if q != nil && time.Until(q.until) >= answerTime { // else the limit comes first, and says nothing of the client
		q.end.stop()
		q.end = g.after(answerTime, func() { g.unanswered(q) })
	}
	return token&inquiryToken != 0
}

// unanswered takes in that a client does not answer questions (MAP-X13).
func (g *Gateway) unanswered(q *inquiry) {
	g.drops.count("MAP-X13")
	q.peer.mute = true
	g.finish(q, silence, stanza.Stanza{})
}

// unasked takes in that a question did not reach the peer.
func (g *Gateway) unasked(token uint64) {
	if q := g.inquiries.tokens[token]; q != nil {
		g.finish(q, outOfReach, stanza.Stanza{})
	}
}

// streamOpened takes in that a peer has another stream: the client may be another,
// too. One that has something to say about itself is asked now that it talks
// (LL-CAP-6).
func (g *Gateway) streamOpened(ev linklocal.StreamOpened) {
	p := g.seen[ev.Peer]
	if p == nil {
		return
	}
	p.mute = false
	if markIn(p.profile).Whole() {
		g.learn(g.colleagues[ev.Proxy], p, func() {})
	}
}

// dropInquiries ends what a peer was asked who is gone, or whose client is another
// one: neither an answer nor silence would say anything of that. Who asked may ask
// that one at once.
func (g *Gateway) dropInquiries(p *peer) {
	for _, q := range slices.Collect(maps.Values(p.asked)) {
		g.finish(q, outOfReach, stanza.Stanza{})
	}
}
