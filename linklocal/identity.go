package linklocal

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"meshbridge/linklocal/mdns"
)

// identity is what makes a peer "the same" after a change of address, at the level
// bound. It is kept while the peer is here: one that has left holds nothing.
type identity struct {
	host  string      // SRV target, folded
	seen  []seat      // where it was, latest first
	heard time.Time   // when it last said or acknowledged something
	waits bool        // something for it was held back
	again *time.Timer // runs while a newcomer waits for it to be silent
}

// maxSeats bounds how many places of one peer are remembered: a laptop has a cable,
// a radio, two families and leases that change.
const maxSeats = 16

// seat is an address, and the hardware behind it where that is known.
type seat struct {
	addr netip.Addr
	mac  string
}

// samePeer judges whether who holds an instance now is who held it before
// (INJ-26): the same host name, and an address or the hardware in
// common.
func samePeer(old, now *identity) bool {
	return old.host == now.host && slices.ContainsFunc(now.seen, func(n seat) bool {
		return slices.ContainsFunc(old.seen, func(o seat) bool {
			return o.addr == n.addr || o.mac != "" && o.mac == n.mac
		})
	})
}

// fits reports whether a message that was taken on for one host may go to another.
func fits(wanted, host string) bool { return wanted == "" || strings.EqualFold(wanted, host) }

// recognise compares the far end of a stream with what was known of its instance,
// and remembers it. It reports false while the old holder may still be there: the
// newcomer gets nothing until that one has been silent for a while or has left. A
// newcomer of another host name is another person even then, who inherits nothing
// (see fits).
func (m *Mesh) recognise(s *stream) bool {
	key := mdns.Fold(s.instance)
	now := m.identify(s)
	old := m.known[key]
	if old != nil {
		if !samePeer(old, now) {
			if left := m.silence(key, old); left > 0 {
				m.doubt(key, old, now, left)
				return false
			}
			m.cfg.Log.Warn("another machine has an instance now, the old one is silent",
				"instance", key, "old_host", old.host, "new_host", now.host)
		}
		old.stopDoubting()
		now.remember(old)
	}
	m.known[key] = now
	m.moved(s)
	if old != nil && old.waits {
		m.retell(key)
	}
	return true
}

// identify says who is at the far end of a stream.
func (m *Mesh) identify(s *stream) *identity {
	id := &identity{host: strings.ToLower(s.host.Host), heard: time.Now()}
	for _, a := range s.host.Addrs {
		id.seen = append(id.seen, seat{a, m.cfg.hardware(a)})
	}
	return id
}

// remember adds the places of before: a peer on two links is found at one of them
// at a time.
func (id *identity) remember(old *identity) {
	if old.host != id.host {
		return
	}
	for _, o := range old.seen {
		if !slices.Contains(id.seen, o) && len(id.seen) < maxSeats {
			id.seen = append(id.seen, o)
		}
	}
}

// doubt leaves an instance to its old holder for as long as that one may be there.
func (m *Mesh) doubt(key string, old, now *identity, left time.Duration) {
	if old.again != nil {
		return
	}
	m.cfg.Log.Warn("another machine claims an instance; what waits for the old one is held back. Look which of the two is the real one",
		"instance", key, "old_host", old.host, "new_host", now.host)
	old.again = m.after(left, func() {
		old.again = nil
		m.reconsider(key)
	})
}

func (id *identity) stopDoubting() {
	if id.again != nil {
		id.again.Stop()
		id.again = nil
	}
}

// silence returns how long the holder of an instance must still say nothing to
// count as gone; 0 or less when it does already.
func (m *Mesh) silence(key string, id *identity) time.Duration {
	for s := range m.streams {
		if mdns.Fold(s.instance) == key && id.sits(s) && !s.closer.Load() {
			return silence
		}
	}
	return silence - time.Since(id.heard)
}

// sits reports whether a stream comes from where the holder was.
func (id *identity) sits(s *stream) bool {
	return id.host == strings.ToLower(s.host.Host) &&
		slices.ContainsFunc(id.seen, func(o seat) bool { return o.addr == s.remote })
}

// heard notes that the far end of a stream is alive.
func (m *Mesh) heard(s *stream) {
	if id := m.known[mdns.Fold(s.instance)]; id != nil && id.sits(s) {
		id.heard = time.Now()
	}
}

// reconsider looks again at a newcomer once the old holder may count as gone. With
// no stream to look at, the next one will show.
func (m *Mesh) reconsider(key string) {
	for k, p := range m.pairs {
		if k.peer == key && p.stream != nil && p.stranger {
			p.stranger = !m.recognise(p.stream)
		}
	}
	if id := m.known[key]; id != nil && id.waits {
		id.waits = false
		m.retell(key)
	}
}

// waits notes that something for an instance was held back.
func (m *Mesh) waits(key string) {
	if id := m.known[key]; id != nil {
		id.waits = true
	}
}

// departed forgets who held an instance: it is free again.
func (m *Mesh) departed(key string) {
	if id := m.known[key]; id != nil {
		id.stopDoubting()
		delete(m.known, key)
	}
}
