package bridge

import (
	"time"

	"meshbridge/bridge/config"
	"meshbridge/bridge/store"
)

// orientLater sees to it that a colleague who is online learns, once ever, how to find
// the people of the LAN (GW-25).
func (g *Gateway) orientLater(c *colleague) {
	if !c.greeting.set() && g.mayOrient(c) {
		c.greeting = g.after(orientDelay, func() { g.orient(c) })
	}
}

// mayOrient reports whether a colleague may be in want of a welcome message.
func (g *Gateway) mayOrient(c *colleague) bool {
	return g.introducesBy(c, config.IntroduceRoster) && g.fact(store.Notices, welcomeOf(c)) == ""
}

// orient sends the welcome message, unless the colleague has found somebody already or
// the server writes people into the roster.
func (g *Gateway) orient(c *colleague) {
	switch {
	case g.session == nil, !c.devices.Available(), g.enlists(c), !g.mayOrient(c):
		return // another time, if at all
	case !g.knowsSomebody(c):
		g.letter(c.key(), g.welcomeText())
	}
	g.setFact(store.Notices, welcomeOf(c), time.Now().UTC().Format(time.DateOnly))
}

// knowsSomebody reports whether a colleague is subscribed to anybody of the LAN.
func (g *Gateway) knowsSomebody(c *colleague) bool {
	gateway := g.subs[store.Pair{Colleague: c.key()}]
	return g.pairs[c.key()] > 1 || g.pairs[c.key()] == 1 && gateway == 0
}

func (g *Gateway) welcomeText() string {
	return "Welcome. This is the bridge to the people on the local network of " + g.cfg.LinkLocal.Machine + ".\n\n" +
		"To see who is there, write me a word, such as help, or open " + g.cfg.Upstream.Domain +
		" in your program's service discovery. Add those whom you want to see in your contacts; you can write to them at once.\n\n" +
		"While you are online, the people there see you as well."
}

// welcomeOf names the fact of somebody's having been welcomed.
func welcomeOf(c *colleague) string { return "welcome " + c.key() }
