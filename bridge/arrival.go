package bridge

import (
	"errors"
	"slices"
	"time"

	"meshbridge/bridge/outbox"
	"meshbridge/internal/stanza"
)

// A server that routed a message may still lose it when it dies. What was routed is
// therefore kept until its recipient, or the server in their place, answers a ping
// that went the same way behind it (COMP-16).

// arrival is a ping, and the messages that have arrived when it is answered.
type arrival struct {
	way   // from a proxy JID to a colleague, both bare
	ids   []outbox.ID
	ping  string    // its id; "" while it was not sent
	again string    // the id of a second one for the same; "" for none
	open  int       // how many of the messages are not known to be routed
	since time.Time // when they all were; zero before
}

// routed takes in that the server has passed on everything up to seq. The session says
// so before it hands on an answer that proves it.
func (g *Gateway) routed(seq uint64) {
	n := 0
	for n < len(g.written) && g.written[n].seq <= seq {
		n++
	}
	g.await(g.written[:n])
	g.traceRouted(g.written[:n])
	g.acquit(g.written[:n], nil)
	rest := copy(g.written, g.written[n:])
	clear(g.written[rest:])
	g.written = g.written[:rest]
	g.forgetSaid(seq)
	g.resolveDoubts(seq)
	g.pumpUpstream()
	g.askArrivals()
	g.doChores()
}

// await has messages that were routed wait for the sign that they arrived: one ping
// for all that went the same way and were not asked for before.
func (g *Gateway) await(routed []flight) {
	now := time.Now()
	for _, f := range routed {
		a := f.asked
		if a == nil {
			a = g.arrivalOf(f.way)
			a.add(f)
		}
		if a.open--; a.open == 0 {
			a.since = now
		}
	}
	if len(routed) > 0 && !g.overdue.set() {
		g.overdue = g.after(arrivalWait, g.dropOverdue)
	}
}

// arrivalOf returns the arrival of a way whose ping was not sent, a new one where there
// is none.
func (g *Gateway) arrivalOf(w way) *arrival {
	for _, a := range g.arrivals {
		if a.way == w && a.ping == "" {
			return a
		}
	}
	a := &arrival{way: w}
	g.arrivals = append(g.arrivals, a)
	return a
}

// add has a message that is not known to be routed be one of the arrival.
func (a *arrival) add(f flight) {
	a.ids = append(a.ids, f.id)
	a.open++
	a.since = time.Time{}
}

// isRouted reports whether the server has passed on all of it.
func (a *arrival) isRouted() bool { return a.open == 0 }

// askBehind sends a ping right behind what was just written to a colleague, where it
// goes the same way: to the one device that they are online with. In a lull that is
// behind each burst; in a stream, where an answer is still to come, behind each
// arrivalEvery messages. Where the server answers it must have passed the messages on
// first, and await asks.
func (g *Gateway) askBehind(c *colleague) {
	if !g.straight(c) || len(g.written) == 0 {
		return
	}
	w := g.written[len(g.written)-1].way
	if w.to != c.key() || g.isAsked(w) && g.countUnasked(w) < arrivalEvery {
		return
	}
	a := g.arrivalOf(w)
	if !g.sendPing(a) {
		return
	}
	for i := range g.written {
		if f := &g.written[i]; f.way == w && f.asked == nil {
			f.asked = a
			a.add(*f)
		}
	}
}

// straight reports whether a ping to a colleague goes the way of the messages before
// it to the end, and is answered there.
func (g *Gateway) straight(c *colleague) bool {
	return c != nil && !c.silent && g.deviceOf(c) != ""
}

// countUnasked counts the messages of a way behind which there is no ping yet.
func (g *Gateway) countUnasked(w way) (n int) {
	for _, f := range g.written {
		if f.way == w && f.asked == nil {
			n++
		}
	}
	for _, a := range g.arrivals {
		if a.way == w && a.ping == "" {
			n += len(a.ids)
		}
	}
	return n
}

// isAsked reports whether a ping of that way is to be answered.
func (g *Gateway) isAsked(w way) bool {
	return slices.ContainsFunc(g.arrivals, func(a *arrival) bool { return a.way == w && a.ping != "" })
}

// askArrivals sends the pings that were not sent so far, but for those that can wait
// for the answer to one before them.
func (g *Gateway) askArrivals() {
	for _, a := range g.arrivals {
		if a.ping != "" || g.straight(g.colleagues[a.to]) && g.isAsked(a.way) {
			continue
		}
		if !g.sendPing(a) {
			return
		}
	}
}

// sendPing sends the ping of an arrival. It reports false when there is no room for it.
func (g *Gateway) sendPing(a *arrival) bool {
	id := newID()
	if g.session == nil || !g.send(g.arrivalPing(a.way, id)) {
		return false
	}
	a.ping = id
	return true
}

// deviceOf names the one device that a colleague is known to be online with; "" when
// there is none such.
func (g *Gateway) deviceOf(c *colleague) string {
	if c == nil || c.unsure {
		return ""
	}
	device, only := c.devices.Only()
	if !only {
		return ""
	}
	return device.Name
}

// arrivalPing asks the one device that a colleague is known to be online with, and
// else their server.
func (g *Gateway) arrivalPing(w way, id string) stanza.Stanza {
	to := w.to
	if device := g.deviceOf(g.colleagues[w.to]); device != "" {
		to += "/" + device
	}
	return stanza.Stanza{
		Kind: stanza.IQ, From: w.from, To: to, ID: id, Type: "get",
		Payload: []*stanza.Element{stanza.New(stanza.NSPing, "ping")},
	}
}

// arrived reports whether a stanza answers such a ping, an error as well as any
// other. It proves the arrival of what went the same way before it, too.
func (g *Gateway) arrived(s stanza.Stanza) bool {
	if s.Kind != stanza.IQ || s.Type != "result" && s.Type != "error" || s.ID == "" {
		return false
	}
	i := slices.IndexFunc(g.arrivals, func(a *arrival) bool { return a.ping == s.ID || a.again == s.ID })
	if i < 0 || s.To != g.arrivals[i].from || g.read.sender(s.From) != g.arrivals[i].to {
		return false
	}
	way, kept := g.arrivals[i].way, g.arrivals[:0]
	for j, a := range g.arrivals {
		if j <= i && a.way == way {
			g.forget(a)
		} else {
			kept = append(kept, a)
		}
	}
	clear(g.arrivals[len(kept):])
	g.arrivals = kept
	g.colleagues[way.to].answers()
	g.pumpUpstream()
	g.askArrivals()
	return true
}

// forget takes messages out of the outbox.
func (g *Gateway) forget(a *arrival) {
	c := g.colleagues[a.to]
	c.takeOff(-len(a.ids))
	f := fading{colleague: c}
	for _, id := range a.ids {
		if e, ok := g.box.Done(id); ok {
			if commit := g.settle(e, stepArrived); commit != 0 {
				f.commit = commit
				f.places++
			}
		}
	}
	g.fade(f)
}

// dropOverdue forgets what was routed long enough ago: there are clients and servers
// that answer no pings.
func (g *Gateway) dropOverdue() {
	now := time.Now()
	next := now // when the oldest of the others was routed
	g.arrivals = slices.DeleteFunc(g.arrivals, func(a *arrival) bool {
		switch {
		case !a.isRouted():
			return false
		case now.Sub(a.since) >= arrivalWait:
			g.forget(a)
			return true
		case a.since.Before(next):
			next = a.since
		}
		return false
	})
	if len(g.arrivals) > 0 {
		g.overdue = g.after(arrivalWait-now.Sub(next), g.dropOverdue)
	}
	g.pumpUpstream()
	g.askArrivals() // what waited for an answer that will not come
}

// makeWay forgets the oldest messages that were routed, when the outbox refuses one
// for want of room: they are the server's. It reports false when there are none that
// would help.
func (g *Gateway) makeWay(recipient string, refusal error) bool {
	full, ok := errors.AsType[*outbox.Full](refusal)
	if !ok {
		return false
	}
	i := slices.IndexFunc(g.arrivals, func(a *arrival) bool {
		return a.isRouted() && (full.Bound != outbox.BoundRecipient || isUpstream(recipient) && a.to == colleagueOf(recipient))
	})
	if i < 0 {
		return false
	}
	g.forget(g.arrivals[i])
	g.arrivals = slices.Delete(g.arrivals, i, i+1)
	return true
}
