package linklocal

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"meshbridge/internal/stanza"
	"meshbridge/linklocal/mdns"
)

// dialing is one attempt to reach a peer from a proxy: what the goroutine that makes
// it needs to know, copied from the tables.
type dialing struct {
	proxy, self string           // key and instance of this end
	instance    string           // of the peer
	links       []mdns.Interface // where the peer is seen
	notBefore   time.Time        // peers resolve our instance until then
}

// dial opens a stream to a peer: every address on every link in turn (XEP-0174
// section 6). The stream it returns is bound: its far end is where the records of
// the instance point.
func (m *Mesh) dial(ctx context.Context, d dialing) (*stream, error) {
	if err := wait(ctx, time.Until(d.notBefore)); err != nil {
		return nil, err
	}
	err := error(ErrAbsent)
	for _, link := range d.links {
		for _, fresh := range []bool{false, true} {
			var s *stream
			if s, err = m.dialLink(ctx, d, link, fresh); err == nil || ctx.Err() != nil {
				return s, err
			}
		}
	}
	return nil, err
}

func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// dialLink tries the addresses that the peer has on one link now.
func (m *Mesh) dialLink(ctx context.Context, d dialing, link mdns.Interface, fresh bool) (*stream, error) {
	lookup, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	ep, err := m.engine.Resolve(lookup, ServiceType, d.instance, link.Index, fresh)
	if err != nil {
		return nil, fmt.Errorf("resolving the peer on %s: %w", link.Name, err)
	}
	err = fmt.Errorf("the peer has no address on %s", link.Name)
	for _, addr := range ep.Addrs {
		from, ok := m.sourceFor(link, addr)
		if !ok {
			continue
		}
		to := netip.AddrPortFrom(addr, ep.Port)
		if why := m.refuseTarget(link, to); why != nil {
			m.cfg.Count("INJ-22")
			m.cfg.Log.Warn("not connecting to where a peer's records point", "instance", d.instance, "error", why)
			err = why
			continue
		}
		var s *stream
		if s, err = m.open(ctx, d, link, ep, from, to); err == nil || ctx.Err() != nil {
			return s, err
		}
	}
	return nil, err
}

// sourceFor returns an address of ours that peers on the link resolve for our
// instances, of the family of the address to be dialled (LL-STR-29).
func (m *Mesh) sourceFor(link mdns.Interface, to netip.Addr) (netip.Addr, bool) {
	for _, a := range m.engine.Published(link.Index) {
		if a.Is4() == to.Is4() {
			return a, true
		}
	}
	return netip.Addr{}, false
}

// refuseTarget says why records that point to a target are not followed: they may
// only lead to a machine on the link they came from (INJ-22). An address of our own
// is that of a client beside us, unless the port is ours.
func (m *Mesh) refuseTarget(link mdns.Interface, to netip.AddrPort) error {
	a := to.Addr()
	own := false
	for _, p := range link.Addrs {
		own = own || p.Addr() == a.WithZone("")
	}
	switch {
	case a.IsMulticast() || a.IsUnspecified() || isBroadcast(link, a):
		return fmt.Errorf("%v is no address of a machine", a)
	case !onLink(link, a):
		return fmt.Errorf("%v is not on the link %s", a, link.Name)
	case a.IsLoopback() && !own:
		return fmt.Errorf("%v is this machine itself", a)
	case own && to.Port() == m.listening():
		return fmt.Errorf("%v is our own port", to)
	case to.Port() < 1024 && !m.cfg.AllowLowPorts:
		return fmt.Errorf("port %d is below 1024; set linklocal.allow_low_ports if that is meant", to.Port())
	}
	return nil
}

func (m *Mesh) listening() (port uint16) {
	m.call(func() { port = m.port })
	return port
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

// open connects to one address and exchanges headers.
func (m *Mesh) open(ctx context.Context, d dialing, link mdns.Interface, ep mdns.Endpoint, from netip.Addr, to netip.AddrPort) (*stream, error) {
	for busy := m.doors.busy(to.Addr()); busy != nil; busy = m.doors.busy(to.Addr()) {
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	connect, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	conn, err := m.cfg.Transport.Dial(connect, from, to)
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	s := m.newStream(conn, link, to.Addr())
	s.proxy, s.self, s.instance, s.host = d.proxy, d.self, d.instance, ep
	stop := context.AfterFunc(ctx, s.close)
	defer stop()
	if err := s.greet(); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// greet sends our header and reads the peer's. What the peer says of itself must
// be what its records say (INJ-34).
func (s *stream) greet() error {
	if err := s.conn.SetReadDeadline(time.Now().Add(headerTimeout)); err != nil {
		return err
	}
	own := stanza.Header{From: s.self, To: s.instance, Version: "1.0", Lang: "en"}
	if err := s.writeNow(stanza.AppendHeader(nil, stanza.Client, own)); err != nil {
		return fmt.Errorf("greeting: %w", err)
	}
	h, err := s.rd.Header()
	if err != nil {
		var se *stanza.StreamError
		if errors.As(err, &se) {
			s.m.cfg.Count("LL-STR-23")
			_ = s.writeNow(stanza.AppendClose(stanza.AppendElement(nil, stanza.Client, se.Element())))
		}
		return fmt.Errorf("reading the peer's header: %w", err)
	}
	if h.From != "" && mdns.Fold(h.From) != mdns.Fold(s.instance) {
		s.m.cfg.Count("INJ-34")
		_ = s.writeNow(stanza.AppendClose(nil))
		return ErrMismatch
	}
	s.lang = h.Lang
	if !modern(h.Version) {
		s.mayWrite() // no features will come
	}
	return nil
}
