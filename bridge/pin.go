package bridge

import "strings"

// pinOf is what a peer is recognised by (INJ-26); "" where nothing is known.
func (g *Gateway) pinOf(p *peer) string { return strings.ToLower(p.host) }

// pinned reports whether a peer is the one of a pin.
func (g *Gateway) pinned(p *peer, pin string) bool { return pin != "" && pin == g.pinOf(p) }
