package bridge

import "meshbridge/bridge/store"

// fact returns what is remembered of key, "" for nothing.
func (g *Gateway) fact(kind store.Kind, key string) string { return g.facts[kind][key] }

// setFact remembers value of key across restarts; "" forgets it. Of what is known
// already the disk is spared.
func (g *Gateway) setFact(kind store.Kind, key, value string) {
	if g.facts[kind][key] == value {
		return
	}
	switch known := g.facts[kind]; {
	case value == "":
		delete(known, key)
	case known == nil:
		g.facts[kind] = map[string]string{key: value}
	default:
		known[key] = value
	}
	g.remember(g.keeper.Set(kind, key, value))
}
