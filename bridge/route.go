package bridge

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"meshbridge/bridge/outbox"
	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
)

// Queues of the outbox: one for each colleague upstream, one for each route on the
// mesh.
const (
	queueUpstream = "u "
	queueMesh     = "m "
)

func isUpstream(recipient string) bool { return strings.HasPrefix(recipient, queueUpstream) }

// route is a queue of the outbox that leads from a colleague to a peer on a host.
type route struct {
	routeKey
	number    uint64 // ascending
	recipient string // name of the queue
	colleague *colleague
	peer      *peer
	flying    int           // handed to the mesh, not confirmed
	fading    int           // confirmed, and not forgotten by the disk
	pause     time.Duration // before the latest try
	retry     *alarm        // to the next one
}

// routeKey tells routes apart: who takes a peer's instance on another host does not
// get what was meant for the first (INJ-26). The host is "" while nobody knows it.
type routeKey struct{ colleague, local, host string }

// routeTo returns the route of a message from a colleague to a peer as it is now.
func (g *Gateway) routeTo(c *colleague, p *peer) *route {
	return g.route(c, p, strings.ToLower(p.host))
}

// route returns the route from a colleague to a peer on that host. To one who has not
// been found since the start it is that of the last run: what is said now goes behind
// what was said then. So there is never one to no host in particular beside another.
func (g *Gateway) route(c *colleague, p *peer, host string) *route {
	key := routeKey{c.key(), p.local, host}
	r := g.routes[key]
	if open := g.routes[routeKey{c.key(), p.local, ""}]; open != nil && r == nil {
		r = open
		g.settleRoute(r, host)
	}
	if r == nil && host == "" {
		r = g.formerRoute(c, p)
	}
	if r == nil {
		r = &route{routeKey: key, colleague: c, peer: p}
		g.lastRoute++
		r.number = g.lastRoute
		r.recipient = queueMesh + strconv.FormatUint(r.number, 10)
		g.routes[key], g.queues[r.recipient] = r, r
	}
	return r
}

// formerRoute is the latest route to a peer on a host that a former run knew; nil:
// there is none.
func (g *Gateway) formerRoute(c *colleague, p *peer) (latest *route) {
	for _, r := range g.routes {
		if r.colleague == c && r.peer == p && (latest == nil || r.number > latest.number) {
			latest = r
		}
	}
	return latest
}

// moved takes in that a peer's host is known, or another one. What was accepted
// before it was known is for the first that is.
func (g *Gateway) moved(p *peer, host string) {
	if p.host == "" {
		for _, r := range g.routes {
			if r.peer == p && r.host == "" {
				g.settleRoute(r, strings.ToLower(host))
			}
		}
	}
	p.host, p.since = host, time.Now()
}

// settleRoute gives a route to no host in particular its host.
func (g *Gateway) settleRoute(r *route, host string) {
	delete(g.routes, r.routeKey)
	r.host = host
	g.routes[r.routeKey] = r
}

// open reports whether something may be said on a route just now.
func (g *Gateway) open(r *route) bool {
	_, ok := g.heir(r)
	return ok && r.peer.present && !r.retry.set() && !g.still && !r.colleague.parted() &&
		(r.colleague.published || g.session != nil) // who was taken off the mesh for an outage stays off
}

// pump hands what waits on a route to the mesh, if the peer is there.
func (g *Gateway) pump(r *route) {
	if !g.maySpeak(r.colleague, r.peer) {
		if g.session != nil { // else nobody could be told; resumeAll comes back to it
			g.giveUpAll(g.box.Discard(r.recipient))
		}
		return
	}
	if !g.open(r) {
		return
	}
	ready := g.box.Ready(r.recipient, meshWindow-r.flying-r.fading)
	if len(ready) > 0 {
		g.appear(r.colleague, slices.ContainsFunc(ready, func(e outbox.Entry) bool { return e.Sender != "" }))
	}
	only, _ := g.heir(r)
	for _, e := range ready {
		d := linklocal.Delivery{
			Proxy: r.routeKey.colleague, Peer: r.peer.instance, Host: hostFor(r, only), Machine: only,
			Stanza: e.Stanza, Stamp: g.stamp(e), Token: uint64(e.ID),
		}
		if late(e) {
			d = d.Late()
		}
		g.mesh.Send(d)
		g.box.Written(e.ID)
		g.trace(stepWritten, e)
		g.flying[e.ID] = r
		r.flying++
	}
	if len(ready) == 0 && r.fading > 0 && g.box.Waiting(r.recipient) > 0 {
		g.keeper.Hurry()
	}
	g.tidy(r)
}

// hostFor is the host name that the far end must have: that of the machine which may have
// the messages, else the one of when they were taken on.
func hostFor(r *route, only *linklocal.Machine) string {
	if only != nil {
		return only.Host
	}
	return r.host
}

// tidy forgets a route with nothing on it.
func (g *Gateway) tidy(r *route) {
	if r.flying+r.fading == 0 && !r.retry.set() && g.box.Waiting(r.recipient) == 0 {
		delete(g.routes, r.routeKey)
		delete(g.queues, r.recipient)
		g.release(r.peer)
	}
}

// resumePeer moves what waits for a peer that came, or is on another host.
func (g *Gateway) resumePeer(p *peer) {
	for _, r := range g.routes {
		if r.peer == p {
			r.retry.stop()
			g.pump(r)
		}
	}
}

// resumeAll moves what waited for the server to be back.
func (g *Gateway) resumeAll() {
	for _, r := range g.routes {
		g.pump(r)
	}
}

// delivered takes in that a message has arrived at the peer's machine.
func (g *Gateway) delivered(ev linklocal.Delivered) {
	if g.asks(ev.Token) {
		return
	}
	id := outbox.ID(ev.Token)
	r := g.flying[id]
	if r == nil {
		return
	}
	delete(g.flying, id)
	r.flying--
	r.pause = 0
	if e, ok := g.box.Done(id); ok {
		g.fade(fading{commit: g.settle(e, stepArrived), route: r, places: 1})
	}
	g.pump(r)
	g.tidy(r)
}

// returned takes messages back that did not arrive, to try again after a pause that
// grows, or as soon as the peer comes back. One event may be about several routes.
func (g *Gateway) returned(ev linklocal.Returned) {
	back := map[*route]bool{}
	for _, token := range ev.Tokens {
		g.unasked(token)
		id := outbox.ID(token)
		if r := g.flying[id]; r != nil {
			r.flying--
			delete(g.flying, id)
			g.box.Return(id)
			back[r] = true
		}
	}
	g.log.Debug("messages wait", "peer", ev.Peer, "count", len(ev.Tokens), "why", ev.Err)
	for r := range back {
		g.retryLater(r, ev.Err)
		if errors.Is(ev.Err, linklocal.ErrHeld) {
			g.heldBack(r, ev.Machine)
		}
	}
}

// retryLater sets the time of the next try. Who holds the instance of another seldom
// gives it back at once.
func (g *Gateway) retryLater(r *route, why error) {
	if r.retry.set() {
		return
	}
	r.pause = min(max(2*r.pause, retryFirst), retryLast)
	switch {
	case errors.Is(why, linklocal.ErrHeld):
		r.pause = retryLast
	case errors.Is(why, linklocal.ErrAbsent): // who comes and goes, and may be back any moment
		r.pause = min(r.pause, retryAbsent)
	}
	r.retry = g.after(r.pause, func() { g.pump(r); g.tidy(r) })
}

// stamped returns an entry's stanza as it goes out now: with its stamp when it is late.
func (g *Gateway) stamped(e outbox.Entry) stanza.Stanza {
	if late(e) {
		return g.stamp(e).On(e.Stanza)
	}
	return e.Stanza
}

// late reports whether an entry was accepted a while ago or has gone out before.
func late(e outbox.Entry) bool { return e.Tries > 0 || time.Since(e.Accepted) >= lateAfter }

// stamp is the time of an entry's acceptance.
func (g *Gateway) stamp(e outbox.Entry) stanza.Delay {
	return stanza.Delay{From: g.cfg.Upstream.Domain, At: e.Stamp}
}

// clockFloor is a time that lies in the past of every run: a clock before it has
// not been set since a router without one started (GW-24).
var clockFloor = time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC)
