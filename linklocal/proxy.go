package linklocal

import (
	"time"

	"meshbridge/linklocal/mdns"
)

// Proxy is a colleague as the mesh shall see them.
type Proxy struct {
	Key      string                    // the caller's name for it; bare JID
	Instance string                    // the name wanted
	Rename   func(n int) (name string) // the n-th other name, n >= 1, when the wanted one is taken
	Profile  Profile                   // Gateway mark and port are added by the mesh
}

// proxy is a published instance.
type proxy struct {
	Proxy
	instance  string            // current name
	pub       *mdns.Publication // nil until the port is known
	announced time.Time         // zero: not yet
}

// Publish shows a colleague on the mesh, or changes what is shown: the profile of
// a proxy with the same key.
func (m *Mesh) Publish(p Proxy) {
	m.commands.add(func() {
		have := m.proxies[p.Key]
		if have == nil {
			have = &proxy{Proxy: p, instance: p.Instance}
			m.proxies[p.Key] = have
			m.own[mdns.Fold(p.Instance)] = have
			m.announce(have)
			return
		}
		have.Profile = p.Profile
		if have.pub != nil {
			have.pub.SetTXT(m.txt(have))
		}
	})
}

// Withdraw takes a colleague off the mesh: goodbye, and its streams are closed.
func (m *Mesh) Withdraw(key string) {
	m.commands.add(func() {
		p := m.proxies[key]
		if p == nil {
			return
		}
		delete(m.proxies, key)
		if m.own[mdns.Fold(p.instance)] == p {
			delete(m.own, mdns.Fold(p.instance))
		}
		if p.pub != nil {
			p.pub.Withdraw()
		}
		m.closePairs(func(k pairKey) bool { return k.proxy == key }, ErrNoProxy)
	})
}

// Retract says goodbye for an instance that a former run of the program left on
// the mesh. It does nothing for one that is published now.
func (m *Mesh) Retract(instance string) {
	m.commands.add(func() {
		if m.own[mdns.Fold(instance)] == nil {
			m.engine.Retract(ServiceType, instance)
		}
	})
}

// announce publishes p once there is a port to publish it at.
func (m *Mesh) announce(p *proxy) {
	if m.port == 0 || p.pub != nil {
		return
	}
	p.pub = m.engine.Publish(mdns.Service{
		Type: ServiceType, Instance: p.Instance, Rename: p.Rename, Port: m.port, TXT: m.txt(p),
		Notify: func(s mdns.Status) { m.post(func() { m.published(p, s) }) },
	})
}

func (m *Mesh) txt(p *proxy) []string {
	profile := p.Profile
	profile.Gateway, profile.HasGateway = m.cfg.Mark, m.cfg.Mark != ""
	if m.cfg.LegacyPort {
		return profile.TXT(m.port)
	}
	return profile.TXT(0)
}

// published takes in how publishing goes.
func (m *Mesh) published(p *proxy, s mdns.Status) {
	if m.proxies[p.Key] != p {
		return // withdrawn meanwhile
	}
	if s.Instance != "" && s.Instance != p.instance {
		delete(m.own, mdns.Fold(p.instance))
		p.instance = s.Instance
		m.own[mdns.Fold(p.instance)] = p
		p.announced = time.Time{}
	}
	switch s.State {
	case mdns.Announced:
		if p.announced.IsZero() {
			p.announced = time.Now()
		}
	case mdns.Probing, mdns.Renamed:
		p.announced = time.Time{}
	}
	m.cfg.Handle(ProxyChanged{p.Key, p.instance, !p.announced.IsZero(), s.Err})
	for k, pair := range m.pairs {
		if k.proxy == p.Key {
			m.flush(pair)
		}
	}
}
