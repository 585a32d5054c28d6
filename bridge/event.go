package bridge

import (
	"time"

	"meshbridge/linklocal"
	"meshbridge/resolver"
	"meshbridge/resolver/uri"
	"meshbridge/upstream"
)

// event is something that happened outside the gateway's goroutine.
type event interface{ apply(*Gateway) }

type meshEvent struct{ linklocal.Event }

func (e meshEvent) apply(g *Gateway) {
	switch ev := e.Event.(type) {
	case linklocal.Listening:
		g.meshUp(ev)
	case linklocal.PeerChanged:
		g.peerChanged(ev.Peer)
	case linklocal.PeerGone:
		g.peerGone(ev.Instance, ev.Why)
	case linklocal.Received:
		g.fromMesh(ev)
	case linklocal.Delivered:
		g.delivered(ev)
	case linklocal.Returned:
		g.returned(ev)
	case linklocal.StreamOpened:
		g.streamOpened(ev)
	case linklocal.Disclosed:
		g.disclosed(ev)
	case linklocal.Recognised:
		g.recognised(ev)
	case linklocal.Contested:
		g.contested(ev)
	case linklocal.ProxyChanged:
		g.proxyChanged(ev)
	case linklocal.AvatarFetched:
		g.avatarFetched(ev)
	}
}

type upstreamEvent struct{ upstream.Event }

func (e upstreamEvent) apply(g *Gateway) {
	g.standing.note(e.Event, time.Now())
	switch ev := e.Event.(type) {
	case upstream.Up:
		g.up(ev.Session)
	case upstream.Down:
		g.down(ev)
	case upstream.Received:
		g.fromServer(ev.Stanza)
	case upstream.Routed:
		g.routed(ev.Seq)
	case upstream.TooBig:
		g.tooBig(ev.Head)
	case upstream.Shared:
		g.shared(ev)
	case upstream.Waiting:
		g.waiting(ev)
	}
}

// addressFound is what the DNS said, to a command.
type addressFound struct {
	what  uri.URI
	found resolver.Result
	err   error
}

func (e addressFound) apply(g *Gateway) { g.addressFound(e) }

// post hands an event to the gateway. It waits while the gateway is busy and does
// nothing once it has stopped.
func (g *Gateway) post(ev event) {
	select {
	case g.events <- ev:
	case <-g.stopped:
	}
}
