package linklocal

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"

	"meshbridge/linklocal/mdns"
)

// Bounds of looking on.
const (
	lookEvery   = time.Second // what the mesh knows is compared with what was told
	lookTimeout = time.Second // for where an instance is reached, where that is not known anyway
	lookAtOnce  = 16          // instances asked for at a time
)

// Look tells of everything that the mesh itself sees and shows, and then of every change,
// until tell fails, whose error it returns, or ctx ends. With once it ends when what
// is there has been told. What the caller knows against instances, by instance, is asked
// for each time with why, unless that is nil; an error of it ends everything. It runs on
// the caller's goroutine and holds nothing up.
func (m *Mesh) Look(ctx context.Context, once bool, why func(context.Context) (map[string][]string, error), tell func(Sighting) error) error {
	l := looker{mesh: m, why: why, told: map[string]Sighting{}, spots: map[spotKey]*spot{}}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		now, err := l.look(ctx)
		if err != nil {
			return err
		}
		if err := l.compare(now, tell); err != nil || once {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// looker is one who looks on.
type looker struct {
	mesh  *Mesh
	why   func(context.Context) (map[string][]string, error)
	told  map[string]Sighting // by folded instance
	spots map[spotKey]*spot
}

type spotKey struct {
	instance string // folded
	index    int    // of the interface
}

// look returns what there is to see at this moment, by folded instance.
func (l *looker) look(ctx context.Context) (map[string]Sighting, error) {
	events, err := l.mesh.engine.Instances(ctx, ServiceType)
	if err != nil {
		return nil, err
	}
	seen := map[string]*sight{}
	for _, ev := range events {
		key := mdns.Fold(ev.Instance)
		s := seen[key]
		if s == nil {
			s = &sight{instance: ev.Instance, links: links{}, spots: map[int]*spot{}}
			seen[key] = s
		}
		s.links[ev.Interface.Index] = ev
		s.txt = ev.TXT
		s.spots[ev.Interface.Index] = l.spot(spotKey{key, ev.Interface.Index})
	}
	l.locate(ctx, seen)
	maps.DeleteFunc(l.spots, func(k spotKey, _ *spot) bool { return seen[k.instance] == nil })
	now, err := inspect(ctx, l.mesh, l.mesh.shown)
	if err != nil {
		return nil, err
	}
	absent, err := inspect(ctx, l.mesh, l.mesh.awaited)
	if err != nil {
		return nil, err
	}
	for key, s := range absent {
		if old, known := l.told[key]; known {
			old.Doubt, old.Why = s.Doubt, nil
			s = old
		}
		now[key] = s
	}
	for key, s := range seen {
		now[key] = s.sighting()
	}
	return now, l.explain(ctx, now)
}

// explain puts what is known against instances beside them.
func (l *looker) explain(ctx context.Context, now map[string]Sighting) error {
	if l.why == nil {
		return nil
	}
	known, err := l.why(ctx)
	if err != nil {
		return err
	}
	for instance, why := range known {
		if s, here := now[mdns.Fold(instance)]; here {
			s.Why = append(s.Why, why...)
			now[mdns.Fold(instance)] = s
		}
	}
	return nil
}

// spot returns what is remembered of where an instance is reached.
func (l *looker) spot(k spotKey) *spot {
	if l.spots[k] == nil {
		l.spots[k] = new(spot)
	}
	return l.spots[k]
}

// locate finds out where instances are reached: what the mesh knows costs no question.
func (l *looker) locate(ctx context.Context, seen map[string]*sight) {
	var lookups sync.WaitGroup
	room := make(chan struct{}, lookAtOnce)
	for _, s := range seen {
		for index, at := range s.spots {
			if at.wait > 0 {
				at.wait--
				continue
			}
			room <- struct{}{}
			lookups.Go(func() {
				defer func() { <-room }()
				ctx, cancel := context.WithTimeout(ctx, lookTimeout)
				defer cancel()
				at.found(l.mesh.engine.Resolve(ctx, ServiceType, s.instance, index, false))
			})
		}
	}
	lookups.Wait()
}

// compare tells what is new.
func (l *looker) compare(now map[string]Sighting, tell func(Sighting) error) error {
	for _, key := range slices.Sorted(maps.Keys(l.told)) {
		if _, here := now[key]; !here {
			gone := l.told[key]
			gone.Change = Left
			delete(l.told, key)
			if err := tell(gone); err != nil {
				return err
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(now)) {
		s := now[key]
		old, known := l.told[key]
		if known && reflect.DeepEqual(old, s) {
			continue
		}
		l.told[key] = s
		if known {
			s.Change = Changed
		}
		if err := tell(s); err != nil {
			return err
		}
	}
	return nil
}

// shown lists the instances of our own that are on the mesh, by folded instance.
func (m *Mesh) shown() map[string]Sighting {
	all := map[string]Sighting{}
	for key, p := range m.own {
		all[key] = m.sightOf(p)
	}
	return all
}

// sightOf is a proxy as others see it.
func (m *Mesh) sightOf(p *proxy) Sighting {
	txt := m.txt(p)
	s := Sighting{Port: m.port, TXT: txtKeys([][]string{txt})}
	s.Peer = Peer{Instance: p.instance, Host: m.engine.HostName(), Profile: ParseTXT(txt)}
	for _, i := range m.engine.Interfaces() {
		s.Interfaces = append(s.Interfaces, i.Name)
		s.Addrs = append(s.Addrs, m.engine.Published(i.Index)...)
	}
	sortAddrs(s.Addrs)
	return s
}
