package linklocal

import (
	"context"
	"net"
	"net/netip"
	"strconv"
)

// Transport makes the TCP connections of the mesh. Addresses of fe80::/10 carry a zone.
type Transport interface {
	Listen(ctx context.Context, at netip.AddrPort) (net.Listener, error)
	// Dial connects from exactly that source address: a peer looks it up among
	// those it resolved for the instance that talks to it.
	Dial(ctx context.Context, from netip.Addr, to netip.AddrPort) (net.Conn, error)
}

type tcp struct{}

func (tcp) Listen(ctx context.Context, at netip.AddrPort) (net.Listener, error) {
	var c net.ListenConfig
	return c.Listen(ctx, network(at.Addr()), numbered(at).String())
}

func (tcp) Dial(ctx context.Context, from netip.Addr, to netip.AddrPort) (net.Conn, error) {
	d := net.Dialer{
		Timeout:   connectTimeout,
		LocalAddr: net.TCPAddrFromAddrPort(numbered(netip.AddrPortFrom(from, 0))),
	}
	return d.DialContext(ctx, network(to.Addr()), numbered(to).String())
}

// numbered puts the number that an interface has now in place of its name in a zone
// (RFC 4007 section 11.2). Package net remembers the numbers of names for up to a
// minute, and a br-lan that was made anew has another one.
func numbered(a netip.AddrPort) netip.AddrPort {
	i, err := net.InterfaceByName(a.Addr().Zone())
	if err != nil {
		return a // no zone, or it is gone, as connecting will say
	}
	return netip.AddrPortFrom(a.Addr().WithZone(strconv.Itoa(i.Index)), a.Port())
}

func network(a netip.Addr) string {
	if a.Is4() {
		return "tcp4"
	}
	return "tcp6"
}

// unsender is a connection that knows how much of what was written the other side
// has not acknowledged. Connections without that knowledge count as acknowledged.
type unsender interface{ Unsent() (int, error) }

func unsent(c net.Conn) (int, error) {
	if u, ok := c.(unsender); ok {
		return u.Unsent()
	}
	if t, ok := c.(*net.TCPConn); ok {
		return unsentTCP(t)
	}
	return 0, nil
}

// remote returns the address a connection comes from.
func remote(c net.Conn) netip.Addr { return addrOf(c.RemoteAddr()) }

func addrOf(a net.Addr) netip.Addr {
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}
