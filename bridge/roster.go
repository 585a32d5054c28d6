package bridge

import (
	"time"

	"meshbridge/bridge/config"
	"meshbridge/bridge/store"
	"meshbridge/bridge/translate"
	"meshbridge/internal/stanza"
)

// lists is the writing of peers into the rosters of those whose servers let us
// (XEP-0356 section 4.3, GW-17). One colleague comes after the other, and one stanza
// after the other, so that no server has more of it to do at once.
type lists struct {
	queue  []*colleague    // whose turn comes
	busy   bool            // somebody's turn it is
	again  bool            // there is news since the queue was made
	every  bool            // each roster is to be read, whoever is missing in it
	next   *alarm          // to the next step
	denied *recent[string] // bare JIDs whose server said no
}

// stop forgets what was begun. It begins anew when the server allows it again.
func (l *lists) stop() {
	l.next.stop()
	l.queue, l.busy, l.again, l.every = nil, false, false, false
}

// enlistLater has the rosters looked at that we may write.
func (g *Gateway) enlistLater() {
	l := &g.lists
	switch {
	case len(g.grants) == 0:
	case l.busy:
		l.again = true
	case !l.next.set():
		l.next = g.after(listDelay, g.enlistAll)
	}
}

// enlistAll begins a round: with those in whose rosters somebody is missing, and at
// first with all.
func (g *Gateway) enlistAll() {
	l := &g.lists
	for _, c := range g.colleagueList() {
		if g.enlists(c) && (l.every || len(g.strangersTo(c)) > 0) {
			l.queue = append(l.queue, c)
		}
	}
	l.every = false
	g.enlistNext()
}

// enlists reports whether peers are to be written into a colleague's roster.
func (g *Gateway) enlists(c *colleague) bool {
	_, denied := g.lists.denied.get(c.key(), time.Now())
	return !denied && g.grants[c.bare.Domainpart()] && g.introducesBy(c, config.IntroduceRoster)
}

// enlistNext begins with the next roster, by reading it.
func (g *Gateway) enlistNext() {
	l := &g.lists
	if l.busy = len(l.queue) > 0; l.busy {
		c := l.queue[0]
		l.queue = l.queue[1:]
		g.readRoster(c, func(have map[string]string) { g.enlist(c, have) })
	} else if l.again {
		l.again = false
		g.enlistLater()
	}
}

// step does the next thing a little later.
func (g *Gateway) step(do func()) { g.lists.next = g.after(listGap, do) }

// readRoster reads which addresses are in a roster, and how it stands with them.
func (g *Gateway) readRoster(c *colleague, then func(have map[string]string)) {
	g.askRoster(c, "get", nil, func(answer stanza.Stanza) {
		have := map[string]string{}
		if q := answer.Child(stanza.NSRoster, "query"); q != nil {
			for _, item := range q.Children(stanza.NSRoster, "item") {
				have[item.Attr("jid")] = item.Attr("subscription")
			}
		}
		then(have)
	})
}

// enlist writes into a roster who is not in it. Who is there already needs no
// introduction, and who was taken out by hand has had it (GW-25).
func (g *Gateway) enlist(c *colleague, have map[string]string) {
	g.dropStruck(c, have)
	var missing []*peer
	for _, p := range g.strangersTo(c) {
		how, there := have[p.jid]
		switch {
		case !there:
			missing = append(missing, p)
			continue
		case how == "both" || how == "to":
			g.acquaint(c, p)
		}
		g.setIntroduced(c, p, byHand)
	}
	g.enlistEach(c, missing, nil)
}

// dropStruck shows those no more who were written into a roster and are not in it now. A
// server that made no subscriptions of them tells nobody when they are taken out.
func (g *Gateway) dropStruck(c *colleague, have map[string]string) {
	for _, pair := range g.ties(c) {
		_, there := have[g.ourJID(pair.Local)]
		if there || pair.Local == "" || g.fact(store.Introductions, introductionOf(pair)) != byRoster || g.subs[pair]&store.Watching == 0 {
			continue
		}
		g.say(translate.Unavailable(g.ourJID(pair.Local), c.key()))
		g.unwatch(pair)
	}
}

// enlistEach writes the next of those who are missing.
func (g *Gateway) enlistEach(c *colleague, missing, done []*peer) {
	if len(missing) == 0 || !g.enlists(c) {
		g.enlisted(c, done)
		return
	}
	p, missing := missing[0], missing[1:]
	if !p.present {
		g.enlistEach(c, missing, done)
		return
	}
	g.askRoster(c, "set", g.rosterItem(p), func(stanza.Stanza) {
		g.setIntroduced(c, p, byRoster)
		g.step(func() { g.enlistEach(c, missing, append(done, p)) })
	})
}

// enlisted ends a colleague's turn: whom the server has written there is shown.
func (g *Gateway) enlisted(c *colleague, done []*peer) {
	if len(done) == 0 {
		g.enlistNext()
		return
	}
	g.readRoster(c, func(have map[string]string) {
		for _, p := range done {
			if _, there := have[p.jid]; there {
				g.acquaint(c, p)
			}
		}
		g.enlistNext()
	})
}

// acquaint shows a peer to a colleague, as if we had been asked for it. Not every server
// makes a subscription of what we write (ejabberd makes none), but each passes on what
// it is told of presence (RFC 6121 section 4.6).
func (g *Gateway) acquaint(c *colleague, p *peer) {
	pair := store.Pair{Colleague: c.key(), Local: p.local}
	if g.subs[pair]&store.Watching == 0 && g.watch(pair) {
		g.present(pair)
	}
}

// rosterItem is a peer as a roster has them, in a group named as the LAN is.
func (g *Gateway) rosterItem(p *peer) *stanza.Element {
	return stanza.New(stanza.NSRoster, "item").
		With("jid", p.jid).With("name", translate.DisplayName(p.profile, p.instance)).With("subscription", "both").
		Add(stanza.New(stanza.NSRoster, "group").AddText(g.cfg.LinkLocal.Machine))
}

// askRoster reads or writes a roster. One to which the server says no is let be for a
// while, and its owner finds people by other ways.
func (g *Gateway) askRoster(c *colleague, kind string, item *stanza.Element, then func(answer stanza.Stanza)) {
	query := stanza.New(stanza.NSRoster, "query").Add(item)
	sent := g.askServer(c.key(), kind, query, func(answer stanza.Stanza) {
		switch {
		case !g.belongs(c): // not any more
			g.enlistNext()
			return
		case answer.Type == "result":
			then(answer)
			return
		}
		g.drops.count("GW-17")
		g.lists.denied.note(c.key(), "", time.Now())
		g.orientLater(c)
		g.enlistNext()
	})
	if !sent { // no room
		g.step(func() { g.askRoster(c, kind, item, then) })
	}
}
