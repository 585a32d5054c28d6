package mdns_test

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// asking is a question by somebody else a moment before ours.
type asking struct {
	name   string
	known  string // instance listed as known
	before time.Duration
	change func(s *stranger, m *dns.Msg)
	spared bool
}

func askings() []asking {
	half := 500 * time.Millisecond
	return []asking{
		{name: "the same question spares us ours", before: half, spared: true},
		{name: "a known answer that we know too spares us ours", known: "romeo@forza", before: half, spared: true},
		{name: "a known answer that is our own spares us ours", known: "juliet@gate", before: half, spared: true},
		{name: "a known answer that is news does not", known: "nurse@forza", before: half},
		{name: "one of a while ago does not", before: 1100 * time.Millisecond},
		{name: "one with more known answers to come does not", before: half, change: func(_ *stranger, m *dns.Msg) { m.Truncated = true }},
		{name: "one that welcomes a unicast answer does not", before: half, change: func(_ *stranger, m *dns.Msg) { m.Question[0].Qclass |= 0x8000 }},
		{name: "one for another type does not", before: half, change: func(_ *stranger, m *dns.Msg) { m.Question[0].Qtype = dns.TypeTXT }},
		{name: "one for all classes does not", before: half, change: func(_ *stranger, m *dns.Msg) { m.Question[0].Qclass = dns.ClassANY }},
		{name: "one from another port does not", before: half, change: func(s *stranger, _ *dns.Msg) { s.addr = netip.AddrPortFrom(s.addr.Addr(), 40000) }},
		{name: "one to us alone does not", before: half, change: func(s *stranger, _ *dns.Msg) { s.to = netip.MustParseAddrPort("10.2.1.1:5353") }},
	}
}

func TestQuestionsOfOthers(t *testing.T) {
	for _, c := range askings() {
		inOffice(t, "LL-5-7 "+c.name, func(t *testing.T, o *office) {
			n := o.node("gate", "10.2.1.1").browse().up()
			defer n.stop()
			n.publish("juliet@gate")
			pass(10 * time.Second)
			s := o.stranger("10.2.1.9")
			s.says(s.peer("romeo@forza", "forza", `"a=1"`)...)
			asked := o.asks("gate", presenceName, dns.TypePTR)
			next := asked[len(asked)-1] + 2*(asked[len(asked)-1]-asked[len(asked)-2])
			pass(next - c.before - time.Since(o.start))
			m := &dns.Msg{Question: []dns.Question{{Name: presenceName, Qtype: dns.TypePTR, Qclass: dns.ClassINET}}}
			if c.known != "" {
				m.Answer = []dns.RR{rr(t, presenceName+" 4500 IN PTR "+c.known+"."+presenceName)}
			}
			if c.change != nil {
				c.change(s, m)
			}
			s.send(m)
			o.ClearLog()
			pass(c.before + 10*time.Second)
			want(t, "asked all the same", len(o.asks("gate", presenceName, dns.TypePTR)), map[bool]int{true: 0, false: 1}[c.spared])
			o.ClearLog()
			pass(20 * time.Second)
			wantAll(t, "the next question is where it would be", o.asks("gate", presenceName, dns.TypePTR), next+16*time.Second)
		})
	}
	inOffice(t, "LL-5-7 a question of the other family, or one that a message waits for, is asked", func(t *testing.T, o *office) {
		n := o.node("gate", "10.2.1.1", "fe80::1").browse().up()
		defer n.stop()
		pass(10 * time.Second)
		next := o.asks("gate", presenceName, dns.TypePTR)[6] + 8*time.Second
		pass(next - 500*time.Millisecond - time.Since(o.start))
		o.ClearLog()
		o.stranger("10.2.1.9").asks(presenceName, dns.TypePTR)
		o.stranger("10.2.1.9").asks(`romeo@forza._presence._tcp.local.`, dns.TypeSRV)
		ctx, cancel := context.WithTimeout(context.Background(), 1500*time.Millisecond)
		defer cancel()
		_, _ = n.Resolve(ctx, presence, "romeo@forza", 1, false)
		for _, f := range o.queries("gate") {
			if f.Question[0].Qtype == dns.TypePTR {
				want(t, "asked on", f.Dst.String(), "[ff02::fb]:5353")
			}
		}
		want(t, "browsing", len(o.asks("gate", presenceName, dns.TypePTR)), 1)
		want(t, "resolving, on both", len(o.asks("gate", `romeo\@forza._presence._tcp.local.`, dns.TypeSRV)), 4)
	})
}

func TestKnownAnswersToCome(t *testing.T) {
	settled(t, "LL-5-6 every truncated packet of known answers buys another 400 to 500 ms, three seconds at most", func(t *testing.T, o *office, n *node) {
		s := o.stranger("10.2.1.9")
		known := rr(t, "_presence._tcp.local. 4000 IN PTR romeo@forza._presence._tcp.local.")
		for _, packets := range []int{3, 100} {
			o.ClearLog()
			asked := time.Since(o.start)
			s.send(&dns.Msg{MsgHdr: dns.MsgHdr{Truncated: true}, Question: []dns.Question{{Name: presenceName, Qtype: dns.TypePTR, Qclass: dns.ClassINET}}})
			for range packets {
				pass(300 * time.Millisecond)
				s.send(&dns.Msg{MsgHdr: dns.MsgHdr{Truncated: true}, Answer: []dns.RR{known}})
			}
			pass(10 * time.Second)
			said := o.says("pronto", " PTR ")
			want(t, "answers", len(said), 1)
			last := min(time.Duration(packets)*300*time.Millisecond+400*time.Millisecond, 3*time.Second)
			within(t, "answered", said[0]-asked, last, min(last+100*time.Millisecond, 3*time.Second))
		}
	})
	settled(t, "LL-5-7 our answer may be in the last of many packets", func(t *testing.T, o *office, n *node) {
		s := o.stranger("10.2.1.9")
		s.send(&dns.Msg{MsgHdr: dns.MsgHdr{Truncated: true}, Question: []dns.Question{{Name: presenceName, Qtype: dns.TypePTR, Qclass: dns.ClassINET}}})
		for k := range 5 {
			pass(250 * time.Millisecond)
			s.send(&dns.Msg{MsgHdr: dns.MsgHdr{Truncated: k < 4}, Answer: []dns.RR{rr(t, fmt.Sprintf("_presence._tcp.local. 4000 IN PTR p%d@forza._presence._tcp.local.", k)),
				rr(t, fmt.Sprintf("_presence._tcp.local. 4000 IN PTR %s._presence._tcp.local.", []string{"a", "b", "c", "d", "juliet@pronto"}[k]))}})
		}
		pass(10 * time.Second)
		want(t, "answers", len(o.says("pronto", " PTR ")), 0)
	})
	browsing(t, "LL-3-24 LL-5-7 a known answer never has the flush bit", func(t *testing.T, o *office, n *node) {
		s := o.stranger("10.2.1.9")
		rrs := s.peer("romeo@forza", "forza", `"a=1"`)
		rrs[0].Header().Class |= 0x8000 // as nobody should
		s.says(rrs...)
		o.ClearLog()
		pass(10 * time.Second)
		want(t, "class", o.queries("gate")[0].Answer[0].Header().Class, dns.ClassINET)
	})
}

func TestAskedAlone(t *testing.T) {
	settled(t, "LL-5-11 who asks us alone is answered alone, while the record is fresh", func(t *testing.T, o *office, n *node) {
		s := o.stranger("10.2.1.9")
		s.to = netip.MustParseAddrPort("10.2.1.1:5353")
		s.asks("juliet@pronto._presence._tcp.local.", dns.TypeSRV)
		pass(time.Second)
		got := o.responses("pronto")
		want(t, "packets", len(got), 1)
		want(t, "to", got[0].Dst.String(), "10.2.1.9:5353")
		want(t, "TTL", got[0].Answer[0].Header().Ttl, 120)
		pass(31 * time.Second)
		o.ClearLog()
		s.asks("juliet@pronto._presence._tcp.local.", dns.TypeSRV)
		pass(time.Second)
		want(t, "multicasts when it was not heard for long", len(o.says("pronto", " SRV ")), 1)
	})
}

func TestQuestionsPaced(t *testing.T) {
	browsing(t, "LL-4-5 LL-5-14 six hundred bare peers at once: questions of one frame each, 10 ms apart, and a second before the next of a kind", func(t *testing.T, o *office, n *node) {
		o.ClearLog()
		for k := range 300 {
			o.stranger("10.2.1.8").says(rr(t, fmt.Sprintf("_presence._tcp.local. 4500 IN PTR p%d@forza._presence._tcp.local.", k)))
			o.stranger("10.2.1.9").says(rr(t, fmt.Sprintf(`_presence._tcp.local. 4500 IN PTR p%d\.of\.a\.longer\.name@forza._presence._tcp.local.`, k)))
		}
		pass(700 * time.Millisecond)
		for k := range 300 { // these need not be asked again, the others keep their second
			o.stranger("10.2.1.8").says(flush(t, fmt.Sprintf(`p%d@forza._presence._tcp.local. 4500 IN TXT "a=1"`, k)))
		}
		pass(time.Minute)
		asked := map[string][]time.Duration{}
		last := -time.Second
		for _, f := range o.queries("gate") {
			within(t, "octets", time.Duration(len(f.Data)), 0, 1440)
			for _, q := range f.Question {
				if q.Qtype == dns.TypeTXT {
					asked[q.Name] = append(asked[q.Name], f.after)
				}
			}
			if f.Question != nil && f.Question[0].Qtype == dns.TypeTXT {
				within(t, "gap of packets", f.after-last, 10*time.Millisecond, time.Hour)
				last = f.after
			}
		}
		want(t, "peers asked for", len(asked), 600)
		want(t, "and asked for once", len(slices.DeleteFunc(slices.Collect(maps.Values(asked)), func(at []time.Duration) bool { return len(at) > 1 })), 300)
		for name, at := range asked {
			if len(at) == 1 {
				continue
			}
			want(t, "questions for "+name, len(at), 3)
			within(t, "first gap", at[1]-at[0], time.Second, 1100*time.Millisecond)
			within(t, "second gap", at[2]-at[1], 2*time.Second, 2100*time.Millisecond)
		}
	})
}

func TestRefreshPaced(t *testing.T) {
	browsing(t, "LL-5-8 LL-5-14 peers that came in one packet are asked for in several, 10 ms apart", func(t *testing.T, o *office, n *node) {
		s := o.stranger("10.2.1.9")
		var rrs []dns.RR
		for k := range 60 {
			rrs = append(rrs, s.peer(fmt.Sprintf(`p%d\.of\.a\.somewhat\.longer\.name@forza`, k), "forza", `"a=1"`)[:3:3]...)
		}
		s.says(rrs...)
		want(t, "peers", len(n.told()), 60)
		pass(59 * time.Minute)
		o.ClearLog()
		pass(3 * time.Minute) // 80 % of 75 minutes
		packets := o.queries("gate")
		want(t, "several packets", len(packets) > 1, true)
		for k, f := range packets[1:] {
			within(t, "gap", f.after-packets[k].after, 10*time.Millisecond, time.Minute)
			within(t, "octets", time.Duration(len(f.Data)), 0, 1440)
		}
		asked := 0
		for _, f := range packets {
			asked += len(f.Question)
		}
		want(t, "questions", asked, 61) // each TXT, and their common PTR
	})
}
