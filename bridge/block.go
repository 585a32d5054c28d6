package bridge

import (
	"slices"
	"strings"

	"meshbridge/bridge/outbox"
	"meshbridge/bridge/policy"
	"meshbridge/bridge/store"
)

// Who does not want to hear of somebody says so here, and looks out of reach to them
// from then on, as XEP-0191 has it: messages and questions are refused on either way,
// and the peer's presence is not shown. A colleague's presence stands on a list that
// everybody on the LAN shares, and is shown there all the same.

// side is one of the two of a pair.
type side uint8

const (
	byColleague side = iota
	byPeer
)

// blockWords are what the store holds for a policy.Block.
var blockWords = [...]string{"", "colleague", "peer", "both"}

// blocks says who of a pair has blocked the other.
func (g *Gateway) blocks(pair store.Pair) policy.Block {
	if len(g.facts[store.Blocks]) == 0 {
		return 0
	}
	return blockOf(g.fact(store.Blocks, blockKey(pair)))
}

// blockedBy reports whether that one of a pair has blocked the other.
func (g *Gateway) blockedBy(pair store.Pair, by side) bool { return g.blocks(pair)&by.bit() != 0 }

// setBlock makes one of a pair hear nothing of the other any more, or again. It
// reports false when that one has blocked so many that there is no room for another.
func (g *Gateway) setBlock(pair store.Pair, by side, on bool) bool {
	was := g.blocks(pair)
	now := was &^ by.bit()
	if on {
		now |= by.bit()
	}
	switch {
	case now == was:
		return true
	case on && !g.mayBlock(pair, by):
		g.drops.count(policy.RuleBlock)
		return false
	}
	g.setFact(store.Blocks, blockKey(pair), blockWords[now])
	if on {
		g.refuseWaiting(pair)
	}
	if (was == 0) != (now == 0) {
		g.showBlock(pair)
	}
	return true
}

// showBlock tells a colleague that watches a peer what a block has made of that
// peer's presence.
func (g *Gateway) showBlock(pair store.Pair) {
	if p := g.peers[pair.Local]; p != nil && p.present && p.watchers[pair.Colleague] {
		g.show(p, pair.Colleague)
	}
}

// visible reports whether a colleague may see that a peer is here.
func (g *Gateway) visible(p *peer, bare string) bool {
	return p.present && g.blocks(store.Pair{Colleague: bare, Local: p.local}) == 0
}

// refuseWaiting answers what waits on either way between the two of a pair. What is
// in flight may have arrived and is not called refused.
func (g *Gateway) refuseWaiting(pair store.Pair) {
	queue := queueUpstream + pair.Colleague
	for _, e := range g.box.Ready(queue, g.box.Waiting(queue)) {
		if e.Sender == pair.Local {
			g.refuseKept(e, policy.RuleBlock, policy.NotServed)
		}
	}
	for key, r := range g.routes {
		if key.colleague == pair.Colleague && key.local == pair.Local {
			g.refuseRoute(r, policy.RuleBlock, policy.NotServed)
		}
	}
}

// refuseRoute answers what waits of a colleague for a peer.
func (g *Gateway) refuseRoute(r *route, rule string, why policy.Reason) {
	for _, e := range g.box.Ready(r.recipient, g.box.Waiting(r.recipient)) {
		if e.Sender != "" { // words of the gateway are still true
			g.refuseKept(e, rule, why)
		}
	}
	g.tidy(r)
}

func (g *Gateway) refuseKept(e outbox.Entry, rule string, why policy.Reason) {
	if _, kept := g.box.Done(e.ID); kept {
		g.drops.count(rule)
		g.giveUp(e, why)
	}
}

// forgetBlocks forgets whom a colleague has blocked, and shows them again.
func (g *Gateway) forgetBlocks(colleague string) {
	for _, local := range g.blockedOf(colleague) {
		g.setBlock(store.Pair{Colleague: colleague, Local: local}, byColleague, false)
	}
}

// blockedOf lists the local parts of those whom a colleague has blocked.
func (g *Gateway) blockedOf(colleague string) []string {
	var list []string
	for key, word := range g.facts[store.Blocks] {
		if pair := pairBlocked(key); pair.Colleague == colleague && blockOf(word)&policy.ByColleague != 0 {
			list = append(list, pair.Local)
		}
	}
	slices.Sort(list)
	return list
}

// mayBlock reports whether there is room for one more block of that one.
func (g *Gateway) mayBlock(pair store.Pair, by side) bool {
	own, all := 0, 0
	for key, word := range g.facts[store.Blocks] {
		if blockOf(word)&by.bit() == 0 {
			continue
		}
		all++
		if have := pairBlocked(key); by == byPeer && have.Local == pair.Local || by == byColleague && have.Colleague == pair.Colleague {
			own++
		}
	}
	return own < maxBlocksEach && all < maxBlocks
}

func (s side) bit() policy.Block { return 1 << s }

// blockOf reads a word of the store. One that a later program wrote blocks nobody.
func blockOf(word string) policy.Block {
	return policy.Block(max(slices.Index(blockWords[:], word), 0))
}

// blockKey names a pair in the store. There is no space in an address (RFC 7622
// section 3).
func blockKey(pair store.Pair) string { return pair.Colleague + " " + pair.Local }

func pairBlocked(key string) store.Pair {
	colleague, local, _ := strings.Cut(key, " ")
	return store.Pair{Colleague: colleague, Local: local}
}
