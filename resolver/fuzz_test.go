package resolver

import (
	"strings"
	"testing"

	"meshbridge/resolver/resolvertest"
	"meshbridge/resolver/uri"

	"github.com/miekg/dns"
)

// FuzzReply reads arbitrary packets as answers, as far as they can be unpacked.
func FuzzReply(f *testing.F) {
	for _, text := range []string{two, zones, chain(9), srvZone} {
		f.Add(packed(f, text), uint8(0))
		f.Add(packed(f, text), uint8(1))
	}
	f.Fuzz(func(t *testing.T, packet []byte, kind uint8) {
		holdsReply(t, packet, kind)
	})
}

func packed(tb testing.TB, zone string) []byte {
	tb.Helper()
	s := resolvertest.Serve(tb, zone, resolvertest.Additional, resolvertest.Chase)
	return s.Packet("_im._xmpp.example.com.")
}

// holdsReply reads a packet as an answer and uses it as a lookup would: no panic,
// nothing beyond the bounds, and no host whose name could do harm in a log.
func holdsReply(t *testing.T, packet []byte, kind uint8) {
	m := new(dns.Msg)
	if m.Unpack(packet) != nil || len(m.Question) == 0 {
		return
	}
	q := question{plainName(m.Question[0].Name), []uint16{dns.TypeSRV, dns.TypeA, dns.TypeAAAA}[kind%3]}
	reply, err := readReply(m, q)
	if err != nil {
		return
	}
	l := &lookup{r: New(Config{MaxTargets: 5}), res: &Result{Trace: Trace{Steps: []Step{{}}}}}
	l.told(reply, nil)
	list, _ := l.usable(reply, XMPP)
	if len(list) > maxServices {
		t.Fatalf("%d services", len(list))
	}
	for _, s := range l.r.arrange(list, func(s service, why string) { l.note(s.step, s.line, why) }) {
		if s.port == 0 || !uri.DNSName(s.host) {
			t.Fatalf("%+v", s)
		}
	}
	for _, a := range reply.addresses {
		if !a.ip.IsValid() || a.ip.IsUnspecified() || a.ip.IsMulticast() {
			t.Fatalf("address %v", a.ip)
		}
	}
	var b strings.Builder
	l.res.Targets = []Target{{}}
	l.res.Explain(&b, "im:u@example.com", nil)
	if strings.ContainsFunc(b.String(), func(r rune) bool { return r < ' ' && r != '\n' }) {
		t.Fatalf("%q", b.String())
	}
}
