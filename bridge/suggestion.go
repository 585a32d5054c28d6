package bridge

import (
	"meshbridge/bridge/config"
	"meshbridge/bridge/store"
	"meshbridge/internal/stanza"
)

// suggestLater has peers ask to be added to the contacts of a colleague for whom the
// admin wants that: each once, ever, and slowly (introduce: ask, GW-25).
func (g *Gateway) suggestLater(c *colleague) {
	if g.introducesBy(c, config.IntroduceAsk) && !c.suggesting.set() {
		c.suggesting = g.after(suggestGap, func() { g.suggest(c) })
	}
}

// suggest has one peer ask who never did, and comes back for the others.
func (g *Gateway) suggest(c *colleague) {
	if g.session == nil || g.stopping || !g.introducesBy(c, config.IntroduceAsk) {
		return // greet begins anew
	}
	for _, p := range g.strangersTo(c) {
		pair := store.Pair{Colleague: c.key(), Local: p.local}
		if g.subs[pair]&store.Watching != 0 {
			g.setIntroduced(c, p, byHand)
			continue
		}
		g.setIntroduced(c, p, byRequest)
		g.say(withNick(g.presenceOf(pair, "subscribe"), p.name))
		g.suggestLater(c)
		return
	}
}

// withNick adds to a request for a subscription by what name its sender goes (XEP-0172
// section 4.2, MAP-P7).
func withNick(s stanza.Stanza, name string) stanza.Stanza {
	if name != "" {
		s.Payload = append(s.Payload, stanza.New(stanza.NSNick, "nick").AddText(name))
	}
	return s
}
