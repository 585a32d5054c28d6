package linklocal

import (
	"time"

	"meshbridge/internal/stanza"
	"meshbridge/linklocal/mdns"
)

// Proxy is a colleague as the mesh shall see them.
type Proxy struct {
	Key      string                    // the caller's name for it; bare JID
	Instance string                    // the name wanted
	Rename   func(n int) (name string) // the n-th other name, n >= 1, when the wanted one is taken
	Profile  Profile                   // Gateway mark, port and PhotoHash are the mesh's to write
	Avatar   string                    // octets of a picture, MaxAvatar at most; "" for none
	// Disco is the answer to disco#info about the Node and Ver of the profile, for the
	// features of streams (XEP-0174 section 10); nil for none. Not to be changed any more.
	Disco *stanza.Element
}

// proxy is a published instance.
type proxy struct {
	Proxy
	instance  string            // current name
	pub       *mdns.Publication // nil until the port is known
	announced time.Time         // zero: not yet
	failed    bool              // given up: all names tried are taken
}

// Publish shows a colleague on the mesh, or changes what is shown: the profile of
// a proxy with the same key. One that was given up is tried again.
func (m *Mesh) Publish(p Proxy) {
	m.commands.add(func() { m.publish(p) })
}

func (m *Mesh) publish(p Proxy) {
	have := m.proxies[p.Key]
	switch {
	case have == nil:
		have = &proxy{Proxy: p, instance: p.Instance}
		m.proxies[p.Key] = have
		m.announce(have)
	case have.failed:
		have.Profile, have.Avatar, have.Disco, have.failed = p.Profile, p.Avatar, p.Disco, false
		m.announce(have)
	default:
		have.Profile, have.Avatar, have.Disco = p.Profile, p.Avatar, p.Disco
		if have.pub != nil {
			have.pub.Set(m.txt(have), m.avatar(have))
		}
	}
}

// Withdraw takes a colleague off the mesh: goodbye, and its streams are closed.
func (m *Mesh) Withdraw(key string) {
	m.commands.add(func() {
		p := m.proxies[key]
		if p == nil {
			return
		}
		delete(m.proxies, key)
		m.disown(p)
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
	if m.port == 0 || p.pub != nil || p.failed {
		return
	}
	var pub *mdns.Publication
	pub = m.engine.Publish(mdns.Service{
		Type: ServiceType, Instance: p.Instance, Rename: p.Rename, Port: m.port,
		TXT: m.txt(p), Null: m.avatar(p), Kin: isBridge,
		Notify: func(s mdns.Status) {
			m.post(func() {
				if m.proxies[p.Key] == p && p.pub == pub {
					m.published(p, s)
				}
			})
		},
	})
	p.pub = pub
}

// isBridge reports whether a TXT is that of a bridge's proxy (LL-4-9). The first of two
// bridges keeps a name that both want: people have talked to somebody under it.
func isBridge(txt []string) bool { return ParseTXT(txt).HasGateway }

func (m *Mesh) txt(p *proxy) []string {
	profile := p.Profile
	profile.Gateway, profile.HasGateway = m.cfg.Mark, m.cfg.Mark != ""
	profile.PhotoHash = AvatarHash(m.avatar(p))
	if m.cfg.LegacyPort {
		return profile.TXT(m.port)
	}
	return profile.TXT(0)
}

// published takes in how publishing goes.
func (m *Mesh) published(p *proxy, s mdns.Status) {
	if s.Instance != "" && s.Instance != p.instance {
		m.rename(p, s.Instance)
	}
	switch {
	case s.State != mdns.Announced:
		p.announced = time.Time{}
	case p.announced.IsZero():
		p.announced = time.Now()
		m.own[mdns.Fold(p.instance)] = p
		m.arrivals.tell()
	}
	m.cfg.Handle(ProxyChanged{p.Key, p.instance, !p.announced.IsZero(), s.Err})
	if s.State == mdns.Failed {
		p.pub, p.failed = nil, true
		m.disown(p)
		m.closePairs(func(k pairKey) bool { return k.proxy == p.Key }, ErrNoProxy)
		return
	}
	for k, pair := range m.pairs {
		if k.proxy == p.Key {
			m.flush(pair)
		}
	}
}

// rename takes in another name of p. Streams carry the old one, which somebody
// else has now: they end, and what they had to say waits for the new name.
func (m *Mesh) rename(p *proxy, instance string) {
	m.disown(p)
	p.instance, p.announced = instance, time.Time{}
	for k, pair := range m.pairs {
		if k.proxy != p.Key {
			continue
		}
		m.abandon(pair)
		if pair.stream != nil {
			m.part(pair.stream)
		}
	}
}

// disown gives the name of p free for other proxies.
func (m *Mesh) disown(p *proxy) {
	if m.own[mdns.Fold(p.instance)] == p {
		delete(m.own, mdns.Fold(p.instance))
	}
}
