package bridge

import (
	"cmp"
	"maps"
	"slices"
	"sort"
	"time"

	"meshbridge/bridge/store"
	"meshbridge/bridge/translate"
	"meshbridge/internal/stanza"
)

// farewell tells the subscribers that everybody on the mesh is out of reach
// (COMP-13), and who wrote what will not be kept that it was not delivered. It is
// not paced, takes as long as the server needs to take it, and is bounded.
func (g *Gateway) farewell() {
	g.stopping = true
	g.outage.end()
	for _, q := range g.inquiries.ids {
		g.finish(q, outOfReach, stanza.Stanza{})
	}
	g.lookups.abandon()
	g.abandonAll()
	g.takeLeaves()
	g.trustServer()
	g.left = true
	g.abandonAll() // what came meanwhile, and what the server did not take
}

// trustServer forgets what the server has routed to those who answer no pings: it is
// alive and has it.
func (g *Gateway) trustServer() {
	for _, a := range g.arrivals {
		if c := g.colleagues[a.to]; a.isRouted() && (c == nil || c.silent) {
			g.forget(a)
		}
	}
}

// takeLeaves sends farewells until all are sent, or time is up.
func (g *Gateway) takeLeaves() {
	timeout := time.NewTimer(farewellTime)
	defer timeout.Stop()
	for !g.takeLeave() {
		select {
		case ev := <-g.events:
			ev.apply(g)
		case <-g.keeper.Commits():
			g.saved()
		case <-timeout.C:
			if len(g.shown) > 0 {
				g.log.Warn("not everybody could be told that we are leaving; they will be at the next start", "left", len(g.shown))
			}
			return
		}
	}
}

// takeLeave sends as many farewells as there is room for. It reports whether that
// was the last and no message waits either, or nobody is there to take one.
func (g *Gateway) takeLeave() bool {
	if g.session == nil {
		return true
	}
	g.doChores() // answers that wait go first
	for _, pair := range sortedPairs(g.shown) {
		if len(g.chores.answers) > 0 || !g.send(translate.Unavailable(g.ourJID(pair.Local), pair.Colleague)) {
			return false
		}
		g.setShown(pair, false)
	}
	return len(g.chores.answers) == 0 && !slices.ContainsFunc(g.box.Recipients(), isUpstream) && g.nothingOpen()
}

// nothingOpen reports whether nothing is with the server whose arrival may still be
// told: that would go out again after a restart.
func (g *Gateway) nothingOpen() bool {
	return !g.durable || len(g.written) == 0 && !slices.ContainsFunc(g.arrivals, func(a *arrival) bool {
		c := g.colleagues[a.to]
		return c != nil && !c.silent
	})
}

// forgetProxies notes that no proxy instance is on the mesh any more: it has ended
// with goodbyes.
func (g *Gateway) forgetProxies() {
	for _, c := range g.colleagues {
		g.setInstance(c, "")
	}
	g.contactNamed("")
}

// sortedPairs lists pairs by our address, then colleague.
func sortedPairs[V any](m map[store.Pair]V) []store.Pair {
	list := slices.Collect(maps.Keys(m))
	sort.Slice(list, func(x, y int) bool {
		a, b := list[x], list[y]
		return cmp.Or(cmp.Compare(a.Local, b.Local), cmp.Compare(a.Colleague, b.Colleague)) < 0
	})
	return list
}
