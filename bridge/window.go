package bridge

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
func (g *Gateway) awaitRoom(c *colleague) {
	if c.fading > 0 {
		g.keeper.Hurry()
	}
	if c.underWay > 0 {
		g.bePatient(c)
	}
}

// bePatient gives a colleague's client, for whom messages are held back, some time
// to answer.
func (g *Gateway) bePatient(c *colleague) {
	if c.patience.set() {
		return
	}
	c.patience = g.after(arrivalPatience, func() {
		c.silent = true
		g.pumpTo(c.queue)
	})
}

// answers takes in that a colleague's client, or their server, answers pings.
func (c *colleague) answers() {
	if c != nil {
		c.silent = false
		c.patience.stop()
	}
}

// groundAll takes in that nothing is on its way any more.
func (g *Gateway) groundAll() {
	for _, c := range g.colleagues {
		c.underWay = 0
		c.patience.stop()
	}
}
