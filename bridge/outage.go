package bridge

import (
	"time"

	"meshbridge/bridge/store"
	"meshbridge/bridge/translate"
)

// outage is what the mesh is told while the server is away (COMP-12).
type outage struct {
	away     *alarm              // until the proxies say so
	withdraw *alarm              // until they leave
	told     bool                // they say so
	since    time.Time           // when it began
	unsaid   map[store.Pair]bool // whose messages wait without their knowing
}

// end calls everything off.
func (o *outage) end() {
	o.away.stop()
	o.withdraw.stop()
	*o = outage{}
}

// outageBegins starts the times after which the mesh is told.
func (g *Gateway) outageBegins() {
	if g.stopping {
		return
	}
	g.outage.end()
	g.outage.since = time.Now()
	g.outage.away = g.after(outageGrace, g.showOutage)
	g.outage.withdraw = g.after(g.cfg.Upstream.WithdrawAfter, g.withdrawAll)
}

// showOutage lets the proxies say that nobody can be reached now. Those of a former
// run cannot say so; nobody answers behind them.
func (g *Gateway) showOutage() {
	g.outage.told = true
	g.mirrorAll()
	g.explainOutage()
	g.exorcise()
}

// mirrorAll brings those on the mesh up to date.
func (g *Gateway) mirrorAll() {
	g.showContact()
	for _, c := range g.colleagueList() {
		if c.published {
			g.mirror(c)
		}
	}
}

// withdrawAll takes every colleague off the mesh, those of a former run too: their
// presence has not been known for too long, or we are not authenticated and will not
// be soon (SEC-7).
func (g *Gateway) withdrawAll() {
	for _, c := range g.colleagueList() {
		c.devices, c.talking = translate.Resources{}, time.Time{}
		g.withdraw(c)
		g.attendFor(c)
	}
	g.exorcise()
}
