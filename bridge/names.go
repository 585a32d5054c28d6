package bridge

import (
	"meshbridge/bridge/address"
	"meshbridge/bridge/store"
)

// maxSuffix is how far a name is looked for among those that a colleague may have had.
const maxSuffix = 100

// nameFor returns the instance by which a proxy with that key is to be on the mesh, and
// the n-th other one for when that is taken. A name that was chosen after a conflict
// comes first the next time too, across restarts (LL-3-15): the conflict is likely
// still there, and the buddy lists know that name.
func (g *Gateway) nameFor(key, wanted string) (first string, other func(n int) string) {
	last := g.fact(store.Names, key)
	for tried := 1; last != "" && tried <= maxSuffix; tried++ {
		if address.Suffixed(wanted, tried) == last {
			return last, func(n int) string { return address.Suffixed(wanted, tried+n) }
		}
	}
	return wanted, func(n int) string { return address.Suffixed(wanted, n) }
}

// rememberName notes a name that was chosen after a conflict.
func (g *Gateway) rememberName(key, wanted, instance string) {
	if instance == wanted {
		instance = ""
	}
	if g.fact(store.Names, key) != "" || len(g.facts[store.Names]) < maxNames {
		g.setFact(store.Names, key, instance)
	}
}
