package bridge

import (
	"strings"

	"meshbridge/internal/stanza"
)

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

// room is what is left of a stanza for the entries of a list, in octets.
type room int

// listRoom is what a list may take: the rest of the stanza has the other half.
func (g *Gateway) listRoom() room { return room(g.cfg.Upstream.MaxStanza / 2) }

// takes takes off what an entry of these words needs. It reports false when there is
// not so much left, then and from then on.
func (r *room) takes(markup int, words ...string) bool {
	for _, w := range words {
		markup += len(w)
		for i := range len(w) {
			if strings.IndexByte(`&<>'"`, w[i]) >= 0 {
				markup += escapeRoom - 1
			}
		}
	}
	*r -= room(markup)
	return *r >= 0
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
