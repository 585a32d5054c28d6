package linklocal

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"

	"meshbridge/linklocal/mdns"
)

// ear is an address on an interface at which the mesh must be reachable: one that
// its records tell.
type ear struct {
	iface int
	addr  netip.Addr
}

type listener struct {
	net.Listener
	iface mdns.Interface
}

// listen makes the listeners match the addresses published at this moment. All
// share one port, since all proxy instances have one SRV record for every address.
func (m *Mesh) listen() {
	want := map[ear]mdns.Interface{}
	for _, i := range m.engine.Interfaces() {
		for _, a := range m.engine.Published(i.Index) {
			want[ear{i.Index, a}] = i
		}
	}
	for e, l := range m.ears {
		if _, ok := want[e]; !ok {
			l.Close()
			delete(m.ears, e)
		}
	}
	for e, i := range want {
		if m.ears[e] != nil {
			continue
		}
		if err := m.openEar(e, i); err != nil {
			// A new IPv6 address cannot be bound until the kernel knows that
			// nobody else has it; the next round comes in seconds.
			m.cfg.Log.Debug("cannot listen yet", "address", e.addr, "error", err)
		}
	}
}

// openEar listens at one address: at the port of the others, or the first of all
// at the configured one.
func (m *Mesh) openEar(e ear, i mdns.Interface) error {
	port := m.port
	if port == 0 {
		port = m.cfg.Port
	}
	l, err := m.cfg.Transport.Listen(m.ctx, netip.AddrPortFrom(e.addr, port))
	if err != nil {
		return fmt.Errorf("listening on %s: %w", i.Name, err)
	}
	if m.port == 0 {
		bound, err := netip.ParseAddrPort(l.Addr().String())
		if err != nil {
			return errors.Join(err, l.Close())
		}
		m.port = bound.Port()
	}
	ear := &listener{l, i}
	m.ears[e] = ear
	m.handlers.Add(1)
	go func() {
		defer m.handlers.Done()
		m.accept(ear)
	}()
	return nil
}

// accept serves one listener until it is closed.
func (m *Mesh) accept(l *listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return // closed by listen or shutdown, or the interface is gone
		}
		from := remote(conn)
		if !onLink(l.iface, from) {
			m.cfg.Count("SEC-8")
			conn.Close()
			continue
		}
		if !m.doors.enter(from) {
			m.cfg.Count("LL-STR-25")
			conn.Close()
			continue
		}
		m.handlers.Add(1)
		go func() {
			defer m.handlers.Done()
			m.serve(conn, l.iface, from)
		}()
	}
}

// onLink reports whether an address belongs to the link of an interface. Every
// fe80:: address does that arrives there.
func onLink(i mdns.Interface, a netip.Addr) bool {
	if a.Is6() && a.IsLinkLocalUnicast() {
		return true
	}
	a = a.WithZone("")
	for _, p := range i.Addrs {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// doors knows which addresses have connections that are not bound yet. It bounds
// them, and lets an own dial wait: a client that is connecting to us right now
// would drop messages if we connected to it at the same time (LL-STR-18).
type doors struct {
	mu    sync.Mutex
	open  map[netip.Addr]int // guarded by mu
	leave chan struct{}      // closed and renewed at each leave; guarded by mu
	total int                // connections in all, bound ones too; guarded by mu
}

// enter counts a new connection in, or refuses it.
func (d *doors) enter(a netip.Addr) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open == nil {
		d.open, d.leave = map[netip.Addr]int{}, make(chan struct{})
	}
	if d.open[a] >= maxHandshakes || d.total >= maxStreams {
		return false
	}
	d.open[a]++
	d.total++
	return true
}

// settled tells that a connection from a is bound, or over.
func (d *doors) settled(a netip.Addr) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open[a]--; d.open[a] <= 0 {
		delete(d.open, a)
	}
	close(d.leave)
	d.leave = make(chan struct{})
}

// gone counts a connection out.
func (d *doors) gone() {
	d.mu.Lock()
	d.total--
	d.mu.Unlock()
}

// busy returns nil when no connection from a is in its handshake, else a channel
// that is closed when that may have changed.
func (d *doors) busy(a netip.Addr) <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open[a] == 0 {
		return nil
	}
	return d.leave
}
