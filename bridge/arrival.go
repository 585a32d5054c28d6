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
	ping  string    // its id; "" while the session had no room for it
	since time.Time // when the messages were routed
}

// routed takes in that the server has passed on everything up to seq.
func (g *Gateway) routed(seq uint64) {
	n := 0
	for n < len(g.written) && g.written[n].seq <= seq {
		n++
	}
	g.await(g.written[:n])
	g.traceRouted(g.written[:n])
	g.acquit(g.written[:n], nil)
	g.written = g.written[:copy(g.written, g.written[n:])]
	g.forgetSaid(seq)
	g.resolveDoubts(seq)
	g.pumpUpstream()
	g.askArrivals()
	g.doChores()
}

// await has messages that were routed wait for the sign that they arrived: one ping
// for all that went the same way.
func (g *Gateway) await(routed []flight) {
	now := time.Now()
	first := len(g.arrivals)
	for _, f := range routed {
		i := slices.IndexFunc(g.arrivals[first:], func(a *arrival) bool { return a.way == f.way })
		if i < 0 {
			i = len(g.arrivals) - first
			g.arrivals = append(g.arrivals, &arrival{way: f.way, since: now})
		}
		a := g.arrivals[first+i]
		a.ids = append(a.ids, f.id)
	}
	if len(g.arrivals) > 0 && !g.overdue.set() {
		g.overdue = g.after(arrivalWait, g.dropOverdue)
	}
}

// askArrivals sends the pings for which there was no room so far.
func (g *Gateway) askArrivals() {
	for _, a := range g.arrivals {
		if a.ping != "" {
			continue
		}
		id := newID()
		if g.session == nil || !g.send(g.arrivalPing(a.way, id)) {
			return
		}
		a.ping = id
	}
}

// arrivalPing asks the one device that a colleague is known to be online with, and
// else their server.
func (g *Gateway) arrivalPing(w way, id string) stanza.Stanza {
	to := w.to
	if c := g.colleagues[w.to]; c != nil && !c.unsure {
		if device, only := c.devices.Only(); only && device.Name != "" {
			to += "/" + device.Name
		}
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
	i := slices.IndexFunc(g.arrivals, func(a *arrival) bool { return a.ping == s.ID })
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
	for len(g.arrivals) > 0 && now.Sub(g.arrivals[0].since) >= arrivalWait {
		g.forget(g.arrivals[0])
		g.arrivals = g.arrivals[1:]
	}
	if len(g.arrivals) > 0 {
		g.overdue = g.after(arrivalWait-now.Sub(g.arrivals[0].since), g.dropOverdue)
	}
	g.pumpUpstream()
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
		return full.Bound != outbox.BoundRecipient || isUpstream(recipient) && a.to == colleagueOf(recipient)
	})
	if i < 0 {
		return false
	}
	g.forget(g.arrivals[i])
	g.arrivals = slices.Delete(g.arrivals, i, i+1)
	return true
}
