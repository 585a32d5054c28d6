package bridge

import (
	"errors"
	"maps"
	"slices"

	"meshbridge/bridge/store"
	"meshbridge/bridge/translate"
	"meshbridge/internal/stanza"
	"meshbridge/upstream"
)

// up takes in that we are authenticated: everybody is told what is true now, and
// asked what we do not know (COMP-11, COMP-18, COMP-20). Messages go first.
func (g *Gateway) up(s session) {
	if g.stopping {
		return // too late to appear: nobody would be told that we left again
	}
	g.lost()
	g.session = s
	g.payOff()
	g.answerOrphans()
	g.pumpUpstream()
	told := g.outage.told
	g.outage.end()
	if told {
		g.mirrorAll() // takes back what the outage made them say
	}
	g.showContact()
	g.dismiss()
	g.introduce()
	g.settleAbsent()
	g.resumeAll()
	g.settling = []*alarm{
		g.after(unknownGrace, g.settleUnknown),
		g.after(ghostGrace, g.exorcise),
		g.after(ghostGrace, g.tellAbsent), // there may be no mesh at all
	}
	g.ready()
}

// introduce tells everybody who is here and asks who else is.
func (g *Gateway) introduce() {
	g.greetAll()
	for _, local := range slices.Sorted(maps.Keys(g.peers)) {
		if p := g.peers[local]; p.present {
			g.showToAll(p)
		}
	}
}

// greetAll says hello to every colleague, and to who else is subscribed to the
// gateway itself.
func (g *Gateway) greetAll() {
	for _, c := range g.colleagueList() {
		c.unsure = true
		g.greet(c)
	}
	for _, pair := range sortedPairs(g.subs) {
		if pair.Local == "" && g.subs[pair]&store.Watching != 0 {
			g.sayHere(pair.Colleague)
		}
	}
}

// greet makes the component and a colleague see each other: one subscription, ever,
// through which their presence comes, and later a probe for what it is (GW-4, GW-6).
func (g *Gateway) greet(c *colleague) {
	pair := store.Pair{Colleague: c.key()}
	if !g.belongs(c) {
		return
	}
	g.suggestLater(c)
	switch have := g.subs[pair]; {
	case have&store.Watched != 0:
		g.probe(c.key())
	case have&store.Asked == 0:
		g.ask(c.key())
	}
}

// probe asks what a colleague's presence is now. It is for those only who granted
// it: a server answers anybody else with "unsubscribed", and Prosody then forgets
// the request for a subscription that still waits for its answer.
func (g *Gateway) probe(bare string) {
	g.say(stanza.Stanza{Kind: stanza.Presence, From: g.cfg.Upstream.Domain, To: bare, Type: "probe"})
}

// ask asks for a colleague's presence.
func (g *Gateway) ask(bare string) {
	g.say(withNick(g.presenceOf(store.Pair{Colleague: bare}, "subscribe"), selfName))
}

// sayHere shows the gateway itself to a subscriber.
func (g *Gateway) sayHere(bare string) {
	g.say(g.hello(bare))
	g.setShown(store.Pair{Colleague: bare}, true)
}

// settleUnknown takes those for absent whose server has not answered since we came
// back. They have had their time.
func (g *Gateway) settleUnknown() {
	for _, c := range g.colleagueList() {
		if !c.unsure {
			continue
		}
		c.unsure, c.devices = false, translate.Resources{}
		g.attendFor(c)
		if g.talks(c) {
			g.mirror(c)
		} else {
			g.withdraw(c)
		}
	}
}

func (g *Gateway) colleagueList() []*colleague {
	list := make([]*colleague, 0, len(g.colleagues))
	for _, key := range slices.Sorted(maps.Keys(g.colleagues)) {
		list = append(list, g.colleagues[key])
	}
	return list
}

// down takes in that the session is over, or that none was to be had. The link has
// logged why.
func (g *Gateway) down(ev upstream.Down) {
	if g.session != nil {
		g.accuse(ev.Alone)
		g.lost()
		g.outageBegins()
	}
}

// waiting takes in that no server will be tried for a while. One that does not want
// us will not soon: nobody's presence may be shown then (SEC-7).
func (g *Gateway) waiting(ev upstream.Waiting) {
	if ev.Refused {
		g.withdrawAll()
		g.hideContact()
	}
}

// shared takes in that another connection takes a part of what is for us, or that
// it is gone. What was missed meanwhile is asked for and told anew (COMP-17).
func (g *Gateway) shared(ev upstream.Shared) {
	if !ev.On && g.session != nil && !g.stopping {
		g.introduce()
	}
}

// lost ends what was tied to the session.
func (g *Gateway) lost() {
	for _, a := range g.settling {
		a.stop()
	}
	g.chores.next.stop()
	g.overdue.stop()
	g.unsay()
	g.owe()
	g.session, g.settling, g.chores = nil, nil, chores{}
	g.written, g.said, g.arrivals = nil, nil, nil
	g.dropCards()
	g.dropRequests()
	g.lists.stop()
	clear(g.grants)
	g.groundAll()
	g.box.ReturnAll(isUpstream)
}

// send gives the session a stanza. It reports false when there is no room for it
// now. A stanza that no session would take counts as sent: it would stand in the
// way of all others for ever. Room is kept for messages, which do not come this way.
func (g *Gateway) send(s stanza.Stanza) bool {
	switch {
	case !g.bears(s):
		g.drops.count("COMP-19")
		return true
	case len(g.said) >= saidWindow:
		return false
	}
	seq, err := g.session.Send(s)
	switch {
	case err == nil:
		g.said = append(g.said, saying{seq, s})
	case noRoom(err):
		return false
	default:
		g.unsendable(err)
	}
	return true
}

// noRoom reports whether an error of Send says "not now" rather than "never".
func noRoom(err error) bool {
	return errors.Is(err, upstream.ErrQueueFull) || errors.Is(err, upstream.ErrClosed)
}

// unsendable counts a stanza that cannot be written.
func (g *Gateway) unsendable(err error) {
	rule := "COMP-6"
	switch {
	case errors.Is(err, upstream.ErrTooBig):
		rule = "COMP-19"
	case errors.Is(err, upstream.ErrForeignFrom):
		rule = "INJ-3"
	}
	g.drops.count(rule)
	g.log.Debug("a stanza cannot be sent", "error", err)
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
