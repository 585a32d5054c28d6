package mdns_test

import (
	"context"
	"encoding/hex"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"meshbridge/linklocal/mdns"
	"meshbridge/linklocal/mdns/mdnstest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// A scene is a piece of an engine's life of which every octet sent is on file.
type scene struct {
	name, rules string
	play        func(o *office, n *node)
}

// scenes go on beside each other: every one has its own office, with one engine on pronto.
func scenes() []scene {
	return []scene{
		{"start", "LL-3-14 LL-3-23 LL-3-24 LL-5-4 LL-5-9", playStart},
		{"names", "LL-3-20 LL-3-22 LL-I18N-2 LL-I18N-6", playNames},
		{"answer", "LL-5-10 LL-5-11 LL-5-12 LL-5-13", playAnswer},
		{"update", "LL-5-4 LL-3-24", playUpdate},
		{"conflict", "LL-3-11 LL-3-14 LL-3-29", playConflict},
		{"question", "LL-4-7 LL-5-7 LL-5-8 LL-AV-6", playQuestion},
		{"goodbye", "LL-9-1 LL-9-2", playGoodbye},
	}
}

func TestWire(t *testing.T) {
	for _, s := range scenes() {
		inOffice(t, "V-8 "+s.rules+" octet by octet: "+s.name, func(t *testing.T, o *office) {
			golden(t, filepath.Join("wire", s.name+".golden"), o.record(s))
		})
	}
	inOffice(t, "V-8 any other octet shows", func(t *testing.T, o *office) {
		o.record(scenes()[0])
		for _, sent := range o.Log() {
			right := o.render(sent, map[string]string{})
			for k := range sent.Data {
				sent.Data[k] ^= 0x20
				if o.render(sent, map[string]string{}) == right {
					t.Fatalf("octet %d does not show", k)
				}
				sent.Data[k] ^= 0x20
			}
		}
	})
}

// record plays s and writes down what pronto sent.
func (o *office) record(s scene) string {
	mdns.FixChance(o.t)
	n := o.node("pronto", "10.2.1.187/24", "fe80::187/64")
	s.play(o, n)
	log := o.Log()
	n.stop()
	var b strings.Builder
	fmt.Fprintf(&b, "What pronto sends: %s (%s)\n", s.name, s.rules)
	before := map[string]string{}
	for _, sent := range log {
		if sent.Host == "pronto" {
			b.WriteString(o.render(sent, before))
		}
	}
	return b.String()
}

// render is one packet for people, then octet by octet unless these octets were sent before.
func (o *office) render(s mdnstest.Sent, before map[string]string) string {
	var b strings.Builder
	head := fmt.Sprintf("%.3f s  %s > %s", s.At.Sub(o.start).Seconds(), s.Src, s.Dst)
	if first, ok := before[string(s.Data)]; ok {
		return fmt.Sprintf("\n%s\n  the same octets as at %s\n", head, first)
	}
	before[string(s.Data)] = head
	fmt.Fprintf(&b, "\n%s, %d octets\n", head, len(s.Data))
	m := new(dns.Msg)
	if err := m.Unpack(s.Data); err == nil {
		describe(&b, m)
	}
	b.WriteString(hex.Dump(s.Data))
	return b.String()
}

func describe(b *strings.Builder, m *dns.Msg) {
	kind := "query"
	if m.Response {
		kind = "response"
	}
	if m.Truncated {
		kind += ", more to come"
	}
	fmt.Fprintf(b, "  %s, id %d\n", kind, m.Id)
	for _, q := range m.Question {
		fmt.Fprintf(b, "  question    %s %s %s\n", q.Name, class(q.Qclass, "QU"), dns.TypeToString[q.Qtype])
	}
	for k, section := range [][]dns.RR{m.Answer, m.Ns, m.Extra} {
		for _, r := range section {
			h := r.Header()
			data := strings.TrimPrefix(r.String(), h.String())
			if null, ok := r.(*dns.NULL); ok {
				data = fmt.Sprintf("%q", null.Data)
			}
			fmt.Fprintf(b, "  %-11s %s %d %s %s %s\n", []string{"answer", "authority", "additional"}[k],
				h.Name, h.Ttl, class(h.Class, "flush"), dns.TypeToString[h.Rrtype], data)
		}
	}
}

func class(c uint16, top string) string {
	name := dns.ClassToString[c&^0x8000]
	if c&0x8000 != 0 {
		name += "+" + top
	}
	return name
}

// golden holds got to the file testdata/name.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	wanted, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(wanted), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// picture is short: what matters is where its octets stand.
const picture = "\x89PNG\r\n\x1a\n\x00\xff"

// juliet publishes juliet@pronto with a picture.
func (n *node) juliet() *mdns.Publication {
	return n.Publish(mdns.Service{
		Type: presence, Instance: "juliet@pronto", Port: 5562, Null: picture,
		TXT: []string{"txtvers=1", "status=avail", "msg=Grüße"},
	})
}

func playStart(_ *office, n *node) {
	n.browse().up()
	n.juliet()
	pass(4 * time.Second)
}

func playNames(_ *office, n *node) {
	n.up()
	n.publish(`Dr. "Jürgen" O'Hara \ (it)@pronto`)
	n.publish("ju\u0308rgen@pronto") // decomposed: another name than the composed one
	n.publish(strings.Repeat("ü", 28) + "@pronto")
	pass(4 * time.Second)
}

func playAnswer(o *office, n *node) {
	n.up()
	n.juliet()
	pass(10 * time.Second)
	o.ClearLog()
	ask := func(s *stranger, name string, typ uint16, class uint16) {
		m := &dns.Msg{Question: []dns.Question{{Name: name, Qtype: typ, Qclass: class}}}
		if s.addr.Port() != mdns.Port {
			m.Id = 4711
		}
		s.send(m)
		pass(2 * time.Second)
	}
	s := o.stranger("10.2.1.9")
	juliet := "juliet@pronto._presence._tcp.local."
	for _, q := range []struct {
		name string
		typ  uint16
	}{
		{presenceName, dns.TypePTR}, {"JULIET@PRONTO._PRESENCE._TCP.LOCAL.", dns.TypeSRV}, {juliet, dns.TypeTXT},
		{juliet, dns.TypeANY}, {juliet, dns.TypeNULL}, {juliet, dns.TypeA}, {"pronto.local.", dns.TypeA},
		{"pronto.local.", dns.TypeNULL}, {"_services._dns-sd._udp.local.", dns.TypePTR},
	} {
		ask(s, q.name, q.typ, dns.ClassINET)
	}
	ask(s, presenceName, dns.TypePTR, dns.ClassINET|0x8000)
	s.addr = netip.AddrPortFrom(s.addr.Addr(), 40000)
	ask(s, presenceName, dns.TypePTR, dns.ClassINET)
}

func playUpdate(o *office, n *node) {
	n.up()
	p := n.juliet()
	pass(10 * time.Second)
	o.ClearLog()
	p.SetTXT([]string{"txtvers=1", "status=away"})
	pass(5 * time.Second)
	p.Set([]string{"txtvers=1", "status=dnd"}, "other"+picture)
	pass(5 * time.Second)
	n.host.SetAddrs(mdnstest.DefaultInterface, "10.2.1.77/24", "fe80::187/64")
	pass(5 * time.Second)
}

// playConflict: another says that the name is its own, and upholds it. Then the machine's
// name is contested by who probes at the same time, and wins.
func playConflict(o *office, n *node) {
	n.up()
	n.juliet()
	pass(10 * time.Second)
	o.ClearLog()
	s := o.stranger("10.2.1.200")
	theirs := flush(o.t, `juliet@pronto._presence._tcp.local. 120 IN SRV 0 0 5298 other.local.`)
	s.says(theirs)
	pass(200 * time.Millisecond)
	s.says(theirs)
	pass(5 * time.Second)
	host := flush(o.t, "pronto.local. 120 IN A 10.2.1.200")
	s.says(host)
	pass(200 * time.Millisecond)
	s.send(&dns.Msg{
		Question: []dns.Question{{Name: "pronto.local.", Qtype: dns.TypeANY, Qclass: dns.ClassINET}},
		Ns:       []dns.RR{rr(o.t, "pronto.local. 120 IN A 10.2.1.200"), rr(o.t, "pronto.local. 120 IN AAAA fe80::200")},
	})
	pass(900 * time.Millisecond)
	s.says(host)
	pass(200 * time.Millisecond)
	s.says(host)
	pass(5 * time.Second)
}

// playQuestion: a peer is announced by a bare PTR, asked for its TXT, resolved, asked for its
// picture, and asked again before its records lapse.
func playQuestion(o *office, n *node) {
	n.browse().up()
	pass(10 * time.Second)
	o.ClearLog()
	s := o.stranger("10.2.1.9")
	rrs := s.peer(`Dr\.\ Romeo@forza`, "forza", `"a=1"`)
	s.says(rrs[0])
	pass(200 * time.Millisecond)
	s.says(rrs[2])
	ctx, cancel := context.WithTimeout(context.Background(), 1500*time.Millisecond)
	_, _ = n.Resolve(ctx, presence, "Dr. Romeo@forza", 1, false)
	cancel()
	ctx, cancel = context.WithTimeout(context.Background(), 1500*time.Millisecond)
	_, _ = n.Fetch(ctx, presence, "Dr. Romeo@forza", 1, func(string) bool { return false })
	cancel()
	pass(75 * time.Minute)
}

func playGoodbye(o *office, n *node) {
	n.up()
	n.publish("romeo@pronto", "txtvers=1").Withdraw() // never announced, so no goodbye
	p := n.publish("nurse@pronto", "txtvers=1")
	n.juliet()
	pass(10 * time.Second)
	o.ClearLog()
	n.Retract(presence, "ghost@pronto")
	p.Withdraw()
	pass(5 * time.Second)
	n.cancel()
	pass(3 * time.Second)
}
