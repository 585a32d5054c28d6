package bridge

import "meshbridge/internal/stanza"

// fits reports whether a stanza may be written upstream, with a delay stamp too
// (COMP-19). Only what might be too long is measured.
func (g *Gateway) fits(s stanza.Stanza) bool {
	room := g.cfg.Upstream.MaxStanza - stampRoom - len(g.cfg.Upstream.Domain)
	most := tagRoom + escapeRoom*(len(s.From)+len(s.To)+len(s.ID)+len(s.Type)+len(s.Lang))
	for _, e := range s.Payload {
		most += longest(e)
	}
	if most <= room {
		return true
	}
	g.scratch = stanza.Append(g.scratch[:0], stanza.Component, s)
	return len(g.scratch) <= room
}

// How much longer than its characters a thing may stand on the wire, in octets.
const (
	escapeRoom = 6  // "&quot;" for a quote
	tagRoom    = 64 // both tags of an element, prefixes and quotes
	attrRoom   = 16 // of an attribute
)

// longest returns an upper bound of what an element takes on the wire.
func longest(e *stanza.Element) int {
	n := tagRoom + escapeRoom*len(e.Name.Space) + 2*len(e.Name.Local)
	for _, a := range e.Attrs {
		n += attrRoom + escapeRoom*(len(a.Name.Space)+len(a.Value)) + len(a.Name.Local)
	}
	for _, child := range e.Nodes {
		n += escapeRoom * len(child.Text)
		if child.Element != nil {
			n += longest(child.Element)
		}
	}
	return n
}
