package bridge

import (
	"maps"
	"slices"
	"strings"

	"meshbridge/bridge/config"
	"meshbridge/bridge/store"
)

// Peers get into a colleague's contacts in one of three ways, and by each of them once
// ever (GW-25): the server lets us write them there (roster.go), each asks to be added
// (suggestion.go), or the colleague is told once how to find them (orientation.go).

// The words of facts of kind Introductions: how somebody was introduced.
const (
	byRoster  = "roster"  // by the server, at our request
	byRequest = "request" // by a request in the peer's name
	byHand    = "hand"    // by the colleague, before
)

// newcomer takes in that somebody came who may not be known to everybody.
func (g *Gateway) newcomer() {
	g.enlistLater()
	for _, c := range g.colleagues {
		g.suggestLater(c)
	}
}

// introductionOf names the fact of somebody's being introduced to a colleague.
func introductionOf(pair store.Pair) string { return pair.Colleague + " " + pair.Local }

// introducesBy reports whether peers are to get into a colleague's contacts that way.
func (g *Gateway) introducesBy(c *colleague, way config.Introduce) bool {
	have := c.introduce
	if have == "" {
		have = config.IntroduceRoster
	}
	return have == way && g.belongs(c)
}

// strangersTo lists who is here and was never introduced to a colleague, as far as
// there is room for more.
func (g *Gateway) strangersTo(c *colleague) []*peer {
	room := min(maxIntroduced, maxPairs-len(g.facts[store.Introductions]))
	for key := range g.facts[store.Introductions] {
		if who, _, _ := strings.Cut(key, " "); who == c.key() {
			room--
		}
	}
	var list []*peer
	for _, local := range slices.Sorted(maps.Keys(g.peers)) {
		p := g.peers[local]
		pair := store.Pair{Colleague: c.key(), Local: local}
		if !p.present || g.fact(store.Introductions, introductionOf(pair)) != "" || g.blocks(pair) != 0 {
			continue
		}
		if len(list) >= room {
			g.drops.count("GW-25")
			break
		}
		list = append(list, p)
	}
	return list
}

// setIntroduced notes that a peer is known to a colleague, and how.
func (g *Gateway) setIntroduced(c *colleague, p *peer, how string) {
	g.setFact(store.Introductions, introductionOf(store.Pair{Colleague: c.key(), Local: p.local}), how)
}
