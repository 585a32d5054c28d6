package bridge

import (
	"strings"

	"meshbridge/bridge/config"
	"meshbridge/bridge/policy"
	"meshbridge/bridge/store"
)

// levels are what the configuration can ask for.
var levels = map[config.Mesh]policy.Level{
	config.Bound: policy.Bound, config.Approved: policy.Approved, config.Linked: policy.Linked,
}

// levelOf says how much is known about who is behind the stream that a peer last
// spoke on, as far as that is the same for everybody.
func (g *Gateway) levelOf(p *peer) policy.Level {
	switch {
	case g.isLinked(p):
		return policy.Linked
	case g.approved(p, ""):
		return policy.Approved
	}
	return policy.Bound
}

// levelFor says the same for one colleague, whose own word comes first: who was denied
// has proved nothing to them.
func (g *Gateway) levelFor(p *peer, colleague string) policy.Level {
	switch {
	case g.denied(p, colleague):
		return policy.Bound
	case g.isLinked(p):
		return policy.Linked
	case g.approved(p, colleague):
		return policy.Approved
	}
	return policy.Bound
}

// isLinked reports whether a peer proved to own an account, from this machine
// (INJ-27).
func (g *Gateway) isLinked(p *peer) bool {
	_, pin, _ := strings.Cut(g.fact(store.Links, p.local), " ")
	return pin != "" && g.pinned(p, pin)
}
