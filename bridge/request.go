package bridge

import (
	"meshbridge/internal/stanza"
)

// request is an iq of the gateway's own that a colleague's server has not answered yet.
type request struct {
	to   string // bare JID
	then func(stanza.Stanza)
	end  *alarm
}

// askServer sends an iq of the gateway's own to a colleague's account, which the server
// answers in its place. then is called once, with the answer or, in bounded time, with
// an empty stanza for none; not at all when the session ends first. It reports false
// when there is no room for it now.
func (g *Gateway) askServer(to, kind string, payload *stanza.Element, then func(stanza.Stanza)) bool {
	id := newID()
	s := stanza.Stanza{
		Kind: stanza.IQ, Type: kind, ID: id, From: g.cfg.Upstream.Domain, To: to,
		Payload: []*stanza.Element{payload},
	}
	if g.session == nil || g.stopping || len(g.requests) >= maxRequests || !g.send(s) {
		return false
	}
	r := &request{to: to, then: then}
	r.end = g.after(requestTime, func() {
		delete(g.requests, id)
		then(stanza.Stanza{})
	})
	g.requests[id] = r
	return true
}

// requested reports whether a stanza answers such a request: it is from the account
// itself, for which its server speaks, and no device can.
func (g *Gateway) requested(s stanza.Stanza) bool {
	r := g.requests[s.ID]
	if r == nil || s.Kind != stanza.IQ || s.Type != "result" && s.Type != "error" || s.From != r.to {
		return false
	}
	r.end.stop()
	delete(g.requests, s.ID)
	r.then(s)
	return true
}

// dropRequests forgets what was asked on a session that is over.
func (g *Gateway) dropRequests() {
	for _, r := range g.requests {
		r.end.stop()
	}
	clear(g.requests)
}
