package linklocal

import (
	"fmt"
	"net/netip"

	"meshbridge/linklocal/mdns"
)

// aim is where records point, and what must be known to judge that.
type aim struct {
	place
	to       netip.AddrPort
	ownPort  uint16 // where we listen
	lowPorts bool   // ports below 1024 are allowed
}

// refused says why records are not followed: they may only lead to a machine on the
// link they came from (INJ-22). An address of our own is that of a client beside us,
// if this machine announced it and the port is not ours: a stranger's records must
// not lead us to what listens on the router.
func (a aim) refused() error {
	addr, own := a.to.Addr(), has(a.link, a.to.Addr())
	switch {
	case addr.IsMulticast() || addr.IsUnspecified() || isBroadcast(a.link, addr):
		return fmt.Errorf("%v is no address of a machine", addr)
	case !onLink(a.link, addr):
		return fmt.Errorf("%v is not on the link %s", addr, a.link.Name)
	case addr.IsLoopback() && !own:
		return fmt.Errorf("%v is this machine itself", addr)
	case own && !has(a.link, a.source):
		return fmt.Errorf("%v is this machine, but %v announced it", addr, a.source)
	case own && a.to.Port() == a.ownPort:
		return fmt.Errorf("%v is our own port", a.to)
	case a.to.Port() == 0 || a.to.Port() < 1024 && !a.lowPorts:
		return fmt.Errorf("port %d is below 1024; set linklocal.allow_low_ports if that is meant", a.to.Port())
	}
	return nil
}

// has reports whether an interface has an address.
func has(i mdns.Interface, a netip.Addr) bool {
	a = a.WithZone("")
	for _, p := range i.Addrs {
		if p.Addr() == a {
			return true
		}
	}
	return false
}

// isBroadcast reports whether a is the broadcast address of a network on the link.
func isBroadcast(link mdns.Interface, a netip.Addr) bool {
	if !a.Is4() {
		return false
	}
	if a == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return true
	}
	b := a.As4()
	n := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	for _, p := range link.Addrs {
		if p.Addr().Is4() && p.Bits() < 31 && p.Contains(a) {
			if host := uint32(1)<<(32-p.Bits()) - 1; n&host == host {
				return true
			}
		}
	}
	return false
}

// sourceFor returns the one of our published addresses, which peers on the link
// resolve for our instances, to dial an address from: of its family, and of its
// network if there is a choice (LL-STR-29).
func sourceFor(link mdns.Interface, published []netip.Addr, to netip.Addr) (from netip.Addr, ok bool) {
	for _, a := range published {
		switch {
		case a.Is4() != to.Is4():
		case together(link, a, to):
			return a, true
		case !ok:
			from, ok = a, true
		}
	}
	return from, ok
}

// together reports whether two addresses are of one network of an interface.
func together(link mdns.Interface, a, b netip.Addr) bool {
	for _, p := range link.Addrs {
		if p.Contains(a.WithZone("")) && p.Contains(b.WithZone("")) {
			return true
		}
	}
	return false
}
