package linklocal

import (
	"context"
	"maps"
	"slices"
	"time"

	"meshbridge/linklocal/mdns"
)

// Survey is how the mesh is at a moment.
type Survey struct {
	Port       uint16 // of the proxies; 0 while on no interface
	Interfaces []LinkInfo
	Streams    map[string]int // open ones, by instance of the peer
	Twins      []Twin         // instances of another bridge for our component domain (LL-4-9)
	Checks     mdns.Checks    // what was done to find out who has vanished
}

// LinkInfo is what is known of a configured interface.
type LinkInfo struct {
	Name   string
	Joined time.Time // zero: it is not up, or does not exist
	Heard  uint64    // packets of multicast DNS since, our own not counted
	Last   time.Time // when the latest of them came; zero: none did
	Peers  int       // seen there
}

// Twin is an instance that another bridge shows for our component domain.
type Twin struct {
	Instance, Interface, Source string
	Seen                        time.Time
}

// Survey looks at everything. It waits for the goroutine of Run; the error is ctx's, or
// ErrStopped.
func (m *Mesh) Survey(ctx context.Context) (Survey, error) { return inspect(ctx, m, m.survey) }

// inspect runs a function on the goroutine of Run and returns what it found.
func inspect[T any](ctx context.Context, m *Mesh, find func() T) (found T, err error) {
	answer := make(chan T, 1)
	select {
	case m.requests <- func() { answer <- find() }:
	case <-m.stopped:
		return found, ErrStopped
	case <-ctx.Done():
		return found, ctx.Err()
	}
	select {
	case found = <-answer:
		return found, nil
	case <-m.stopped:
		return found, ErrStopped
	case <-ctx.Done():
		return found, ctx.Err()
	}
}

func (m *Mesh) survey() Survey {
	s := Survey{Port: m.port, Streams: map[string]int{}, Checks: m.engine.Checks()}
	at := map[string]int{}
	for _, name := range m.cfg.Interfaces {
		at[name] = len(s.Interfaces)
		s.Interfaces = append(s.Interfaces, LinkInfo{Name: name})
	}
	for _, t := range m.engine.Traffic() {
		if k, configured := at[t.Interface.Name]; configured {
			i := &s.Interfaces[k]
			i.Joined, i.Heard, i.Last = t.Joined, t.Packets, t.Last
		}
	}
	for _, p := range m.peers {
		for _, ev := range p.links {
			if k, configured := at[ev.Interface.Name]; configured {
				s.Interfaces[k].Peers++
			}
		}
	}
	for stream := range m.streams {
		if p := m.peers[mdns.Fold(stream.instance)]; p != nil {
			s.Streams[p.instance]++
		}
	}
	for _, key := range slices.Sorted(maps.Keys(m.twins)) {
		s.Twins = append(s.Twins, m.twins[key])
	}
	return s
}

// SetLimits changes what people on the LAN may take, for who is connected already too.
func (m *Mesh) SetLimits(l Limits) {
	m.commands.add(func() {
		m.cfg.Limits = l.orDefault()
		m.fitDescriptors()
		m.rates.SetRates(m.cfg.Limits.rates())
		m.doors.setLimits(m.cfg.Limits)
	})
}

// Retell tells the caller about every peer once more.
func (m *Mesh) Retell() {
	m.commands.add(func() {
		for _, key := range slices.Sorted(maps.Keys(m.peers)) {
			m.retell(key)
		}
	})
}
