package bridge

import "slices"

// What a server had routed when it died goes out again on the next session, and
// most of it has been read by then. So no more than a window of messages is ever on
// its way to one colleague (COMP-16): the next ones wait for the sign that some have
// arrived. Those that a crash of the bridge would send again count as well: what has
// arrived and is still on disk. From colleagues who give no such sign nothing is expected.

// takeOff counts messages that are on their way from now on, or are not any more.
// Nobody counts those to somebody who is forgotten.
func (c *colleague) takeOff(n int) {
	if c != nil {
		c.underWay += n
	}
}

// roomFor returns how many more messages may be on their way to a colleague.
func (g *Gateway) roomFor(c *colleague) int {
	if c == nil || c.silent || g.stopping {
		return upWindow
	}
	return arrivalWindow - c.underWay - c.fading
}

// awaitRoom makes sure that there will be room for what is held back for a colleague.
// The disk is not left to wait until all places are taken.
func (g *Gateway) awaitRoom(c *colleague) {
	full := g.roomFor(c) <= 0
	if c != nil && (c.fading >= arrivalWindow/2 || full && c.fading > 0) {
		g.keeper.Hurry()
	}
	if full && c.underWay > 0 {
		g.bePatient(c)
	}
}

// bePatient gives a colleague's client, for whom messages are held back, some time
// to answer.
func (g *Gateway) bePatient(c *colleague) {
	if !c.patience.set() && c.doubt == 0 {
		c.patience = g.after(arrivalPatience-arrivalGrace, func() { g.askAgain(c) })
	}
}

// askAgain puts a question anew that was not answered. A server that stands still
// answers for nobody, and must not be given more than a window meanwhile: only when it
// has passed that question on is it the client that does not answer.
func (g *Gateway) askAgain(c *colleague) {
	i := slices.IndexFunc(g.arrivals, func(a *arrival) bool { return a.to == c.key() && a.ping != "" })
	if i < 0 || g.session == nil {
		g.bePatient(c)
		return
	}
	said, again := len(g.said), newID()
	if !g.send(g.arrivalPing(g.arrivals[i].way, again)) {
		g.bePatient(c)
		return
	}
	if len(g.said) == said { // no session would bear it: nobody will ever answer
		c.silent = true
		g.pumpTo(c.queue)
		return
	}
	g.arrivals[i].again = again
	c.doubt = g.said[said].seq
	g.doubted = append(g.doubted, c)
}

// resolveDoubts takes in up to where the server is alive.
func (g *Gateway) resolveDoubts(seq uint64) {
	g.doubted = slices.DeleteFunc(g.doubted, func(c *colleague) bool {
		switch {
		case c.doubt == 0: // has answered
			return true
		case c.doubt > seq:
			return false
		}
		c.doubt = 0
		c.patience = g.after(arrivalGrace, func() {
			c.silent = true
			g.pumpTo(c.queue)
		})
		return true
	})
}

// answers takes in that a colleague's client, or their server, answers pings.
func (c *colleague) answers() {
	if c != nil {
		c.silent, c.doubt = false, 0
		c.patience.stop()
	}
}

// groundAll takes in that nothing is on its way any more.
func (g *Gateway) groundAll() {
	for _, c := range g.colleagues {
		c.underWay, c.doubt = 0, 0
		c.patience.stop()
	}
	g.doubted = nil
}
