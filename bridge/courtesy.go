package bridge

import (
	"time"

	"meshbridge/bridge/store"
	"meshbridge/bridge/wording"
	"meshbridge/internal/stanza"
)

// What people's own programs cannot show them the gateway says in words: that the one
// they write to is not there, and who keeps the message meanwhile. Bonjour clients know
// no offline messages, and show a colleague a while longer than they are online.

// explainWait tells a peer what becomes of a message to a colleague that was just accepted
// and will not be read at once.
func (g *Gateway) explainWait(c *colleague, p *peer, s stanza.Stanza) {
	switch {
	case !hasWords(s):
	case g.session == nil && g.outage.told:
		g.explainKept(c, p)
	case g.session == nil:
		g.outage.explainLater(store.Pair{Colleague: c.key(), Local: p.local})
	case g.isOffline(c):
		g.tellOnce(c, p, "offline", c.called()+" is offline. Your message is with their server, which keeps it until they are back, or sends it back here.")
	}
}

// isOffline reports whether a colleague is known to be online with no device: they let
// us see it, and have been heard of since the last authentication.
func (g *Gateway) isOffline(c *colleague) bool {
	return !c.unsure && !c.devices.Available() && g.subs[store.Pair{Colleague: c.key()}]&store.Watched != 0
}

// explainKept tells a peer that a message is kept here (COMP-12).
func (g *Gateway) explainKept(c *colleague, p *peer) {
	g.tellOnce(c, p, "outage", "The chat server cannot be reached. Your message to "+c.called()+" is kept here "+g.keptUntil()+" and goes out as soon as possible.")
}

// keptUntil says how long a message that was accepted now is kept.
func (g *Gateway) keptUntil() string {
	return wording.Until(time.Now(), g.cfg.Outbox.MaxAge, g.clockSet())
}

// explainLater notes who is to be told if the outage goes on. One that nobody else
// notices is not worth a word.
func (o *outage) explainLater(pair store.Pair) {
	if o.unsaid == nil {
		o.unsaid = map[store.Pair]bool{}
	}
	o.unsaid[pair] = true
}

// explainOutage tells those whose messages have waited since it began.
func (g *Gateway) explainOutage() {
	for _, pair := range sortedPairs(g.outage.unsaid) {
		if c, p := g.colleagues[pair.Colleague], g.peers[pair.Local]; c != nil && p != nil && g.box.Waiting(c.queue) > 0 {
			g.explainKept(c, p)
		}
	}
	g.outage.unsaid = nil
}

// explainAbsence tells a colleague who wrote to a peer that is away what becomes of it.
// Who is subscribed to the peer sees that it is away, and that such messages are kept is
// what they know of XMPP: they are told nothing.
func (g *Gateway) explainAbsence(c *colleague, p *peer, s stanza.Stanza) {
	pair := store.Pair{Colleague: c.key(), Local: p.local}
	if p.present || !hasWords(s) || g.subs[pair]&store.Watching != 0 || g.stopping ||
		!g.noticed.add(subject{pair.Colleague, pair.Local, "asleep"}, time.Now()) {
		return
	}
	g.letter(c.key(), describe(p)+" is not on the local network at the moment. Your message is kept here "+g.keptUntil()+" and arrives when they are back.")
}

// tellOnce tells a peer something about a colleague, once in a while.
func (g *Gateway) tellOnce(c *colleague, p *peer, about, text string) {
	if !g.stopping && g.noticed.add(subject{c.key(), p.local, about}, time.Now()) {
		g.tellPeer(c, p, text)
	}
}
