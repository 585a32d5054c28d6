package linklocal

import (
	"time"

	"meshbridge/linklocal/mdns"
)

// Somebody at the edge of a radio cell, or whose laptop wakes up for a moment every minute,
// comes and goes. The first four times that is told as it is: people restart their clients.
// After that they count as here for longer and longer after they have left, up to half a
// minute, until they have stayed for ten.

// restless is what is remembered of a peer that has left.
type restless struct {
	times int       // departures told, none of them long after the one before
	last  time.Time // when it was last on no link
}

// restlessness is how often a peer has left of late.
func (m *Mesh) restlessness(key string) int {
	r := m.restless[key]
	if r == nil || time.Since(r.last) >= calmTime {
		return 0
	}
	return r.times
}

// patience is how long a peer that leaves now still counts as here, from its goodbye on.
func (m *Mesh) patience(key string) time.Duration {
	usual := m.cfg.DepartureDelay
	if more := m.restlessness(key) - toldAsIs; more >= 0 {
		return max(usual, min(usual<<min(more+1, 10), longestDelay))
	}
	return usual
}

// linger begins the departure of a peer that is on no link any more. mDNS has used up a
// second of the delay.
func (m *Mesh) linger(key string, p *peer) {
	delay := m.patience(key)
	p.away = mdns.Doubt{}
	if m.restlessness(key) == 0 { // calm for long enough
		delete(m.restless, key)
	} else {
		m.restless[key].last = time.Now()
	}
	if delay > m.cfg.DepartureDelay {
		p.away = mdns.Doubt{Why: "it left, and counts as here for a while because it comes and goes", Since: time.Now(), Until: time.Now().Add(delay - mdnsRemoval)}
		if m.flapping.now() {
			m.cfg.Log.Info("a peer comes and goes; it counts as here for a while after it leaves", "peer", p.instance, "delay", delay)
		}
	}
	p.leaving = m.after(max(0, delay-mdnsRemoval), func() { m.depart(key, p) })
}

// count notes a departure that is told. Of too many who are remembered the one who has been calm
// for longest is forgotten.
func (m *Mesh) count(key string) {
	times := m.restlessness(key)
	if m.restless[key] == nil && len(m.restless) >= maxRestless {
		oldest := ""
		for k, r := range m.restless {
			if oldest == "" || r.last.Before(m.restless[oldest].last) {
				oldest = k
			}
		}
		delete(m.restless, oldest)
	}
	m.restless[key] = &restless{times + 1, time.Now()}
}

// awaited lists the peers that have left and count as here because they come and go, by
// folded instance, as they were seen last.
func (m *Mesh) awaited() map[string]Sighting {
	all := map[string]Sighting{}
	for key, p := range m.peers {
		if len(p.links) == 0 && p.away.Why != "" && p.told != nil {
			all[key] = Sighting{Peer: *p.told, Doubt: p.away}
		}
	}
	return all
}
