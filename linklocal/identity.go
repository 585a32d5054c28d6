package linklocal

import (
	"slices"
	"strings"
	"time"

	"meshbridge/linklocal/mdns"
)

// identity is who holds an instance, at the level bound: what makes a peer "the same"
// after a change of address. Who has left holds nothing.
type identity struct {
	Machine
	heard time.Time   // when it last said or acknowledged something
	waits bool        // something for it was held back
	rival bool        // the caller was told that another machine claims the instance
	again *time.Timer // runs while a newcomer waits for it to be silent
}

// fits reports whether a message that was taken on for one host may go to another.
func fits(wanted, host string) bool { return wanted == "" || strings.EqualFold(wanted, host) }

// Know tells the mesh who holds an instance, as [Recognised] told in a former run, or
// because somebody with authority says so. While that one may still be there nobody
// else gets what is meant for it.
func (m *Mesh) Know(instance string, holder Machine) {
	m.commands.add(func() {
		key := mdns.Fold(instance)
		now := &identity{Machine: holder, heard: time.Now()}
		if old := m.known[key]; old != nil {
			old.stopDoubting()
			now.waits = old.waits
		}
		m.known[key] = now
		for k, p := range m.pairs {
			if k.peer == key && p.stream != nil {
				p.stranger = !now.alike(p.stream.machine)
			}
		}
		if now.waits {
			now.waits = false
			m.retell(key)
		}
	})
}

// recognise compares the far end of a stream with what was known of its instance,
// and remembers it (INJ-26). It reports false while the old holder may still be there:
// the newcomer gets nothing until that one has been silent for a while or has left. A
// newcomer of another host name is another person even then, who inherits nothing
// (see fits).
func (m *Mesh) recognise(s *stream) bool {
	key := mdns.Fold(s.instance)
	old, now := m.known[key], &identity{Machine: s.machine, heard: time.Now()}
	if old != nil {
		if !old.alike(now.Machine) {
			if m.silence(key, old) > 0 {
				m.doubt(key, old, s)
				return false
			}
			m.cfg.Log.Warn("another machine has an instance now, the old one is silent",
				"instance", key, "old_host", old.Host, "new_host", now.Host)
		}
		old.stopDoubting()
		now.Machine = now.With(old.Machine) // a peer on two links is found at one of them at a time
	}
	m.known[key] = now
	m.moved(s)
	if old == nil || old.rival || !slices.Equal(old.Seats, now.Seats) || old.Host != now.Host {
		m.cfg.Handle(Recognised{Peer: s.instance, Machine: now.Machine})
	}
	if old != nil && old.waits {
		m.retell(key)
	}
	return true
}

// identify says who is at the far end of a bound stream. It asks the kernel, so it is
// not for the goroutine of Run.
func (s *stream) identify() Machine {
	far := Machine{Host: strings.ToLower(s.host.Host), Seats: []Seat{{s.remote, s.m.cfg.hardware(s.remote)}}}
	for _, a := range s.host.Addrs {
		if a != s.remote && len(far.Seats) < maxSeats {
			far.Seats = append(far.Seats, Seat{a, s.m.cfg.hardware(a)})
		}
	}
	return far
}

// doubt leaves an instance to its old holder for as long as that one may be there. A
// laptop that was moved from the cable to the radio left dead streams behind: they
// are prodded, and end when nobody acknowledges that.
func (m *Mesh) doubt(key string, old *identity, s *stream) {
	if !old.rival {
		old.rival = true
		m.cfg.Log.Warn("another machine claims an instance; what waits for the old one is held back. Look which of the two is the real one",
			"instance", key, "old_host", old.Host, "new_host", s.machine.Host)
		m.cfg.Handle(Contested{Peer: s.instance, Holder: old.Machine, Claimant: s.machine})
	}
	if old.again == nil {
		m.prod(key, old)
		m.watchOver(key, old)
	}
}

// prod writes white space on the streams of a holder.
func (m *Mesh) prod(key string, id *identity) {
	for s := range m.streams {
		if mdns.Fold(s.instance) == key && id.sits(s) {
			s.enqueue(outgoing{data: []byte(" ")})
		}
	}
}

// watchOver looks again whether a holder is silent, when it may be.
func (m *Mesh) watchOver(key string, id *identity) {
	id.again = m.after(min(m.silence(key, id), prodTime), func() {
		id.again = nil
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
	return id.Host == s.machine.Host &&
		slices.ContainsFunc(id.Seats, func(o Seat) bool { return o.Addr == s.remote })
}

// heard notes that the far end of a stream is alive.
func (m *Mesh) heard(s *stream) {
	if id := m.known[mdns.Fold(s.instance)]; id != nil && id.sits(s) {
		id.heard = time.Now()
	}
}

// reconsider looks again at newcomers once the old holder may count as gone. With no
// stream to look at, the next one will show.
func (m *Mesh) reconsider(key string) {
	for k, p := range m.pairs {
		if k.peer == key && p.stream != nil && p.stranger {
			p.stranger = !m.recognise(p.stream)
		}
	}
	switch id := m.known[key]; {
	case id == nil || id.again != nil || !id.waits:
	case m.silence(key, id) > 0:
		m.watchOver(key, id)
	default:
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
