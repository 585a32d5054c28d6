package linklocal

import (
	"net/netip"
	"slices"
	"strings"

	"meshbridge/linklocal/mdns"
)

// identity is what makes a peer "the same" after an absence, at the level bound.
type identity struct {
	host string // SRV target, folded
	seen []seat // where it was
	left bool   // it said goodbye, or its records ran out
}

// seat is an address, and the hardware behind it where that is known.
type seat struct {
	addr netip.Addr
	mac  string
}

// samePeer judges whether who holds an instance now is who held it before
// (CONFORMANCE INJ-26): the same host name, and an address or the hardware in
// common, or the old holder has left.
func samePeer(old, now identity) bool {
	if old.host != now.host {
		return false
	}
	return old.left || slices.ContainsFunc(now.seen, func(n seat) bool {
		return slices.ContainsFunc(old.seen, func(o seat) bool {
			return o.addr == n.addr || o.mac != "" && o.mac == n.mac
		})
	})
}

// fits reports whether a message that was taken on for one host may go to another.
func fits(wanted, host string) bool { return wanted == "" || strings.EqualFold(wanted, host) }

// recognise compares the far end of a stream with what was known of its instance,
// and remembers it. It reports false while another machine of the same host name
// has not left: nothing goes to the newcomer then. A host of another name is
// another person, who inherits nothing (see fits).
func (m *Mesh) recognise(key string, ep mdns.Endpoint) bool {
	now := identity{host: strings.ToLower(ep.Host)}
	for _, a := range ep.Addrs {
		now.seen = append(now.seen, seat{a, m.cfg.hardware(a)})
	}
	old, known := m.known[key]
	if known && !samePeer(old, now) {
		m.cfg.Log.Warn("another host claims an instance; what waits for the old one is held back",
			"instance", key, "old_host", old.host, "new_host", now.host)
		if old.host == now.host {
			return false
		}
	}
	if !known && len(m.known) >= maxKnown {
		return true // nothing to compare with later, which holds nothing back
	}
	m.known[key] = now
	return true
}

// departed notes that an instance is free again for the same host name.
func (m *Mesh) departed(key string) {
	if id, ok := m.known[key]; ok {
		id.left = true
		m.known[key] = id
	}
}

// maxKnown bounds how many instances are remembered.
const maxKnown = 4096
