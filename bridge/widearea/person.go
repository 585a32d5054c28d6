package widearea

import (
	"maps"
	"slices"
	"sort"
	"unicode"
	"unicode/utf8"

	"meshbridge/linklocal"
	"meshbridge/resolver"
)

// person is somebody who is listed in the domain.
type person struct {
	schedule
	name  resolver.InstanceName
	asked bool // a lookup has ended
	told  *linklocal.Sighting
}

// shown reports whether a label can be an instance: text without control characters
// (RFC 6763 section 4.1.1).
func shown(label string) bool {
	for _, r := range label {
		if unicode.IsControl(r) {
			return false
		}
	}
	return utf8.ValidString(label)
}

// sees tells of somebody if there is anything new.
func (l *look) sees(p *person, at resolver.Instance) {
	now := linklocal.Sighting{
		Peer: linklocal.Peer{
			Instance: p.name.Label, Host: at.Host + ".", Interfaces: []string{l.domain}, Profile: linklocal.ParseTXT(at.TXT),
		},
		Domain: l.domain, Port: at.Port, Addrs: slices.Clone(at.Addresses), TXT: linklocal.TXTKeys(at.TXT),
	}
	sort.Slice(now.Addrs, func(a, b int) bool { return now.Addrs[a].Less(now.Addrs[b]) }) // another order is no change
	if p.told != nil {
		if same(*p.told, now) {
			return
		}
		now.Change = linklocal.Changed
	}
	p.told = &now
	l.Handle(now)
}

// same reports whether two sightings of one person differ in nothing but what changed
// before.
func same(a, b linklocal.Sighting) bool {
	return a.Host == b.Host && a.Port == b.Port && slices.Equal(a.Addrs, b.Addrs) && maps.Equal(a.TXT, b.TXT)
}

// leaves tells that somebody is gone who was there.
func (l *look) leaves(p *person) {
	if p.told != nil {
		gone := *p.told
		gone.Change = linklocal.Left
		p.told = nil
		l.Handle(gone)
	}
}
