package linklocal

import (
	"maps"
	"slices"

	"meshbridge/linklocal/mdns"
)

// links is where one instance is seen: the latest event by interface index.
type links map[int]mdns.Event

// order returns the indexes of the links, sorted.
func (l links) order() []int { return slices.Sorted(maps.Keys(l)) }

// peer puts together what the links say of one instance.
func (l links) peer(instance string, profile Profile) Peer {
	p := Peer{Instance: instance, Profile: profile}
	for _, i := range l.order() {
		ev := l[i]
		p.Interfaces = append(p.Interfaces, ev.Interface.Name)
		if p.Host == "" {
			p.Host = ev.Host
		}
	}
	return p
}
