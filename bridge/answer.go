package bridge

import (
	"maps"
	"slices"

	"meshbridge/bridge/store"
)

// answer is what a subscriber was told a moment ago. Whoever logs in with several
// devices asks once for each of them (GW-23).
type answer struct {
	foreseen bool // given unasked; the question is still to come
	again    bool // asked once more meanwhile
}

// answer tells a subscriber how an address of ours stands, asked or unasked. Of more
// questions within a few seconds the last is answered when they are over, so that no
// device misses its answer.
func (g *Gateway) answer(pair store.Pair, unasked bool) {
	switch a := g.answered[pair]; {
	case a != nil && unasked:
	case a != nil && a.foreseen:
		a.foreseen = false
	case a != nil:
		a.again = true
	default:
		if len(g.answered) < maxAnswered {
			g.answered[pair] = &answer{foreseen: unasked}
			g.after(answerPause, func() { g.answerAgain(pair) })
		}
		g.present(pair)
	}
}

// answerAgain ends the pause behind an answer.
func (g *Gateway) answerAgain(pair store.Pair) {
	again := g.answered[pair].again
	delete(g.answered, pair)
	if again {
		g.answer(pair, false)
	}
}

// watchedBy lists the addresses of ours that are here and that a colleague is
// subscribed to, the gateway itself first.
func (g *Gateway) watchedBy(c *colleague) []store.Pair {
	var list []store.Pair
	if pair := (store.Pair{Colleague: c.key()}); g.subs[pair]&store.Watching != 0 {
		list = append(list, pair)
	}
	for _, local := range slices.Sorted(maps.Keys(g.peers)) {
		if p := g.peers[local]; p.watchers[c.key()] && g.visible(p, c.key()) {
			list = append(list, store.Pair{Colleague: c.key(), Local: local})
		}
	}
	return list
}
