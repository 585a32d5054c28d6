package linklocal

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sort"
	"syscall"
	"time"

	"meshbridge/internal/stanza"
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
// share one port, since all proxy instances have one SRV record for every address:
// a port that is taken on one of them is no use on the others (LL-3-28).
func (m *Mesh) listen() {
	want := m.addresses()
	for e, l := range m.ears {
		if _, ok := want[e]; !ok {
			l.Close()
			delete(m.ears, e)
		}
	}
	for range portAttempts {
		err := m.openEars(want)
		if !errors.Is(err, syscall.EADDRINUSE) {
			m.hardOfHearing(err)
			return
		}
		m.renumber(err)
	}
}

// addresses returns the ears that are to be there now.
func (m *Mesh) addresses() map[ear]mdns.Interface {
	want := map[ear]mdns.Interface{}
	for index, i := range m.up {
		for _, a := range m.engine.Published(index) {
			want[ear{index, a}] = i
		}
	}
	return want
}

// openEars listens at every address that has no listener yet.
func (m *Mesh) openEars(want map[ear]mdns.Interface) error {
	var failed error
	ears := slices.Collect(maps.Keys(want))
	sort.Slice(ears, func(x, y int) bool {
		a, b := ears[x], ears[y]
		return cmp.Or(cmp.Compare(a.iface, b.iface), a.addr.Compare(b.addr)) < 0
	})
	for _, e := range ears {
		if m.ears[e] != nil {
			continue
		}
		err := m.openEar(e, want[e])
		if errors.Is(err, syscall.EADDRINUSE) {
			return err
		}
		failed = cmp.Or(failed, err)
	}
	return failed
}

// openEar listens at one address: at the port of the others, or the first of all
// at the configured or the usual one.
func (m *Mesh) openEar(e ear, i mdns.Interface) error {
	port := m.port
	if port == 0 && !m.taken {
		port = cmp.Or(m.cfg.Port, usualPort)
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
	m.handlers.Go(func() { m.accept(ear) })
	return nil
}

// renumber gives the port up: another program has it. What is published at it is
// withdrawn, and published anew when there is another one; streams stay.
func (m *Mesh) renumber(err error) {
	level := slog.LevelInfo // as when a client runs beside us
	if m.cfg.Port != 0 && !m.taken {
		level = slog.LevelWarn
	}
	m.cfg.Log.Log(m.ctx, level, "the port of the mesh is in use by another program, taking another one; set linklocal.port to a free port to have always the same",
		"error", err)
	for e, l := range m.ears {
		l.Close()
		delete(m.ears, e)
	}
	m.port, m.taken = 0, true
	for _, p := range m.proxies {
		if p.pub != nil {
			p.pub.Withdraw()
			p.pub, p.announced = nil, time.Time{}
		}
	}
}

// hardOfHearing logs why an address has no listener, once per reason. A new IPv6
// address cannot be bound until the kernel knows that nobody else has it: that is
// no news, the next round comes in seconds.
func (m *Mesh) hardOfHearing(err error) {
	if err == nil || errors.Is(err, syscall.EADDRNOTAVAIL) {
		m.deaf = ""
		return
	}
	if m.deaf != err.Error() {
		m.deaf = err.Error()
		m.cfg.Log.Warn("cannot listen on an address of the mesh, trying again; check linklocal.port", "error", err)
	}
}

// accept serves one listener until it is closed.
func (m *Mesh) accept(l *listener) {
	var trouble acceptTrouble
	for {
		conn, err := l.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return // by listen, renumber or shutdown
		case err != nil:
			if wait(m.ctx, trouble.pause(m, err)) != nil {
				return
			}
		default:
			trouble.over()
			m.enter(conn, l)
		}
	}
}

// enter lets a connection in, or not.
func (m *Mesh) enter(conn net.Conn, l *listener) {
	link, from := m.link(l.iface), remote(conn)
	if !onLink(link, from) {
		m.cfg.Count("SEC-8")
		conn.Close()
		return
	}
	v, refusal := m.doors.enter(from)
	if refusal != "" {
		m.cfg.Count("LL-STR-25")
		turnAway(conn, &stanza.StreamError{Condition: refusal, Text: "too many connections"})
		return
	}
	m.handlers.Go(func() { m.serve(conn, link, v) })
}

// turnAway tells a connection that is one too many why, if it listens.
func turnAway(conn net.Conn, se *stanza.StreamError) {
	defer conn.Close()
	out := stanza.AppendHeader(nil, stanza.Client, stanza.Header{ID: newID(), Lang: lang})
	out = stanza.AppendElement(out, stanza.Client, se.Element())
	if conn.SetWriteDeadline(time.Now().Add(turnAwayTime)) == nil {
		_, _ = conn.Write(stanza.AppendClose(out)) // a courtesy
	}
}

// link returns an interface with the addresses that it has now.
func (m *Mesh) link(i mdns.Interface) mdns.Interface {
	for _, now := range m.engine.Interfaces() {
		if now.Index == i.Index {
			return now
		}
	}
	return i
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
