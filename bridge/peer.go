package bridge

import (
	"maps"
	"slices"
	"time"

	"meshbridge/bridge/address"
	"meshbridge/bridge/store"
	"meshbridge/bridge/translate"
	"meshbridge/linklocal"
)

// peer is a person on the mesh, or one who was there or is watched for.
type peer struct {
	local    string // local part of the proxy JID
	instance string // "" when only the local part is known
	host     string // last known host name
	present  bool
	profile  linklocal.Profile
	watchers map[string]bool // bare JIDs subscribed to the proxy JID
}

// peerOf returns the peer behind a local part, known from now on.
func (g *Gateway) peerOf(local string) *peer {
	p := g.peers[local]
	if p == nil {
		p = &peer{local: local, watchers: map[string]bool{}}
		g.peers[local] = p
	}
	return p
}

// jid returns the bare proxy JID of a peer.
func (g *Gateway) jid(p *peer) string { return p.local + "@" + g.cfg.Upstream.Domain }

// peerChanged takes in that a peer came or says something new of itself.
func (g *Gateway) peerChanged(seen linklocal.Peer) {
	local, rule := address.ProxyLocal(seen.Instance)
	p := g.peerOf(local)
	if rule == address.Fallback && p.instance != seen.Instance {
		g.remember(g.keeper.SetFallback(local, seen.Instance))
	}
	news := !p.present || !sameProfile(p.profile, seen.Profile)
	if !p.present {
		g.log.Info("peer up", "peer", seen.Instance, "interfaces", seen.Interfaces)
	}
	p.instance, p.profile, p.present = seen.Instance, seen.Profile, true
	if seen.Host != "" {
		p.host = seen.Host
	}
	if news {
		g.showToAll(p)
	}
	g.resumePeer(p)
}

// sameProfile compares what colleagues can see of two profiles.
func sameProfile(a, b linklocal.Profile) bool {
	return a.Status == b.Status && a.Message == b.Message && a.PhotoHash == b.PhotoHash && a.Nick == b.Nick
}

// peerGone takes in that a peer left. What waits for it stays.
func (g *Gateway) peerGone(instance string) {
	local, _ := address.ProxyLocal(instance)
	p := g.peers[local]
	if p == nil || !p.present {
		return
	}
	g.log.Info("peer gone", "peer", instance)
	p.present = false
	g.showToAll(p)
	if len(p.watchers) == 0 && len(g.peers) > maxPeers {
		delete(g.peers, local)
	}
}

func (g *Gateway) showToAll(p *peer) {
	for _, bare := range slices.Sorted(maps.Keys(p.watchers)) {
		g.show(p, bare)
	}
}

// show tells a subscriber where a peer stands (MAP-P, GW-11: from the bare JID).
func (g *Gateway) show(p *peer, bare string) {
	if g.session == nil {
		return
	}
	pair := store.Pair{Colleague: bare, Local: p.local}
	if p.present {
		g.say(translate.PresenceFromProfile(p.profile, g.jid(p), bare, translate.PresenceOptions{}))
	} else {
		g.say(translate.Unavailable(g.jid(p), bare))
	}
	g.setShown(pair, p.present)
}

// setShown remembers what a subscriber was last told, across restarts (COMP-20).
func (g *Gateway) setShown(pair store.Pair, available bool) {
	if g.shown[pair] == available {
		return
	}
	if available {
		g.shown[pair] = true
	} else {
		delete(g.shown, pair)
	}
	g.remember(g.keeper.SetShown(pair, available))
}

// remember logs a change that the store could not take: the bridge works on, and
// knows less after a restart.
func (g *Gateway) remember(err error) {
	if err != nil {
		g.drops.count("store")
		g.log.Debug("not remembered", "error", err)
	}
}

// meshUp takes in that the mesh works.
func (g *Gateway) meshUp(ev linklocal.Listening) {
	g.listening = time.Now()
	g.log.Info("on the mesh", "port", ev.Port)
	g.ready()
	g.after(absentGrace, g.settleAbsent)
}

// settleAbsent tells the subscribers of peers that are not here, once peers have
// had the time to be found: those whom a former run showed to them, too.
func (g *Gateway) settleAbsent() {
	if g.session == nil || g.listening.IsZero() || time.Since(g.listening) < absentGrace {
		return // meshUp or up calls again
	}
	for pair := range maps.Clone(g.shown) {
		p := g.peers[pair.Local]
		if pair.Local != "" && (p == nil || !p.present || !p.watchers[pair.Colleague]) {
			g.show(g.peerOf(pair.Local), pair.Colleague)
		}
	}
}

// after runs fn on the gateway's goroutine when d has passed.
func (g *Gateway) after(d time.Duration, fn func()) *time.Timer {
	return time.AfterFunc(d, func() { g.post(due(fn)) })
}
