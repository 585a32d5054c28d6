package mdns_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// settled is an office with juliet@pronto announced and quiet.
func settled(t *testing.T, name string, fn func(t *testing.T, o *office, n *node)) {
	t.Helper()
	inOffice(t, name, func(t *testing.T, o *office) {
		n := o.node("pronto", "10.2.1.1").up()
		defer n.stop()
		n.publish("juliet@pronto", "a=1")
		pass(10 * time.Second)
		o.ClearLog()
		fn(t, o, n)
	})
}

func TestAnswerTiming(t *testing.T) {
	settled(t, "LL-5-6 PTR answers wait 20 to 120 ms, not always the same", func(t *testing.T, o *office, n *node) {
		s := o.stranger("10.2.1.9")
		var waits []time.Duration
		for range 100 {
			o.ClearLog()
			asked := time.Since(o.start)
			s.asks("_presence._tcp.local.", dns.TypePTR)
			pass(3 * time.Second)
			said := o.says("pronto", " PTR ")
			if len(said) != 1 {
				t.Fatalf("answers: %v", said)
			}
			within(t, "wait", said[0]-asked, 20*time.Millisecond, 120*time.Millisecond)
			waits = append(waits, said[0]-asked)
		}
		if slices.Min(waits) == slices.Max(waits) {
			t.Error("all waits equal")
		}
	})
	settled(t, "LL-5-6 truncated questions wait 400 to 500 ms and take later known answers", func(t *testing.T, o *office, n *node) {
		s := o.stranger("10.2.1.9")
		ask := func(more ...dns.RR) []time.Duration {
			o.ClearLog()
			m := new(dns.Msg)
			m.Truncated = true
			m.Question = []dns.Question{{Name: "_presence._tcp.local.", Qtype: dns.TypePTR, Qclass: dns.ClassINET}}
			s.send(m)
			if len(more) > 0 {
				s.send(&dns.Msg{Answer: more})
			}
			asked := time.Since(o.start)
			pass(3 * time.Second)
			said := o.says("pronto", " PTR ")
			for k := range said {
				said[k] -= asked
			}
			return said
		}
		said := ask()
		if len(said) != 1 {
			t.Fatalf("answers: %v", said)
		}
		within(t, "wait", said[0], 400*time.Millisecond, 500*time.Millisecond)
		want(t, "answers when known", len(ask(rr(t, "_presence._tcp.local. 4000 IN PTR juliet@pronto._presence._tcp.local."))), 0)
	})
	settled(t, "unique records are answered at once", func(t *testing.T, o *office, n *node) {
		asked := time.Since(o.start)
		o.stranger("10.2.1.9").asks("juliet@pronto._presence._tcp.local.", dns.TypeSRV)
		pass(time.Second)
		said := o.says("pronto", " SRV ")
		if len(said) != 1 {
			t.Fatalf("answers: %v", said)
		}
		within(t, "wait", said[0]-asked, 0, 10*time.Millisecond)
	})
}

func TestAnswerRate(t *testing.T) {
	settled(t, "LL-5-5 a flood of questions draws one multicast a second", func(t *testing.T, o *office, n *node) {
		s := o.stranger("10.2.1.9")
		for range 500 {
			s.asks("juliet@pronto._presence._tcp.local.", dns.TypeTXT)
			s.asks("_presence._tcp.local.", dns.TypePTR)
			pass(10 * time.Millisecond)
		}
		for _, text := range []string{" TXT ", " PTR ", " SRV ", " A "} {
			said := o.says("pronto", text)
			within(t, "answers in 5 s with"+text, time.Duration(len(said)), 4, 6)
			for k := 1; k < len(said); k++ {
				within(t, "gap of"+text, said[k]-said[k-1], time.Second, time.Hour)
			}
		}
	})
	settled(t, "LL-5-5 two who ask at once share one answer", func(t *testing.T, o *office, n *node) {
		o.stranger("10.2.1.9").asks("_presence._tcp.local.", dns.TypePTR)
		pass(10 * time.Millisecond)
		o.stranger("10.2.1.8").asks("_presence._tcp.local.", dns.TypePTR)
		pass(5 * time.Second)
		want(t, "answers", len(o.says("pronto", " PTR ")), 1)
	})
	settled(t, "LL-5-5 a probe for our name is answered after 250 ms again", func(t *testing.T, o *office, n *node) {
		m := new(dns.Msg)
		m.Question = []dns.Question{{Name: "pronto.local.", Qtype: dns.TypeANY, Qclass: dns.ClassINET}}
		m.Ns = []dns.RR{rr(t, "pronto.local. 120 IN A 10.2.1.1")} // a name that another wants is not answered for
		s := o.stranger("10.2.1.9")
		for range 3 {
			s.send(m)
			pass(250 * time.Millisecond)
		}
		want(t, "defences", len(o.says("pronto", "A 10.2.1.1")), 3)
	})
	settled(t, "LL-5-5 what another responder just said for us is not repeated", func(t *testing.T, o *office, n *node) {
		s := o.stranger("10.2.1.9")
		s.asks("_presence._tcp.local.", dns.TypePTR)
		s.says(rr(t, "_presence._tcp.local. 4500 IN PTR juliet@pronto._presence._tcp.local."))
		pass(time.Second)
		want(t, "answers", len(o.says("pronto", " PTR ")), 0)
	})
}

func TestKnownAnswers(t *testing.T) {
	for _, c := range []struct {
		name    string
		ttl     int
		answers int
	}{{"half the TTL silences", 2250, 0}, {"less does not", 2249, 1}} {
		settled(t, "LL-5-7 a known answer with "+c.name, func(t *testing.T, o *office, n *node) {
			o.stranger("10.2.1.9").asks("_presence._tcp.local.", dns.TypePTR,
				rr(t, fmt.Sprintf("_presence._tcp.local. %d IN PTR JULIET@pronto._presence._tcp.local.", c.ttl)))
			pass(time.Second)
			want(t, "answers", len(o.says("pronto", " PTR ")), c.answers)
		})
	}
}

func TestUnicastAnswers(t *testing.T) {
	qu := func(s *stranger, name string, typ uint16) {
		m := new(dns.Msg)
		m.Question = []dns.Question{{Name: name, Qtype: typ, Qclass: dns.ClassINET | 0x8000}}
		s.send(m)
	}
	settled(t, "a QU question is answered to the asker, while the record is fresh in all caches", func(t *testing.T, o *office, n *node) {
		s := o.stranger("10.2.1.9")
		qu(s, "_presence._tcp.local.", dns.TypePTR)
		pass(time.Second)
		got := o.responses("pronto")
		if len(got) != 1 || got[0].Dst.String() != "10.2.1.9:5353" {
			t.Fatalf("got %v", got)
		}
		want(t, "flush bit and TTL of SRV kept", strings.Contains(got[0].String(), "120\tCLASS32769\tSRV"), true)
	})
	settled(t, "a QU question is answered to all when the record was not heard for long", func(t *testing.T, o *office, n *node) {
		pass(31 * time.Second) // a quarter of 120 s
		qu(o.stranger("10.2.1.9"), "juliet@pronto._presence._tcp.local.", dns.TypeSRV)
		pass(time.Second)
		want(t, "multicasts", len(o.says("pronto", " SRV ")), 1)
	})
	settled(t, "M1 a long answer to a QU question goes to all, paced", func(t *testing.T, o *office, n *node) {
		for k := range 100 {
			n.publish(fmt.Sprintf("alice%d@pronto", k), "a=1")
		}
		pass(10 * time.Second)
		o.ClearLog()
		for range 5 {
			qu(o.stranger("10.2.1.9"), "_presence._tcp.local.", dns.TypePTR)
		}
		pass(time.Second)
		got := o.responses("pronto")
		want(t, "several packets", len(got) > 5, true)
		answers := 0
		for k, f := range got {
			want(t, "multicast", f.Multicast(), true)
			if answers += len(f.Answer); k > 0 {
				within(t, "gap", f.after-got[k-1].after, 10*time.Millisecond, time.Second)
			}
		}
		want(t, "answers", answers, 101)
	})
	settled(t, "M1 every packet of a unicast answer takes a token", func(t *testing.T, o *office, n *node) {
		for k := range 6 {
			n.publish(fmt.Sprintf("alice%d@pronto", k), strings.Repeat("x", 250), strings.Repeat("y", 200))
		}
		pass(10 * time.Second)
		o.ClearLog()
		for range 15 {
			qu(o.stranger("10.2.1.9"), "_presence._tcp.local.", dns.TypePTR)
		}
		pass(time.Millisecond)
		want(t, "packets", len(o.responses("pronto")), 20)
		want(t, "counted", n.count("M1") > 0, true)
		want(t, "multicast", o.responses("pronto")[0].Multicast(), false)
	})
	settled(t, "an off-link asker of a QU question gets no unicast", func(t *testing.T, o *office, n *node) {
		qu(o.stranger("203.0.113.9"), "_presence._tcp.local.", dns.TypePTR)
		pass(time.Second)
		for _, f := range o.responses("pronto") {
			want(t, "multicast", f.Multicast(), true)
		}
	})
}

func TestLegacyAnswers(t *testing.T) {
	ask := func(o *office, from, name string) {
		s := o.stranger(from)
		s.addr = netip.AddrPortFrom(s.addr.Addr(), 40000)
		m := new(dns.Msg)
		m.SetQuestion(name, dns.TypePTR)
		m.Id = 4711
		s.send(m)
		pass(time.Second)
	}
	settled(t, "LL-5-11 a question from another port gets one plain unicast answer", func(t *testing.T, o *office, n *node) {
		ask(o, "10.2.1.9", "_presence._tcp.local.")
		got := o.responses("pronto")
		if len(got) != 1 {
			t.Fatalf("%d packets", len(got))
		}
		f := got[0]
		want(t, "to", f.Dst.String(), "10.2.1.9:40000")
		want(t, "id", f.Id, 4711)
		want(t, "question", f.Question[0].Name, "_presence._tcp.local.")
		for _, rr := range append(f.Answer, f.Extra...) {
			h := rr.Header()
			if h.Ttl > 10 || h.Class != dns.ClassINET {
				t.Errorf("%v", rr)
			}
		}
		want(t, "records", len(f.Answer)+len(f.Extra) >= 4, true)
	})
	settled(t, "LL-5-11 M1 an off-link source hears nothing", func(t *testing.T, o *office, n *node) {
		ask(o, "203.0.113.9", "_presence._tcp.local.")
		want(t, "packets", len(o.responses("pronto")), 0)
		want(t, "counted", n.count("LL-5-11"), 1)
	})
	settled(t, "LL-5-11 M1 a flood is cut to twenty a second", func(t *testing.T, o *office, n *node) {
		s := o.stranger("10.2.1.9")
		s.addr = netip.AddrPortFrom(s.addr.Addr(), 40000)
		m := new(dns.Msg)
		m.SetQuestion("_presence._tcp.local.", dns.TypePTR)
		for range 200 {
			s.send(m)
		}
		pass(10 * time.Millisecond)
		want(t, "answers", len(o.responses("pronto")), 20)
		want(t, "counted", n.count("LL-5-11"), 180)
	})
}

func TestNegativeAnswers(t *testing.T) {
	inOffice(t, "LL-5-10 A on an IPv6-only LAN: NSEC {AAAA}", func(t *testing.T, o *office) {
		n := o.node("office", "fe80::1").up()
		defer n.stop()
		pass(10 * time.Second)
		o.ClearLog()
		asked := time.Since(o.start)
		o.stranger("fe80::9").asks("office.local.", dns.TypeA)
		pass(time.Second)
		got := o.responses("office")
		if len(got) != 1 || len(got[0].Answer) != 1 {
			t.Fatalf("%v", got)
		}
		want(t, "answer", flat(got[0].Answer[0]), "office.local. 120 CLASS32769 NSEC office.local. AAAA")
		within(t, "wait", got[0].after-asked, 0, 100*time.Millisecond)
	})
	settled(t, "LL-5-10 NSEC also comes with A when there is no AAAA", func(t *testing.T, o *office, n *node) {
		o.stranger("10.2.1.9").asks("pronto.local.", dns.TypeA)
		pass(time.Second)
		want(t, "NSEC", len(o.says("pronto", "NSEC pronto.local. A")), 1)
	})
	settled(t, "LL-5-10 for an instance: the types that exist", func(t *testing.T, o *office, n *node) {
		o.stranger("10.2.1.9").asks("juliet@pronto._presence._tcp.local.", dns.TypeNULL)
		pass(time.Second)
		want(t, "NSEC", len(o.says("pronto", "TXT SRV")), 1)
	})
	settled(t, "LL-5-10 nothing for names that are not ours, or shared", func(t *testing.T, o *office, n *node) {
		s := o.stranger("10.2.1.9")
		s.asks("other.local.", dns.TypeA)
		s.asks("romeo@pronto._presence._tcp.local.", dns.TypeTXT)
		s.asks("_presence._tcp.local.", dns.TypeTXT)
		pass(time.Second)
		want(t, "packets", len(o.responses("pronto")), 0)
	})
}

func TestAdditionalRecords(t *testing.T) {
	inOffice(t, "LL-5-12 one PTR question resolves three instances", func(t *testing.T, o *office) {
		n := o.node("office", "10.2.1.1").up()
		defer n.stop()
		for k := range 3 {
			n.publish(fmt.Sprintf("alice%d@office", k), "a=1")
		}
		pass(10 * time.Second)
		o.ClearLog()
		o.stranger("10.2.1.9").asks("_presence._tcp.local.", dns.TypePTR)
		pass(time.Second)
		got := o.responses("office")
		if len(got) != 1 {
			t.Fatalf("%d packets", len(got))
		}
		types := map[uint16]int{}
		for _, rr := range append(got[0].Answer, got[0].Extra...) {
			types[rr.Header().Rrtype]++
		}
		want(t, "answers", len(got[0].Answer), 3)
		for typ, count := range map[uint16]int{dns.TypePTR: 3, dns.TypeSRV: 3, dns.TypeTXT: 3, dns.TypeA: 1} {
			want(t, dns.TypeToString[typ], types[typ], count)
		}
	})
	settled(t, "LL-5-12 SRV carries the addresses", func(t *testing.T, o *office, n *node) {
		o.stranger("10.2.1.9").asks("juliet@pronto._presence._tcp.local.", dns.TypeSRV)
		pass(time.Second)
		want(t, "A", len(o.says("pronto", "A 10.2.1.1")), 1)
	})
}

func TestServiceTypes(t *testing.T) {
	inOffice(t, "LL-5-13 the type is listed while an instance is published", func(t *testing.T, o *office) {
		n := o.node("pronto", "10.2.1.1").up()
		defer n.stop()
		s := o.stranger("10.2.1.9")
		ask := func() int {
			o.ClearLog()
			s.asks("_services._dns-sd._udp.local.", dns.TypePTR)
			pass(3 * time.Second)
			return len(o.says("pronto", "PTR _presence._tcp.local."))
		}
		pass(3 * time.Second)
		want(t, "before", ask(), 0)
		a, b := n.publish("juliet@pronto"), n.publish("romeo@pronto")
		pass(5 * time.Second)
		want(t, "with two instances", ask(), 1)
		a.Withdraw()
		b.Withdraw()
		want(t, "after", ask(), 0)
	})
}
