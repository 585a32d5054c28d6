package linklocal

import (
	"meshbridge/internal/stanza"
	"meshbridge/linklocal/mdns"
)

// disclose tells of the capabilities in a peer's features, the first of a stream that
// we opened: on the others nobody waits for any.
func (s *stream) disclose(features *stanza.Element) {
	if q := features.Child(stanza.NSDiscoInfo, "query"); q != nil {
		peer := s.instance
		s.m.post(func() { s.m.cfg.Handle(Disclosed{peer, q}) })
	}
}

// Dismiss ends the stream of a proxy and a peer if we opened it to ask something and
// neither has said a word on it (XEP-0174 section 10). It is for when all is answered
// that was asked.
func (m *Mesh) Dismiss(proxy, peer string) {
	m.commands.add(func() {
		p := m.pairs[pairKey{proxy, mdns.Fold(peer)}]
		if p == nil || p.stream == nil || !p.stream.forQuestions || len(p.queue) > 0 {
			return
		}
		for _, asked := range p.sent { // the answer confirms it
			m.cfg.Handle(Delivered{asked.Token})
		}
		p.sent = nil
		m.part(p.stream)
	})
}

// carries takes in what passes on a stream, either way.
func (s *stream) carries(st stanza.Stanza) {
	if st.Kind == stanza.Message {
		s.forQuestions = false
	}
}
