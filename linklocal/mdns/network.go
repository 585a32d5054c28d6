package mdns

import (
	"net/netip"
	"slices"
)

// Addresses and port of multicast DNS (RFC 6762 section 3).
var (
	groupIPv4 = netip.AddrFrom4([4]byte{224, 0, 0, 251})
	groupIPv6 = netip.MustParseAddr("ff02::fb")
)

// Port is the UDP port of multicast DNS (RFC 6762 section 3).
const Port = 5353

// Family is an address family. Each speaks on its own: a question that came over IPv6 is
// answered over IPv6 (RFC 6762 section 20).
type Family int

// The two families.
const (
	IPv4 Family = 4
	IPv6 Family = 6
)

// Group is the multicast address of f.
func (f Family) Group() netip.Addr {
	if f == IPv6 {
		return groupIPv6
	}
	return groupIPv4
}

// Interface is a network interface as it is now.
type Interface struct {
	Index    int            // as the kernel counts, > 0
	Name     string         // such as "br-lan"; the zone of its link-local addresses
	Addrs    []netip.Prefix // usable addresses with their on-link prefix, without zone
	Loopback bool           // only IPv4 is spoken on it, with 127.0.0.1
}

// families lists what can be spoken on i: it takes an address to send from. The loopback
// interface has no link-local IPv6 address, so it speaks IPv4 alone.
func (i Interface) families() []Family {
	var out []Family
	for _, f := range []Family{IPv4, IPv6} {
		if i.source(f).IsValid() && !(i.Loopback && f == IPv6) {
			out = append(out, f)
		}
	}
	return out
}

// source is the address that our packets of family f come from, invalid when there is none.
func (i Interface) source(f Family) netip.Addr {
	for _, p := range i.Addrs {
		if a := p.Addr(); f == IPv4 && a.Is4() || f == IPv6 && a.IsLinkLocalUnicast() && a.Is6() {
			return a
		}
	}
	return netip.Addr{}
}

// onLink reports whether a is a neighbour on i (RFC 6762 section 11): inside one of its
// prefixes, or IPv6 link-local. What is on the loopback comes from this machine, whichever
// of its addresses it bears.
func (i Interface) onLink(a netip.Addr) bool {
	a = a.WithZone("").Unmap()
	if i.Loopback || a.Is6() && a.IsLinkLocalUnicast() {
		return true
	}
	return slices.ContainsFunc(i.Addrs, func(p netip.Prefix) bool { return p.Masked().Contains(a) })
}

// owns reports whether a is one of i's own addresses.
func (i Interface) owns(a netip.Addr) bool {
	a = a.WithZone("").Unmap()
	return slices.ContainsFunc(i.Addrs, func(p netip.Prefix) bool { return p.Addr() == a })
}

func (i Interface) equal(o Interface) bool {
	return i.Index == o.Index && i.Name == o.Name && i.Loopback == o.Loopback && slices.Equal(i.Addrs, o.Addrs)
}

// published lists the addresses that may stand in our A and AAAA records on i (RFC 6762
// section 14, LL-11.1-5, LL-11.1-7). global adds ULA and global IPv6 addresses.
func (i Interface) published(global bool) []netip.Addr {
	var out []netip.Addr
	for _, p := range i.Addrs {
		a := p.Addr()
		switch {
		case a.Is4() && a.IsLoopback() != i.Loopback, a.Is6() && i.Loopback:
		case a.Is6() && !a.IsLinkLocalUnicast() && !global:
		default:
			out = append(out, a)
		}
	}
	return out
}

// Packet is one UDP datagram with what the kernel tells about it.
type Packet struct {
	Data     []byte
	Src      netip.AddrPort // sender, without zone; set on receipt
	Dst      netip.AddrPort // the group, or one host for a unicast
	IfIndex  int            // interface it came in on or goes out of
	HopLimit int            // IP TTL or hop limit on receipt, 0 when unknown; always sent with 255
}

// Multicast reports whether p was sent to a group.
func (p Packet) Multicast() bool { return p.Dst.Addr().IsMulticast() }

func (p Packet) family() Family {
	if p.Dst.Addr().Unmap().Is4() {
		return IPv4
	}
	return IPv6
}

// Network is the part of the machine that the engine needs. The zero Config uses real
// sockets; mdnstest.LAN offers a pretended one.
type Network interface {
	// Interfaces lists the interfaces that are up and running now. It is called every few
	// seconds, or every half minute if Network is a Watcher, so that joins can be
	// reconciled with what exists.
	Interfaces() ([]Interface, error)
	// Open binds port 5353. It fails when no family can be had.
	Open() (Conn, error)
}

// Watcher is a Network that knows when its interfaces change.
type Watcher interface {
	// Watch calls changed, on a goroutine of its own, as soon as an interface or an address
	// may have come, gone or changed, until stop is called. Once too often does no harm.
	// The error says why nothing can be told.
	Watch(changed func()) (stop func(), err error)
}

// Conn is an open Network. Receive is called from one goroutine per family, everything
// else from one other.
type Conn interface {
	// Families says which of the two could be bound.
	Families() []Family
	// Join and Leave a family's group on an interface. Joining twice is no error.
	Join(i Interface, f Family) error
	Leave(i Interface, f Family) error
	// Send sends p.Data to p.Dst out of p.IfIndex, from port 5353 and src, with TTL 255.
	Send(p Packet, src netip.Addr) error
	// Receive blocks for the next packet of f; net.ErrClosed after Close.
	Receive(f Family) (Packet, error)
	Close() error
}
