package linklocal

import (
	"meshbridge/internal/stanza"
	"meshbridge/linklocal/mdns"
)

// received passes a stanza of a bound peer on to the one it is for: the proxy it is
// addressed to, or the one of the stream when it says nothing.
func (m *Mesh) received(s *stream, st stanza.Stanza) {
	m.heard(s)
	s.carries(st)
	key := s.proxy
	if st.To != "" && mdns.Fold(st.To) != mdns.Fold(s.self) {
		to := m.own[mdns.Fold(st.To)]
		if to == nil || to.announced.IsZero() {
			m.cfg.Count("INJ-7")
			m.bounce(s, st, stanza.Error{Type: "cancel", Condition: "item-not-found"})
			return
		}
		key = to.Key
	}
	m.cfg.Handle(Received{Peer: s.instance, Proxy: key, Machine: &s.machine, Stanza: st})
}

// bounce answers a stanza with an error on the stream it came on.
func (m *Mesh) bounce(s *stream, st stanza.Stanza, e stanza.Error) {
	if r, ok := stanza.Reply(st, e); ok {
		s.enqueue(outgoing{data: stanza.Append(nil, stanza.Client, r)})
	}
}
