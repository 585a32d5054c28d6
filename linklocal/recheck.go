package linklocal

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"meshbridge/linklocal/mdns"
)

// A stream is bound by what the records of its instance said when it was opened. That
// may change: leases and temporary addresses do, and an instance may turn up on
// another machine while an old stream of it is open (INJ-23).

// recheckAll looks again at the records of all streams. What the cache still knows
// costs no question.
func (m *Mesh) recheckAll() {
	if time.Since(m.rechecked) < recheckEvery {
		return
	}
	m.rechecked = time.Now()
	for s := range m.streams {
		if s.looking.CompareAndSwap(false, true) {
			m.handlers.Go(func() {
				defer s.looking.Store(false)
				if s.superseded() {
					m.call(func() { m.supersede(s) })
				}
			})
		}
	}
}

// superseded reports whether the instance of a stream is on another machine now: a
// fresh answer does not name the address that the stream leads to, and the neighbour
// table has other hardware behind the addresses that it names. Only both together are
// proof. A second machine under the same host name proves nothing while the first is
// alive (INJ-24).
func (s *stream) superseded() bool {
	for _, fresh := range []bool{false, true} {
		ep, err := s.m.resolve(s.m.ctx, s.instance, s.iface.Index, fresh)
		switch {
		case err != nil || slices.Contains(ep.Addrs, s.remote) || slices.Equal(ep.Addrs, s.excused):
			return false
		case !fresh:
		case s.elsewhere(ep.Addrs) && (!strings.EqualFold(ep.Host, s.machine.Host) || !s.alive()):
			return true
		default:
			s.excused = ep.Addrs
		}
	}
	return false
}

// alive reports whether the far end acknowledges what it is sent.
func (s *stream) alive() bool {
	s.enqueue(outgoing{data: []byte(" ")})
	if wait(s.m.ctx, prodTime) != nil {
		return true // we end, which says nothing about the peer
	}
	left, err := unsent(s.conn)
	return err == nil && left == 0
}

// elsewhere reports whether hardware is known behind one of those addresses, and
// nowhere that of the stream's far end.
func (s *stream) elsewhere(addrs []netip.Addr) bool {
	own, other := s.machine.Seats[0].MAC, false
	if own == "" {
		return false
	}
	for _, a := range addrs[:min(len(addrs), maxSeats)] {
		switch s.m.behind(s, a) {
		case own:
			return false
		case "":
		default:
			other = true
		}
	}
	return other
}

// behind returns the hardware behind an address on the link of a stream. The kernel is
// made to look for it when it has not talked to it lately.
func (m *Mesh) behind(s *stream, a netip.Addr) string {
	if mac := m.cfg.hardware(a); mac != "" || !onLink(m.link(s.iface), a) || a.IsMulticast() || isBroadcast(s.iface, a) {
		return mac
	}
	m.cfg.stir(a)
	_ = wait(m.ctx, stirTime)
	return m.cfg.hardware(a)
}

// supersede ends a stream whose instance is on another machine now. What it has not
// delivered goes out on another one.
func (m *Mesh) supersede(s *stream) {
	if _, open := m.streams[s]; !open {
		return
	}
	m.cfg.Count("INJ-23")
	m.cfg.Log.Warn("closed a stream: its instance is announced from another machine now. Look which of the two is the real one",
		"instance", s.instance, "old_address", s.remote)
	m.part(s)
}

// stir sends an empty mDNS query to an address, so that the kernel asks for the
// hardware behind it.
func stir(a netip.Addr) {
	conn, err := net.DialTimeout("udp", numbered(netip.AddrPortFrom(a, mdns.Port)).String(), time.Second)
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = conn.Write(make([]byte, 12)) // a header that asks nothing
}
