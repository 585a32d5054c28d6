package resolvertest

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

// Server answers questions out of a zone. It is authoritative for everything: a name
// without records does not exist.
type Server struct {
	tb         testing.TB
	additional bool
	chase      bool
	tamper     func(answer *dns.Msg, overTCP bool) []*dns.Msg
	addr       netip.AddrPort

	mu      sync.Mutex
	records map[string][]dns.RR // by name; guarded by mu
	faults  map[string]string   // by name; guarded by mu
	asked   []string            // guarded by mu
}

// Option changes how a Server answers.
type Option func(*Server)

// Additional puts the addresses of SRV targets into the additional section.
func Additional(s *Server) { s.additional = true }

// Chase puts the records that an alias leads to behind it, as a recursive server
// does.
func Chase(s *Server) { s.chase = true }

// Tamper puts f between the zone and the wire: what it returns is sent, in order.
func Tamper(f func(answer *dns.Msg, overTCP bool) []*dns.Msg) Option {
	return func(s *Server) { s.tamper = f }
}

// Serve starts a server that ends with the test. The zone is in master file format,
// names absolute; besides it may hold lines of a fault and a name:
//
//	SERVFAIL name    questions about it are answered so
//	REFUSED name
//	FORMERR name     answered so as long as the question has an OPT record
//	DROP name        not answered
//	NOEDNS name      not answered as long as the question has an OPT record
//	TRUNCATED name   over UDP: half of the records and the TC flag
func Serve(tb testing.TB, zone string, options ...Option) *Server {
	tb.Helper()
	s := New(tb, zone, options...)
	tcp, udp := listen(tb)
	s.addr = udp.LocalAddr().(*net.UDPAddr).AddrPort()
	for _, d := range []*dns.Server{{Listener: tcp, Handler: s}, {PacketConn: udp, Handler: s}} {
		s.start(d)
	}
	return s
}

// New returns a server that is reached by its Dial only: a server for virtual time.
func New(tb testing.TB, zone string, options ...Option) *Server {
	tb.Helper()
	s := &Server{tb: tb}
	for _, o := range options {
		o(s)
	}
	s.Replace(zone)
	return s
}

// start runs a listener until the test ends.
func (s *Server) start(d *dns.Server) {
	up, down := make(chan struct{}), make(chan struct{})
	d.NotifyStartedFunc = func() { close(up) }
	go func() {
		defer close(down)
		if err := d.ActivateAndServe(); err != nil {
			s.tb.Errorf("the DNS server of the test: %v", err)
		}
	}()
	<-up
	s.tb.Cleanup(func() {
		_ = d.Shutdown()
		<-down
	})
}

// listen finds a port that is free for both protocols.
func listen(tb testing.TB) (net.Listener, net.PacketConn) {
	for range 20 {
		tcp, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			tb.Fatal(err)
		}
		if udp, err := net.ListenPacket("udp", tcp.Addr().String()); err == nil {
			return tcp, udp
		}
		tcp.Close()
	}
	tb.Fatal("no port is free for UDP and TCP")
	return nil, nil
}

// Replace serves another zone from now on.
func (s *Server) Replace(zone string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records, s.faults = map[string][]dns.RR{}, map[string]string{}
	var records strings.Builder
	for line := range strings.Lines(zone) {
		f := strings.Fields(line)
		switch {
		case len(f) == 2 && slices.Contains([]string{"SERVFAIL", "REFUSED", "FORMERR", "DROP", "NOEDNS", "TRUNCATED"}, f[0]):
			s.faults[dns.CanonicalName(f[1])] = f[0]
		default:
			records.WriteString(strings.TrimLeft(line, " \t"))
		}
	}
	z := dns.NewZoneParser(strings.NewReader(records.String()), ".", "")
	for rr, ok := z.Next(); ok; rr, ok = z.Next() {
		name := dns.CanonicalName(rr.Header().Name)
		s.records[name] = append(s.records[name], rr)
	}
	if err := z.Err(); err != nil {
		s.tb.Fatalf("the zone of the test: %v", err)
	}
}

// Addr is where the server listens, with both protocols.
func (s *Server) Addr() netip.AddrPort { return s.addr }

// Asked returns the questions so far, as "example.org. A", each with " over TCP" if
// it came so.
func (s *Server) Asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// Packet is the answer to a question for the SRV records of a name, as it is sent.
func (s *Server) Packet(name string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := new(dns.Msg).SetQuestion(name, dns.TypeSRV)
	s.fill(m, dns.CanonicalName(name), dns.TypeSRV)
	packet, err := m.Pack()
	if err != nil {
		s.tb.Fatal(err)
	}
	return packet
}

// ServeDNS answers one question.
func (s *Server) ServeDNS(w dns.ResponseWriter, ask *dns.Msg) {
	q := ask.Question[0]
	_, overTCP := w.RemoteAddr().(*net.TCPAddr)
	m := new(dns.Msg).SetReply(ask)
	m.Compress = true
	fault := s.take(q, overTCP, m)
	if code, ok := dns.StringToRcode[fault]; ok && (code != dns.RcodeFormatError || ask.IsEdns0() != nil) {
		m = new(dns.Msg).SetRcode(ask, code)
	}
	switch {
	case fault == "DROP", fault == "NOEDNS" && ask.IsEdns0() != nil:
		return
	case !overTCP:
		m.Truncate(room(ask))
		if fault == "TRUNCATED" {
			m.Truncated = true
			m.Answer = m.Answer[:len(m.Answer)/2]
		}
	}
	out := []*dns.Msg{m}
	if s.tamper != nil {
		out = s.tamper(m, overTCP)
	}
	for _, m := range out {
		_ = w.WriteMsg(m) // the client may have gone
	}
}

// room is the size of a UDP packet that the client takes.
func room(ask *dns.Msg) int {
	if o := ask.IsEdns0(); o != nil {
		return int(o.UDPSize())
	}
	return dns.MinMsgSize
}

// take remembers a question, fills in its answer and returns the fault of its name.
func (s *Server) take(q dns.Question, overTCP bool, m *dns.Msg) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := q.Name + " " + dns.TypeToString[q.Qtype]
	if overTCP {
		text += " over TCP"
	}
	s.asked = append(s.asked, text)
	name := dns.CanonicalName(q.Name)
	s.fill(m, name, q.Qtype)
	return s.faults[name]
}

// fill adds the records of a name, and what options add to them. The lock is held.
func (s *Server) fill(m *dns.Msg, name string, kind uint16) {
	for range 20 { // loops of aliases are for the client to find
		all, known := s.records[name]
		if !known {
			m.Rcode = dns.RcodeNameError
		}
		next := ""
		for _, rr := range all {
			alias, isAlias := rr.(*dns.CNAME)
			if rr.Header().Rrtype == kind || isAlias {
				m.Answer = append(m.Answer, rr)
			}
			if isAlias {
				next = dns.CanonicalName(alias.Target)
			}
			if srv, ok := rr.(*dns.SRV); ok && kind == dns.TypeSRV && s.additional {
				m.Extra = append(m.Extra, s.records[dns.CanonicalName(srv.Target)]...)
			}
		}
		if next == "" || !s.chase {
			return
		}
		name = next
	}
}
