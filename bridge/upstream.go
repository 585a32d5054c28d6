package bridge

import (
	"maps"
	"slices"
	"time"

	"meshbridge/bridge/store"
	"meshbridge/bridge/translate"
	"meshbridge/internal/stanza"
	"meshbridge/upstream"
)

// outage is what the mesh is told while the server is away (COMP-12).
type outage struct {
	away     *time.Timer // until the proxies say so
	withdraw *time.Timer // until they leave
}

func (o *outage) end() {
	for _, t := range [...]*time.Timer{o.away, o.withdraw} {
		if t != nil {
			t.Stop()
		}
	}
	*o = outage{}
}

// up takes in that we are authenticated: everybody is told what is true now, and
// asked what we do not know (COMP-11, COMP-18, COMP-20).
func (g *Gateway) up(s session) {
	g.session = s
	g.outage.end()
	g.chores.credit = choreCredit
	g.log.Info("authenticated upstream", "domain", g.cfg.Upstream.Domain)
	for _, c := range g.colleagueList() {
		if c.unsure {
			g.mirror(c) // takes back what the outage made it say
		}
		c.unsure = c.devices.Available()
		g.greet(c)
	}
	for _, local := range slices.Sorted(maps.Keys(g.peers)) {
		if p := g.peers[local]; p.present {
			g.showToAll(p)
		}
	}
	g.settleAbsent()
	g.pumpUpstream()
	g.after(unknownGrace, g.settleUnknown)
	g.after(ghostGrace, g.exorcise)
	g.ready()
}

// greet makes the component and a colleague see each other: one subscription, ever,
// through which their presence comes, and a probe for what it is now (GW-4, GW-6).
func (g *Gateway) greet(c *colleague) {
	pair := store.Pair{Colleague: c.key()}
	if !c.listed && g.subs[pair] == 0 {
		return
	}
	if g.subs[pair]&store.Watched == 0 {
		g.say(stanza.Stanza{Kind: stanza.Presence, From: g.cfg.Upstream.Domain, To: c.key(), Type: "subscribe"})
	}
	g.say(stanza.Stanza{Kind: stanza.Presence, From: g.cfg.Upstream.Domain, To: c.key(), Type: "probe"})
	if g.subs[pair]&store.Watching != 0 {
		g.sayHere(c.key())
	}
}

// sayHere shows the gateway itself to a subscriber.
func (g *Gateway) sayHere(bare string) {
	g.say(stanza.Stanza{Kind: stanza.Presence, From: g.cfg.Upstream.Domain, To: bare})
	g.setShown(store.Pair{Colleague: bare}, true)
}

// settleUnknown takes those for absent whose server has not answered since we came
// back.
func (g *Gateway) settleUnknown() {
	if g.session == nil {
		return
	}
	for _, c := range g.colleagueList() {
		if c.unsure {
			g.heard(c, stanza.Stanza{Kind: stanza.Presence, From: c.key(), Type: "unavailable"})
		}
	}
}

func (g *Gateway) colleagueList() []*colleague {
	var list []*colleague
	for _, key := range slices.Sorted(maps.Keys(g.colleagues)) {
		list = append(list, g.colleagues[key])
	}
	return list
}

// down takes in that the session is over, or that none was to be had.
func (g *Gateway) down(ev upstream.Down) {
	if ev.Class == upstream.Stopped {
		g.log.Debug("upstream closed")
	} else {
		g.log.Warn("upstream down", "class", ev.Class, "error", ev.Err)
	}
	if g.session != nil {
		g.session = nil
		g.chores = chores{}
		g.written = nil
		g.box.ReturnAll(isUpstream)
		if !g.stopping {
			g.outage.away = g.after(outageGrace, g.showOutage)
			g.outage.withdraw = g.after(g.cfg.Upstream.WithdrawAfter, g.withdrawAll)
		}
	}
	if ev.Class == upstream.Refused {
		g.withdrawAll() // SEC-7: we are not authenticated, and will not be soon
	}
}

// showOutage lets the proxies say that nobody can be reached now.
func (g *Gateway) showOutage() {
	if g.session != nil {
		return
	}
	for _, c := range g.colleagueList() {
		if c.published {
			c.unsure = true
			p := translate.ProfileFromPresence(translate.Resource{Show: "away", Status: outageText}, g.profileOptions(c))
			g.publish(c, p)
		}
	}
}

const outageText = "The chat server cannot be reached; messages are kept."

// withdrawAll takes every colleague off the mesh: their presence has not been known
// for too long.
func (g *Gateway) withdrawAll() {
	if g.session != nil {
		return
	}
	for _, c := range g.colleagueList() {
		c.devices = translate.Resources{}
		c.unsure = false
		g.withdraw(c)
	}
}

// ready tells the program once that both sides work.
func (g *Gateway) ready() {
	if g.readyTold || g.session == nil || g.listening.IsZero() {
		return
	}
	g.readyTold = true
	g.log.Info("ready", "domain", g.cfg.Upstream.Domain, "interfaces", g.cfg.LinkLocal.Interfaces)
	if g.opts.Ready != nil {
		g.opts.Ready()
	}
}

// farewell tells the subscribers that everybody on the mesh is out of reach
// (COMP-13). It is not paced: the session is closed behind it.
func (g *Gateway) farewell() {
	g.stopping = true
	g.outage.end()
	if g.session == nil {
		return
	}
	for pair := range maps.Clone(g.shown) {
		from := g.cfg.Upstream.Domain
		if pair.Local != "" {
			from = pair.Local + "@" + from
		}
		if _, err := g.session.Send(translate.Unavailable(from, pair.Colleague)); err != nil {
			g.log.Warn("not everybody could be told that we are leaving; they will be at the next start", "error", err)
			return
		}
		g.setShown(pair, false)
	}
	for _, c := range g.colleagueList() {
		if c.instance != "" {
			g.remember(g.keeper.SetInstance(c.instance, ""))
		}
	}
}

// recall takes over what a former run knew.
func (g *Gateway) recall(s store.State) {
	g.subs, g.shown, g.ghosts = s.Subscriptions, s.Shown, s.Instances
	for pair, sub := range s.Subscriptions {
		if pair.Local != "" && sub&store.Watching != 0 {
			g.peerOf(pair.Local).watchers[pair.Colleague] = true
		}
	}
	for local, instance := range s.Fallbacks {
		g.peerOf(local).instance = instance
	}
}
