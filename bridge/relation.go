package bridge

import (
	"meshbridge/bridge/store"
	"meshbridge/internal/stanza"
)

// relate sets and clears how a pair stands, here and in the store. It reports false
// when there is no room for one more pair.
func (g *Gateway) relate(pair store.Pair, set, clear store.Subscription) bool {
	have := g.subs[pair]
	now := have&^clear | set
	switch {
	case now == have:
		return true
	case have == 0 && (len(g.subs) >= maxPairs || g.pairs[pair.Colleague] >= maxPairsEach):
		g.drops.count("GW-8")
		return false
	case now == 0:
		delete(g.subs, pair)
		if g.pairs[pair.Colleague]--; g.pairs[pair.Colleague] == 0 {
			delete(g.pairs, pair.Colleague)
		}
	default:
		if have == 0 {
			g.pairs[pair.Colleague]++
		}
		g.subs[pair] = now
	}
	g.remember(g.keeper.SetSubscription(pair, now))
	return true
}

// watch notes that a colleague is subscribed to an address of ours. It reports
// false when there is no room.
func (g *Gateway) watch(pair store.Pair) bool {
	if !g.relate(pair, store.Watching, 0) {
		return false
	}
	if pair.Local != "" {
		p := g.peerOf(pair.Local)
		p.watchers[pair.Colleague] = true
		g.keepName(p)
		g.attend(p)
	}
	return true
}

// unwatch notes that a subscription is over.
func (g *Gateway) unwatch(pair store.Pair) {
	g.relate(pair, 0, store.Watching)
	g.setShown(pair, false)
	if p := g.peers[pair.Local]; p != nil {
		delete(p.watchers, pair.Colleague)
		g.keepName(p)
		g.attend(p)
		g.release(p)
	}
}

// recall takes over what a former run knew, except of those to whom the policy has
// shut the door since.
func (g *Gateway) recall(s store.State) {
	g.shown, g.ghosts, g.facts, g.dismissed = s.Shown, s.Instances, s.Facts, map[store.Pair]store.Subscription{}
	for pair, sub := range s.Subscriptions {
		if !g.policy.MaySubscribe(pair.Colleague) {
			g.dismissed[pair] = sub
			continue
		}
		g.subs[pair] = sub
		g.pairs[pair.Colleague]++
		if pair.Local != "" && sub&store.Watching != 0 {
			g.peerOf(pair.Local).watchers[pair.Colleague] = true
		}
	}
	g.trimGallery()
	g.recallRegistered()
	for local, instance := range s.Fallbacks {
		if p := g.peers[local]; p != nil {
			p.instance = instance
		} else {
			g.remember(g.keeper.SetFallback(local, ""))
		}
	}
	g.restore(s.Messages)
	g.recallIdentities()
}

// dismiss ends what we had with those whom the policy does not know any more: their
// presence is of no use to us. That nobody is here for them is told by settleAbsent.
func (g *Gateway) dismiss() {
	for _, pair := range sortedPairs(g.dismissed) {
		if pair.Local == "" && g.dismissed[pair]&store.Watched != 0 {
			g.say(stanza.Stanza{Kind: stanza.Presence, From: g.cfg.Upstream.Domain, To: pair.Colleague, Type: "unsubscribe"})
		}
		g.remember(g.keeper.SetSubscription(pair, 0))
	}
	g.dismissed = nil
}
