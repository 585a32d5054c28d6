package linklocal

import (
	"slices"

	"meshbridge/linklocal/mdns"
)

// A stream runs over one interface. Interfaces go, are made anew under their old name,
// or get another address, and TCP waits for them for minutes. What is to be said does
// not wait: it goes out where the peer can be reached now (LL-11.1-3). A stream on which
// nothing is to be said stays for a while, since a cable that is plugged in again brings
// what the peer has written meanwhile.

// moveOn parts with the streams that have gone astray.
func (m *Mesh) moveOn() {
	for s := range m.streams {
		if p := m.carrying(s); p != nil && (m.unlisted(s) || len(p.sent) > 0 && m.cutOff(s)) {
			m.part(s)
		}
	}
}

// unlisted reports whether the peer of a stream is not announced on its interface any
// more, but on another one: nothing binds the stream to it now (INJ-12).
func (m *Mesh) unlisted(s *stream) bool {
	p := m.peers[mdns.Fold(s.instance)]
	return p != nil && len(p.links) > 0 && !p.on(s.iface.Index)
}

// cutOff reports whether nothing can pass on a stream at this moment, though its peer
// can be reached: its own address has gone from the interface, or the interface has,
// and the peer is on another one.
func (m *Mesh) cutOff(s *stream) bool {
	if i, up := m.up[s.iface.Index]; up {
		return !has(i, s.local)
	}
	p := m.peers[mdns.Fold(s.instance)]
	return p != nil && slices.ContainsFunc(p.links.order(), func(index int) bool {
		_, up := m.up[index]
		return up
	})
}
