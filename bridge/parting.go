package bridge

import (
	"time"

	"meshbridge/bridge/store"
	"meshbridge/bridge/translate"
)

// adoptColleagues makes the list of colleagues what the configuration says. Who is new is
// asked for their presence; from those to whom the policy has shut the door we part.
func (g *Gateway) adoptColleagues() {
	was := map[*colleague]bool{}
	for _, c := range g.colleagues {
		was[c] = c.listed
		c.nick, c.named, c.listed, c.introduce = "", false, false, ""
	}
	for _, entry := range g.cfg.Colleagues {
		c := g.meet(entry.JID)
		c.nick, c.named, c.listed, c.introduce, c.parting = entry.Nick, entry.Nick != "", true, entry.Introduce, 0
		if !was[c] && g.session != nil {
			c.unsure = true
			g.greet(c)
			g.settling = append(g.settling, g.after(unknownGrace, g.settleUnknown))
		}
	}
	g.recallRegistered()
	g.dismissAll()
	for _, c := range g.colleagueList() {
		switch {
		case !g.policy.MaySubscribe(c.key()) && c.parting == 0:
			g.part(c)
		case g.policy.MaySubscribe(c.key()) && c.parting > 0: // the door is open again
			c.parting = 0
			g.resumeOf(c)
		case was[c] && !c.listed: // appears again if they may without the list
			c.devices = translate.Resources{}
			g.attendFor(c)
			g.mirror(c)
		}
	}
}

// dismissAll ends all subscriptions of those whom the policy does not know any more.
func (g *Gateway) dismissAll() {
	if g.dismissed == nil {
		g.dismissed = map[store.Pair]store.Subscription{}
	}
	for _, pair := range sortedPairs(g.subs) {
		if g.policy.MaySubscribe(pair.Colleague) {
			continue
		}
		g.dismissed[pair] = g.subs[pair]
		g.relate(pair, 0, g.subs[pair])
		if p := g.peers[pair.Local]; p != nil {
			delete(p.watchers, pair.Colleague)
			g.keepName(p)
			g.attend(p)
			g.release(p)
		}
	}
	if g.session != nil {
		g.dismiss()
		g.tellAbsent()
	} // else up comes to it
}

// lastWords is how many seconds there are for what people on the LAN are still told in
// the name of a colleague who is not one any more.
const lastWords = 5

// part parts from a colleague. What waits is answered to who wrote it, on both sides;
// then, or soon, the colleague leaves the mesh. It comes back each second while
// something is under way.
func (g *Gateway) part(c *colleague) {
	c.parting++
	first, late := c.parting == 1, c.parting > lastWords
	if g.session != nil && (first || late) {
		g.giveUpFrom(c)
	}
	if first {
		g.giveUpAll(g.box.Discard(c.queue))
	}
	busy := g.hasWords(c)
	if !busy || c.parting >= lastWords {
		c.devices, c.talking = translate.Resources{}, time.Time{}
		g.withdraw(c)
	}
	if busy {
		g.after(time.Second, func() {
			if c.parting > 0 {
				g.part(c)
			}
		})
	}
}

// giveUpFrom gives up what waits of a colleague for people on the LAN.
func (g *Gateway) giveUpFrom(c *colleague) {
	for _, r := range g.routes {
		if r.colleague == c {
			g.giveUpAll(g.box.Discard(r.recipient))
		}
	}
}

// resumeOf moves what waits of a colleague for people on the LAN.
func (g *Gateway) resumeOf(c *colleague) {
	for _, r := range g.routes {
		if r.colleague == c {
			g.pump(r)
		}
	}
}

// hasWords reports whether anything of a colleague is under way to people on the LAN.
func (g *Gateway) hasWords(c *colleague) bool {
	for _, r := range g.routes {
		if r.colleague == c && (r.flying > 0 || g.box.Waiting(r.recipient) > 0) {
			return true
		}
	}
	return false
}

// parted reports whether nothing is said in a colleague's name any more.
func (c *colleague) parted() bool { return c.parting > lastWords }
