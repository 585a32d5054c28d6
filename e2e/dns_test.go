//go:build linux

package e2e

import (
	"net"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// A nameserver is authoritative for everything: what its zone does not have does
// not exist.
type nameserver struct {
	records map[string][]dns.RR // by name
	asked   *journal[dns.Question]
}

// asks gives n a nameserver of its own, on its loopback, and has programs that
// are started in n ask it. The zone is in master file format, names absolute.
func (n *namespace) asks(t testing.TB, zone string) *nameserver {
	t.Helper()
	s := &nameserver{records: map[string][]dns.RR{}, asked: newJournal[dns.Question]()}
	z := dns.NewZoneParser(strings.NewReader(zone), ".", "")
	for rr, ok := z.Next(); ok; rr, ok = z.Next() {
		name := dns.CanonicalName(rr.Header().Name)
		s.records[name] = append(s.records[name], rr)
	}
	if err := z.Err(); err != nil {
		t.Fatalf("the zone: %v", err)
	}
	var udp net.PacketConn
	var tcp net.Listener
	err := n.do(func() (err error) {
		if udp, err = net.ListenPacket("udp", "127.0.0.1:53"); err == nil {
			tcp, err = net.Listen("tcp", "127.0.0.1:53")
		}
		return err
	})
	if err != nil {
		t.Fatalf("a nameserver in %s: %v", n.role, err)
	}
	for _, d := range []*dns.Server{{PacketConn: udp, Handler: s}, {Listener: tcp, Handler: s}} {
		go func() { _ = d.ActivateAndServe() }() // ends when its socket is closed
	}
	t.Cleanup(func() { udp.Close(); tcp.Close() })
	n.own(t, "hosts", "127.0.0.1 localhost\n")
	n.own(t, "resolv.conf", "nameserver 127.0.0.1\n")
	return s
}

// ServeDNS answers one question.
func (s *nameserver) ServeDNS(w dns.ResponseWriter, ask *dns.Msg) {
	q := ask.Question[0]
	s.asked.add(q)
	answer := new(dns.Msg).SetReply(ask)
	answer.Authoritative = true
	here, ok := s.records[dns.CanonicalName(q.Name)]
	if !ok {
		answer.Rcode = dns.RcodeNameError
	}
	for _, rr := range here {
		if rr.Header().Rrtype == q.Qtype {
			answer.Answer = append(answer.Answer, rr)
		}
	}
	_ = w.WriteMsg(answer) // who asked will ask again
}
