package mdns_test

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
	"go.uber.org/goleak"

	"meshbridge/linklocal/mdns"
	"meshbridge/linklocal/mdns/mdnstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const presence = "_presence._tcp"

// A node is an engine under test with what it told.
type node struct {
	*mdns.Engine
	t      *testing.T
	lan    *mdnstest.LAN
	host   *mdnstest.Host
	cancel context.CancelFunc
	ended  chan error

	mu     sync.Mutex
	events []seen
	states []mdns.Status
	counts map[string]int
}

type seen struct {
	mdns.Event
	at time.Time
}

// office is a LAN with a way to make nodes.
type office struct {
	*mdnstest.LAN
	t     *testing.T
	start time.Time
}

// inOffice runs a subtest in virtual time on a LAN of its own.
func inOffice(t *testing.T, name string, fn func(t *testing.T, o *office)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { fn(t, &office{LAN: mdnstest.New(), t: t, start: time.Now()}) })
	})
}

// node makes a machine with an engine on eth0 that is not running yet.
func (o *office) node(name string, addrs ...string) *node {
	return o.engine(o.Host(name, addrs...), mdns.Config{Host: name})
}

// engine puts an engine on a machine.
func (o *office) engine(h *mdnstest.Host, cfg mdns.Config) *node {
	o.t.Helper()
	n := &node{t: o.t, lan: o.LAN, host: h, ended: make(chan error, 1), counts: map[string]int{}}
	cfg.Network = h
	if cfg.Interfaces == nil {
		cfg.Interfaces = []string{"eth0"}
	}
	cfg.Count = func(rule string) { n.mu.Lock(); n.counts[rule]++; n.mu.Unlock() }
	e, err := mdns.New(cfg)
	if err != nil {
		o.t.Fatal(err)
	}
	n.Engine = e
	return n
}

// up starts the engine; the returned function stops it and waits.
func (n *node) up() *node {
	ctx, cancel := context.WithCancel(context.Background())
	n.cancel = cancel
	go func() { n.ended <- n.Run(ctx) }()
	synctest.Wait()
	return n
}

// stop ends the engine and waits for its goodbyes.
func (n *node) stop() {
	n.cancel()
	if err := <-n.ended; err != nil {
		n.t.Errorf("Run: %v", err)
	}
}

func (n *node) publish(instance string, txt ...string) *mdns.Publication {
	return n.Publish(mdns.Service{Type: presence, Instance: instance, Port: 5562, TXT: txt, Notify: n.note})
}

// note takes in what becomes of a publication.
func (n *node) note(s mdns.Status) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.states = append(n.states, s)
}

func (n *node) browse() *node {
	n.Browse(presence, func(ev mdns.Event) {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.events = append(n.events, seen{ev, time.Now()})
	})
	return n
}

// told lists events as "added juliet@pronto", in order.
func (n *node) told() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var out []string
	for _, ev := range n.events {
		out = append(out, ev.Kind.String()+" "+ev.Instance)
	}
	return out
}

func (n *node) lastEvent() seen {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.events) == 0 {
		n.t.Fatal("no event yet")
	}
	return n.events[len(n.events)-1]
}

func (n *node) status() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var out []string
	for _, s := range n.states {
		out = append(out, s.State.String()+" "+s.Instance)
	}
	return out
}

func (n *node) count(rule string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.counts[rule]
}

// pass lets virtual time go by.
func pass(d time.Duration) {
	<-time.After(d) // virtual: inside a synctest bubble
	synctest.Wait()
}

// A frame is one packet of the log, decoded.
type frame struct {
	*dns.Msg
	mdnstest.Sent
	after time.Duration // since the office opened
}

// frames decodes the log, of one sender or all ("").
func (o *office) frames(host string) []frame {
	o.t.Helper()
	var out []frame
	for _, s := range o.Log() {
		if host != "" && s.Host != host {
			continue
		}
		m := new(dns.Msg)
		if err := m.Unpack(s.Data); err != nil {
			o.t.Fatalf("packet of %s: %v", s.Host, err)
		}
		out = append(out, frame{m, s, s.At.Sub(o.start)})
	}
	return out
}

// responses and queries of one host.
func (o *office) responses(host string) []frame {
	return slices.DeleteFunc(o.frames(host), func(f frame) bool { return !f.Response })
}

func (o *office) queries(host string) []frame {
	return slices.DeleteFunc(o.frames(host), func(f frame) bool { return f.Response })
}

// asks lists the times at which a host asked for a name and type.
func (o *office) asks(host, name string, typ uint16) []time.Duration {
	var out []time.Duration
	for _, f := range o.queries(host) {
		for _, q := range f.Question {
			if strings.EqualFold(q.Name, name) && q.Qtype == typ {
				out = append(out, f.after)
			}
		}
	}
	return out
}

// says lists the times at which a host multicast a record that text identifies.
func (o *office) says(host, text string) []time.Duration {
	var out []time.Duration
	for _, f := range o.responses(host) {
		for _, rr := range append(slices.Clone(f.Answer), f.Extra...) {
			if f.Multicast() && strings.Contains(flat(rr), text) {
				out = append(out, f.after)
			}
		}
	}
	return out
}

// flat is a record as one line with single blanks.
func flat(rr dns.RR) string { return strings.Join(strings.Fields(rr.String()), " ") }

// rr reads a record in zone file form; a class such as CLASS32769 sets the flush bit.
func rr(t *testing.T, text string) dns.RR {
	t.Helper()
	r, err := dns.NewRR(text)
	if err != nil || r == nil {
		t.Fatalf("record %q: %v", text, err)
	}
	return r
}

// flush is rr with the flush bit.
func flush(t *testing.T, text string) dns.RR {
	r := rr(t, text)
	r.Header().Class |= 0x8000
	return r
}

// A stranger is a machine without an engine: it says what a test wants.
type stranger struct {
	o    *office
	addr netip.AddrPort
	to   netip.AddrPort
}

func (o *office) stranger(addr string) *stranger {
	a := netip.MustParseAddr(addr)
	g := mdns.IPv4.Group()
	if a.Is6() {
		g = mdns.IPv6.Group()
	}
	return &stranger{o: o, addr: netip.AddrPortFrom(a, mdns.Port), to: netip.AddrPortFrom(g, mdns.Port)}
}

func (s *stranger) send(m *dns.Msg) {
	s.o.t.Helper()
	data, err := m.Pack()
	if err != nil {
		s.o.t.Fatal(err)
	}
	s.raw(data)
}

func (s *stranger) raw(data []byte) {
	s.o.Inject(mdnstest.DefaultLink, mdns.Packet{Data: data, Src: s.addr, Dst: s.to})
	synctest.Wait()
}

// says multicasts a response.
func (s *stranger) says(rrs ...dns.RR) {
	s.o.t.Helper()
	m := new(dns.Msg)
	m.Response, m.Authoritative, m.Compress, m.Answer = true, true, true, rrs
	s.send(m)
}

// asks multicasts a question with known answers.
func (s *stranger) asks(name string, typ uint16, known ...dns.RR) {
	s.o.t.Helper()
	m := new(dns.Msg)
	m.Question = []dns.Question{{Name: name, Qtype: typ, Qclass: dns.ClassINET}}
	m.Answer = known
	s.send(m)
}

// peer announces an instance as Avahi does.
func (s *stranger) peer(instance, host string, txt string) []dns.RR {
	t := s.o.t
	typ := "A"
	if s.addr.Addr().Is6() {
		typ = "AAAA"
	}
	return []dns.RR{
		rr(t, "_presence._tcp.local. 4500 IN PTR "+instance+"._presence._tcp.local."),
		flush(t, instance+"._presence._tcp.local. 120 IN SRV 0 0 5298 "+host+".local."),
		flush(t, instance+"._presence._tcp.local. 4500 IN TXT "+txt),
		flush(t, host+".local. 120 IN "+typ+" "+s.addr.Addr().String()),
	}
}

func within(t *testing.T, what string, got, lo, hi time.Duration) {
	t.Helper()
	if got < lo || got > hi {
		t.Errorf("%s: %v, want %v to %v", what, got, lo, hi)
	}
}

func want[T comparable](t *testing.T, what string, got, wanted T) {
	t.Helper()
	if got != wanted {
		t.Errorf("%s: got %v, want %v", what, got, wanted)
	}
}

func wantAll[T comparable](t *testing.T, what string, got []T, wanted ...T) {
	t.Helper()
	if !slices.Equal(got, wanted) {
		t.Errorf("%s: got %v, want %v", what, got, wanted)
	}
}

// oneShot is a stranger that asks from another port, as dig does.
func (o *office) oneShot(addr string) *stranger {
	s := o.stranger(addr)
	s.addr = netip.AddrPortFrom(s.addr.Addr(), 40000)
	return s
}

// asksAlone multicasts a question that welcomes a unicast answer.
func (s *stranger) asksAlone(name string, typ uint16) {
	s.o.t.Helper()
	m := new(dns.Msg)
	m.Question = []dns.Question{{Name: name, Qtype: typ, Qclass: dns.ClassINET | 0x8000}}
	s.send(m)
}
