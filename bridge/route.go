package bridge

import (
	"errors"
	"strings"
	"time"

	"meshbridge/bridge/outbox"
	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
)

// Queues of the outbox: one for each colleague upstream, one for each pair of a
// colleague and a peer's host on the mesh.
const (
	queueUpstream = "u "
	queueMesh     = "m "
)

func isUpstream(recipient string) bool { return strings.HasPrefix(recipient, queueUpstream) }

// route is a queue of the outbox that leads to a peer.
type route struct {
	recipient string
	colleague *colleague
	peer      *peer
	host      string // whom the messages are for, if another host takes the instance (INJ-26)
	flying    int    // handed to the mesh, not confirmed
	pause     time.Duration
	timer     *time.Timer // runs while the route waits for another try
	held      bool        // another machine is there; waits until the peer changes
}

// routeTo returns the route of a message from a colleague to a peer as it is now.
func (g *Gateway) routeTo(c *colleague, p *peer) *route {
	host := strings.ToLower(p.host)
	key := queueMesh + c.key() + " " + p.local + " " + host
	r := g.routes[key]
	if r == nil {
		r = &route{recipient: key, colleague: c, peer: p, host: host}
		g.routes[key] = r
	}
	return r
}

// pump hands what waits on a route to the mesh, if the peer is there.
func (g *Gateway) pump(r *route) {
	if !r.peer.present || r.timer != nil || r.held || r.host != "" && !strings.EqualFold(r.host, r.peer.host) {
		return
	}
	ready := g.box.Ready(r.recipient, meshWindow-r.flying)
	if len(ready) > 0 && !r.colleague.published {
		r.colleague.talking = time.Now()
		g.mirror(r.colleague)
	}
	for _, e := range ready {
		g.mesh.Send(linklocal.Delivery{
			Proxy: r.colleague.key(), Peer: r.peer.instance, Host: r.host,
			Stanza: g.stamped(e), Token: uint64(e.ID),
		})
		g.box.Written(e.ID)
		g.flying[e.ID] = r
		r.flying++
	}
	g.tidy(r)
}

// tidy forgets a route with nothing on it.
func (g *Gateway) tidy(r *route) {
	if r.flying == 0 && r.timer == nil && g.box.Waiting(r.recipient) == 0 {
		delete(g.routes, r.recipient)
	}
}

// resumePeer moves what waits for a peer that came or changed.
func (g *Gateway) resumePeer(p *peer) {
	for _, r := range g.routes {
		if r.peer == p {
			r.held = false
			g.pump(r)
		}
	}
}

// delivered takes in that a message has arrived at the peer's machine.
func (g *Gateway) delivered(ev linklocal.Delivered) {
	id := outbox.ID(ev.Token)
	r := g.flying[id]
	if r == nil {
		return
	}
	delete(g.flying, id)
	g.box.Done(id)
	r.flying--
	r.pause = 0
	g.pump(r)
}

// returned takes messages back that did not arrive, to try again later: after a
// pause that grows, or when the peer changes, if it is that what is missing.
func (g *Gateway) returned(ev linklocal.Returned) {
	var r *route
	for _, token := range ev.Tokens {
		id := outbox.ID(token)
		if f := g.flying[id]; f != nil {
			r = f
			r.flying--
			delete(g.flying, id)
			g.box.Return(id)
		}
	}
	if r == nil || r.timer != nil {
		return
	}
	g.log.Debug("messages wait", "peer", ev.Peer, "count", len(ev.Tokens), "why", ev.Err)
	if errors.Is(ev.Err, linklocal.ErrHeld) {
		r.held = true
		return
	}
	r.pause = min(max(2*r.pause, retryFirst), retryLast)
	r.timer = g.after(r.pause, func() {
		r.timer = nil
		g.pump(r)
	})
}

// flight is a message that was written upstream.
type flight struct {
	seq uint64
	id  outbox.ID
}

// pumpUpstream hands what waits for colleagues to the session, up to the window.
func (g *Gateway) pumpUpstream() {
	if g.session == nil {
		return
	}
	for _, recipient := range g.box.Recipients() {
		if !isUpstream(recipient) {
			continue
		}
		for _, e := range g.box.Ready(recipient, upWindow-len(g.written)) {
			seq, err := g.session.Send(g.stamped(e))
			if err != nil {
				g.log.Debug("messages wait for the server", "error", err)
				return // routed or up calls again
			}
			g.box.Written(e.ID)
			g.written = append(g.written, flight{seq, e.ID})
		}
	}
}

// routed takes in that the server has passed on everything up to seq.
func (g *Gateway) routed(seq uint64) {
	n := 0
	for n < len(g.written) && g.written[n].seq <= seq {
		g.box.Done(g.written[n].id)
		n++
	}
	g.written = g.written[n:]
	g.doChores()
	g.pumpUpstream()
}

// stamped returns an entry's stanza as it goes out now: with the time of its
// acceptance when that was a while ago (XEP-0203), unless this machine does not
// know the time of day yet.
func (g *Gateway) stamped(e outbox.Entry) stanza.Stanza {
	s := e.Stanza
	if time.Since(e.Accepted) < lateAfter || e.Accepted.Before(clockFloor) {
		return s
	}
	delay := stanza.New(stanza.NSDelay, "delay").With("from", g.cfg.Upstream.Domain).
		With("stamp", e.Accepted.UTC().Format("2006-01-02T15:04:05.000Z"))
	s.Payload = append(s.Payload[:len(s.Payload):len(s.Payload)], delay)
	return s
}

// clockFloor is a time that lies in the past of every run: a clock before it has
// not been set since a router without one started (GW-24).
var clockFloor = time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC)
