package linklocal

import (
	"reflect"
	"strings"
	"time"

	"meshbridge/linklocal/mdns"
)

// peer is one instance on the mesh and the links on which it is seen.
type peer struct {
	instance string
	links    links
	since    time.Time   // when it came
	profile  Profile     // of the latest event
	told     *Peer       // what the caller knows; nil: nothing
	leaving  *time.Timer // runs while the peer is on no link
	away     mdns.Doubt  // why it takes longer than usual to leave; zero: it does not
	why      string      // what mDNS says of its going; "" for a goodbye or expiry
}

// seen takes in what mDNS found.
func (m *Mesh) seen(ev mdns.Event) {
	key := mdns.Fold(ev.Instance)
	delete(m.twins, key) // until it says so again
	if ev.Kind == mdns.Removed {
		m.unseen(key, ev)
		return
	}
	profile := ParseTXT(ev.TXT)
	if profile.HasGateway && m.cfg.Mark != "" {
		m.otherBridge(key, ev, profile)
		return
	}
	for _, odd := range profile.Odd {
		m.cfg.Log.Debug("odd TXT record", "instance", ev.Instance, "what", odd)
	}
	p := m.peers[key]
	if p == nil {
		p = &peer{links: links{}}
		m.peers[key] = p
	}
	back := len(p.links) == 0 && p.told != nil
	if len(p.links) == 0 {
		p.instance, p.since, p.why = ev.Instance, time.Now(), ""
		m.attend(key, p)
	}
	p.stay()
	p.links[ev.Interface.Index] = ev
	p.profile = profile
	m.tell(p)
	if back { // who counted as here all the while
		m.encourage(key)
	}
}

// otherBridge passes over a proxy instance of another bridge: mirroring it would
// make two bridges mirror each other's mirrors (LL-4-9). What was a person until
// now is one no more.
func (m *Mesh) otherBridge(key string, ev mdns.Event, profile Profile) {
	m.cfg.Count("LL-4-9")
	if profile.Gateway == m.cfg.Mark {
		if len(m.twins) < maxTwins {
			m.twins[key] = Twin{ev.Instance, ev.Interface.Name, ev.Source.String(), time.Now()}
		}
		m.cfg.Log.Error("another bridge on this link publishes for the same component domain; stop one of the two",
			"instance", ev.Instance, "interface", ev.Interface.Name, "source", ev.Source)
	}
	p := m.peers[key]
	if p == nil {
		return
	}
	delete(p.links, ev.Interface.Index)
	if len(p.links) > 0 {
		m.tell(p)
		return
	}
	p.stay()
	m.depart(key, p)
}

// unseen takes a link away. A peer on no link is gone after the departure delay.
func (m *Mesh) unseen(key string, ev mdns.Event) {
	p := m.peers[key]
	if p == nil {
		return
	}
	delete(p.links, ev.Interface.Index)
	if len(p.links) > 0 {
		m.tell(p)
		return
	}
	if p.leaving == nil {
		p.why = ev.Why
		m.linger(key, p)
	}
}

// stay stops the clock of a departure.
func (p *peer) stay() {
	if p.leaving != nil {
		p.leaving.Stop()
		p.leaving = nil
	}
}

func (m *Mesh) depart(key string, p *peer) {
	if m.peers[key] != p || len(p.links) > 0 {
		return // back meanwhile
	}
	delete(m.peers, key)
	m.engine.Attend(ServiceType, p.instance, 0)
	m.count(key)
	m.departed(key)
	m.leave(key)
	m.cfg.Handle(PeerGone{p.instance, p.why})
	m.closePairs(func(k pairKey) bool { return k.peer == key }, ErrAbsent)
}

// tell tells the caller about p if there is anything new.
func (m *Mesh) tell(p *peer) {
	now := p.links.peer(p.instance, p.profile)
	if p.told != nil && now.Host == "" {
		now.Host = p.told.Host
	}
	if p.told != nil && reflect.DeepEqual(*p.told, now) {
		return
	}
	p.told = &now
	m.arrivals.tell()
	m.cfg.Handle(PeerChanged{now})
	m.encourage(mdns.Fold(p.instance))
}

// moved takes in the host that a stream found its peer at: a new SRV record alone
// is no event of mDNS.
func (m *Mesh) moved(s *stream) {
	p := m.peers[mdns.Fold(s.instance)]
	if p == nil {
		return
	}
	ev, here := p.links[s.iface.Index]
	if here && !strings.EqualFold(ev.Host, s.host.Host) {
		ev.Host = s.host.Host
		p.links[s.iface.Index] = ev
		m.tell(p)
	}
}

// retell tells the caller about a peer once more: what was held back may go.
func (m *Mesh) retell(key string) {
	if p := m.peers[key]; p != nil && p.told != nil {
		m.cfg.Handle(PeerChanged{*p.told})
	}
}

// on reports whether the peer is seen on the link with that index.
func (p *peer) on(index int) bool {
	_, here := p.links[index]
	return here
}
