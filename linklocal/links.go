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
		if name := ev.Interface.Name; !slices.Contains(p.Interfaces, name) { // one made anew has two numbers for a while
			p.Interfaces = append(p.Interfaces, name)
		}
		if p.Host == "" {
			p.Host = ev.Host
		}
	}
	return p
}
