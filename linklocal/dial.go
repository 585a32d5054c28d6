package linklocal

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"meshbridge/internal/stanza"
	"meshbridge/linklocal/mdns"
)

// dialing is one attempt to reach a peer from a proxy: what the goroutine that makes
// it needs to know, copied from the tables.
type dialing struct {
	proxy, self string    // key and instance of this end
	instance    string    // of the peer
	links       []place   // where the peer is seen
	notBefore   time.Time // the two ends learn of each other until then (LL-STR-29)
	cancel      context.CancelFunc
}

// place is a link on which a peer is seen, and who announced it there.
type place struct {
	link   mdns.Interface
	source netip.Addr
}

// dial opens a stream to a peer: every address on every link in turn (XEP-0174
// section 6). What the cache says comes first; where that leads nowhere the peer is
// asked anew, and what is news is tried. The stream it returns is bound: its far
// end is where the records of the instance point.
func (m *Mesh) dial(ctx context.Context, d *dialing) (*stream, error) {
	if err := wait(ctx, time.Until(d.notBefore)); err != nil {
		return nil, err
	}
	ended := m.doubtSlow(ctx, d)
	s, err := m.dialLinks(ctx, d)
	ended(err)
	return s, err
}

// dialLinks tries every link.
func (m *Mesh) dialLinks(ctx context.Context, d *dialing) (*stream, error) {
	err := error(ErrAbsent)
	for _, at := range d.links {
		at.link = m.link(at.link)
		tried := map[netip.AddrPort]bool{}
		for _, fresh := range []bool{false, true} {
			s, why := m.dialLink(ctx, d, at, fresh, tried)
			if why == nil || ctx.Err() != nil {
				return s, why
			}
			if !errors.Is(why, errNoNews) {
				err = why
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

var errNoNews = errors.New("the records name no other address")

// dialLink tries the addresses that the peer has on one link now, but for those in
// tried.
func (m *Mesh) dialLink(ctx context.Context, d *dialing, at place, fresh bool, tried map[netip.AddrPort]bool) (*stream, error) {
	ep, err := m.resolve(ctx, d.instance, at.link.Index, fresh)
	if err != nil {
		return nil, fmt.Errorf("resolving the peer on %s: %w", at.link.Name, err)
	}
	err = errNoNews
	for _, addr := range ep.Addrs {
		to := netip.AddrPortFrom(addr, ep.Port)
		if tried[to] {
			continue
		}
		tried[to] = true
		if why := (aim{at, to, m.listening(), m.cfg.AllowLowPorts}).refused(); why != nil {
			m.cfg.Count("INJ-22")
			m.cfg.Log.Warn("not connecting to where a peer's records point", "instance", d.instance, "error", why)
			err = why
			continue
		}
		from, ok := sourceFor(at.link, m.engine.Published(at.link.Index), addr)
		if !ok {
			err = fmt.Errorf("nothing of the family of %v is published on %s", addr, at.link.Name)
			continue
		}
		var s *stream
		if s, err = m.open(ctx, d, at.link, ep, from, to); err == nil || ctx.Err() != nil {
			return s, err
		}
	}
	return nil, err
}

// listening returns the port of the mesh.
func (m *Mesh) listening() (port uint16) {
	m.call(func() { port = m.port })
	return port
}

// open connects to one address and exchanges headers.
func (m *Mesh) open(ctx context.Context, d *dialing, link mdns.Interface, ep mdns.Endpoint, from netip.Addr, to netip.AddrPort) (*stream, error) {
	conn, err := m.connect(ctx, ep.Addrs, from, to)
	if err != nil {
		return nil, err
	}
	s := m.newStream(conn, link, to.Addr())
	s.proxy, s.self, s.instance, s.host = d.proxy, d.self, d.instance, ep
	s.forQuestions = true
	stop := context.AfterFunc(ctx, s.close)
	defer stop()
	if err := s.greet(); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// connect opens a connection while no other one from the peer is in its handshake.
// Of two that crossed ours gives way, before anything was said on it: a client that
// hears of a second stream drops what waits for the first. One that is always in
// another handshake is not waited for longer than any of them may take.
func (m *Mesh) connect(ctx context.Context, peer []netip.Addr, from netip.Addr, to netip.AddrPort) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, headerTimeout+connectTimeout)
	defer cancel()
	for {
		if err := m.doors.quiet(ctx, peer); err != nil {
			return nil, err
		}
		conn, err := m.connectOnce(ctx, from, to)
		if err != nil {
			return nil, fmt.Errorf("connecting: %w", err)
		}
		err = wait(ctx, courtesy)
		if err == nil && m.doors.busy(peer) == nil {
			return conn, nil
		}
		conn.Close()
		if err != nil {
			return nil, err
		}
	}
}

func (m *Mesh) connectOnce(ctx context.Context, from netip.Addr, to netip.AddrPort) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	return m.cfg.Transport.Dial(ctx, from, to)
}

// greet sends our header and reads the peer's. What the peer says of itself must
// be what its records say (INJ-34).
func (s *stream) greet() error {
	if err := s.conn.SetReadDeadline(time.Now().Add(headerTimeout)); err != nil {
		return err
	}
	own := stanza.Header{From: s.self, To: s.instance, Version: "1.0", Lang: lang}
	if err := s.writeWithin(writeTimeout, stanza.AppendHeader(nil, stanza.Client, own)); err != nil {
		return fmt.Errorf("greeting: %w", err)
	}
	h, err := s.rd.Header()
	if err != nil {
		var se *stanza.StreamError
		if errors.As(err, &se) {
			s.m.cfg.Count("LL-STR-23")
			_ = s.writeWithin(lingerTime, stanza.AppendClose(stanza.AppendElement(nil, stanza.Client, se.Element())))
		}
		return fmt.Errorf("reading the peer's header: %w", err)
	}
	if h.From != "" && mdns.Fold(h.From) != mdns.Fold(s.instance) {
		s.m.cfg.Count("INJ-34")
		_ = s.writeWithin(lingerTime, stanza.AppendClose(nil))
		return ErrMismatch
	}
	s.lang = h.Lang
	if !modern(h.Version) {
		s.mayWrite() // no features will come
	}
	return nil
}
