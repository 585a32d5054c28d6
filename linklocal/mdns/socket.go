package mdns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// sendTimeout bounds one send: a full transmit queue must not hold the engine.
const sendTimeout = 100 * time.Millisecond

// receiveRoom is how much may wait in a socket, in octets as the kernel counts them: a large
// office answers within 100 ms. The kernel gives no more than net.core.rmem_max allows.
const receiveRoom = 1 << 20

// sockets is the Network of the real machine.
type sockets struct{}

func (sockets) Interfaces() ([]Interface, error) { return machineInterfaces() }

// Open binds one socket per family to port 5353, shared with whatever other responder runs
// here (RFC 6762 section 15). One family is enough: the other may be switched off.
func (sockets) Open() (Conn, error) {
	c := &udpConn{}
	p4, err4 := listen("udp4", "0.0.0.0:5353")
	if errors.Is(err4, syscall.EADDRINUSE) {
		return nil, errPortHeld(err4)
	}
	p6, err6 := listen("udp6", "[::]:5353")
	if errors.Is(err6, syscall.EADDRINUSE) {
		if p4 != nil {
			p4.Close()
		}
		return nil, errPortHeld(err6)
	}
	if err4 == nil {
		err4 = c.use4(p4)
	}
	if err6 == nil {
		err6 = c.use6(p6)
	}
	if c.v4 == nil && c.v6 == nil {
		return nil, fmt.Errorf("mdns: cannot open UDP port 5353: %w; check that this user may open sockets", errors.Join(err4, err6))
	}
	return c, nil
}

func errPortHeld(err error) error {
	return fmt.Errorf("mdns: UDP port 5353 is held by another mDNS responder that does not share it: %w; "+
		"find it with '"+findHolder+"'; for avahi-daemon set disallow-other-stacks=no in "+
		"/etc/avahi/avahi-daemon.conf, or stop it", err)
}

// listen binds with both reuse options, or with SO_REUSEADDR alone where the other is
// refused.
func listen(network, address string) (*net.UDPConn, error) {
	try := func(reusePort bool) (net.PacketConn, error) {
		cfg := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
			var err error
			if e := raw.Control(func(fd uintptr) { err = socketOptions(int(fd), network == "udp6", reusePort) }); e != nil {
				return e
			}
			return err
		}}
		return cfg.ListenPacket(context.Background(), network, address)
	}
	p, err := try(true)
	if err != nil {
		p, err = try(false)
	}
	if err != nil {
		return nil, err
	}
	u := p.(*net.UDPConn)
	_ = u.SetReadBuffer(receiveRoom) // the kernel gives what it may
	return u, nil
}

// udpConn is the real Conn. Kernel control messages tell on which interface a packet came.
type udpConn struct {
	v4 *ipv4.PacketConn
	v6 *ipv6.PacketConn
	// The same sockets, for deadlines and closing.
	udp4, udp6 *net.UDPConn
	// What comes is read into these, one for each reader.
	buf4, buf6 []byte
}

func (c *udpConn) use4(u *net.UDPConn) error {
	p := ipv4.NewPacketConn(u)
	err := errors.Join(
		p.SetControlMessage(ipv4.FlagInterface|ipv4.FlagDst|ipv4.FlagTTL|ipv4.FlagSrc, true),
		p.SetMulticastTTL(255), p.SetTTL(255), p.SetMulticastLoopback(true),
	)
	if err != nil {
		u.Close()
		return err
	}
	c.v4, c.udp4 = p, u
	return nil
}

func (c *udpConn) use6(u *net.UDPConn) error {
	p := ipv6.NewPacketConn(u)
	err := errors.Join(
		p.SetControlMessage(ipv6.FlagInterface|ipv6.FlagDst|ipv6.FlagHopLimit|ipv6.FlagSrc, true),
		p.SetMulticastHopLimit(255), p.SetHopLimit(255), p.SetMulticastLoopback(true),
	)
	if err != nil {
		u.Close()
		return err
	}
	c.v6, c.udp6 = p, u
	return nil
}

func (c *udpConn) Families() []Family {
	var out []Family
	if c.v4 != nil {
		out = append(out, IPv4)
	}
	if c.v6 != nil {
		out = append(out, IPv6)
	}
	return out
}

func (c *udpConn) Join(i Interface, f Family) error {
	ni, group := &net.Interface{Index: i.Index, Name: i.Name}, udpAddr(f.Group(), Port)
	var err error
	if f == IPv4 {
		err = c.v4.JoinGroup(ni, group)
	} else {
		err = c.v6.JoinGroup(ni, group)
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil // joined before
	}
	return err
}

func (c *udpConn) Leave(i Interface, f Family) error {
	ni, group := &net.Interface{Index: i.Index, Name: i.Name}, udpAddr(f.Group(), Port)
	if f == IPv4 {
		return c.v4.LeaveGroup(ni, group)
	}
	return c.v6.LeaveGroup(ni, group)
}

func (c *udpConn) Send(p Packet, src netip.Addr) error {
	deadline := time.Now().Add(sendTimeout)
	if p.family() == IPv4 {
		cm := &ipv4.ControlMessage{IfIndex: p.IfIndex, Src: src.AsSlice()}
		_ = c.udp4.SetWriteDeadline(deadline) // fails on a closed socket only, as the write will
		_, err := c.v4.WriteTo(p.Data, cm, udpAddr(p.Dst.Addr(), p.Dst.Port()))
		return err
	}
	cm := &ipv6.ControlMessage{IfIndex: p.IfIndex, Src: src.AsSlice()}
	_ = c.udp6.SetWriteDeadline(deadline)
	_, err := c.v6.WriteTo(p.Data, cm, udpAddr(p.Dst.Addr(), p.Dst.Port()))
	return err
}

// Receive reads one octet more than the longest packet, so that an overlong one is seen.
func (c *udpConn) Receive(f Family) (Packet, error) {
	buf := c.buffer(f)
	var p Packet
	var n int
	var from net.Addr
	var dst net.IP
	var err error
	if f == IPv4 {
		var cm *ipv4.ControlMessage
		if n, cm, from, err = c.v4.ReadFrom(buf); cm != nil {
			p.IfIndex, p.HopLimit, dst = cm.IfIndex, cm.TTL, cm.Dst
		}
	} else {
		var cm *ipv6.ControlMessage
		if n, cm, from, err = c.v6.ReadFrom(buf); cm != nil {
			p.IfIndex, p.HopLimit, dst = cm.IfIndex, cm.HopLimit, cm.Dst
		}
	}
	if err != nil {
		return Packet{}, closedError(err)
	}
	if u, ok := from.(*net.UDPAddr); ok {
		p.Src = netip.AddrPortFrom(u.AddrPort().Addr().Unmap().WithZone(""), uint16(u.Port))
	}
	if a, ok := netip.AddrFromSlice(dst); ok {
		p.Dst = netip.AddrPortFrom(a.Unmap(), Port)
	}
	p.Data = append([]byte(nil), buf[:n]...)
	return p, nil
}

// buffer is what the reader of f reads into.
func (c *udpConn) buffer(f Family) []byte {
	buf := &c.buf4
	if f == IPv6 {
		buf = &c.buf6
	}
	if *buf == nil {
		*buf = make([]byte, maxPacket+1)
	}
	return *buf
}

// closedError makes net.ErrClosed recognisable: x/net wraps it as text.
func closedError(err error) error {
	if errors.Is(err, net.ErrClosed) || strings.Contains(err.Error(), net.ErrClosed.Error()) {
		return net.ErrClosed
	}
	return err
}

func (c *udpConn) Close() error {
	var err4, err6 error
	if c.udp4 != nil {
		err4 = c.udp4.Close()
	}
	if c.udp6 != nil {
		err6 = c.udp6.Close()
	}
	return errors.Join(err4, err6)
}

// udpAddr makes the address that x/net wants. The zone is in the control message.
func udpAddr(a netip.Addr, port uint16) *net.UDPAddr {
	return &net.UDPAddr{IP: a.WithZone("").AsSlice(), Port: int(port)}
}
