package mdns_test

import (
	"testing"
	"time"

	"github.com/miekg/dns"

	"meshbridge/linklocal/mdns"
)

// gone turns records into goodbyes.
func gone(rrs ...dns.RR) []dns.RR {
	var out []dns.RR
	for _, r := range rrs {
		r = dns.Copy(r)
		r.Header().Ttl = 0
		out = append(out, r)
	}
	return out
}

func TestGoodbyesSent(t *testing.T) {
	inOffice(t, "LL-9-1 LL-9-2 at the end: PTR, SRV, TXT and the host's addresses, all TTL 0", func(t *testing.T, o *office) {
		n := o.node("pronto", "10.2.1.187", "fe80::1").up()
		n.publish("juliet@pronto", "a=1")
		n.publish("romeo@pronto", "a=1")
		pass(10 * time.Second)
		o.ClearLog()
		n.stop()
		types := map[uint16]int{}
		for _, f := range o.responses("pronto") {
			for _, rr := range f.Answer {
				want(t, "TTL", rr.Header().Ttl, 0)
				if f.Dst.Addr().Is4() {
					types[rr.Header().Rrtype]++
				}
			}
		}
		for typ, count := range map[uint16]int{dns.TypePTR: 2, dns.TypeSRV: 2, dns.TypeTXT: 2, dns.TypeA: 1, dns.TypeAAAA: 1} {
			want(t, dns.TypeToString[typ], types[typ], count)
		}
	})
	inOffice(t, "LL-9-2 beside another responder with the same host: no address goodbye", func(t *testing.T, o *office) {
		h := o.Host("pronto", "10.2.1.187")
		n := o.engine(h, mdns.Config{Host: "pronto"}).up()
		n.publish("juliet@pronto", "a=1")
		pass(5 * time.Second)
		o.stranger("10.2.1.187").says(flush(t, "pronto.local. 120 IN A 10.2.1.187"))
		pass(5 * time.Second)
		want(t, "host", n.HostName(), "pronto")
		o.ClearLog()
		n.stop()
		want(t, "PTR goodbyes", len(o.says("pronto", "0 IN PTR")), 1)
		want(t, "A goodbyes", len(o.says("pronto", " A ")), 0)
	})
}

func TestWithdrawing(t *testing.T) {
	inOffice(t, "LL-9-1 withdrawing one says goodbye for that one", func(t *testing.T, o *office) {
		n := o.node("pronto", "10.2.1.187").up()
		defer n.stop()
		p := n.publish("juliet@pronto", "a=1")
		n.publish("romeo@pronto", "a=1")
		peer := o.node("gate", "10.2.1.1").browse().up()
		defer peer.stop()
		pass(10 * time.Second)
		o.ClearLog()
		p.Withdraw()
		p.Withdraw()
		pass(5 * time.Second)
		want(t, "packets", len(o.responses("pronto")), 1)
		want(t, "goodbyes of romeo", len(o.says("pronto", "romeo")), 0)
		want(t, "last event", peer.told()[len(peer.told())-1], "removed juliet@pronto")
		states := n.status()
		want(t, "state", states[len(states)-1], "withdrawn juliet@pronto")
	})
	inOffice(t, "LL-9-1 a former life is retracted, a present one not", func(t *testing.T, o *office) {
		n := o.node("pronto", "10.2.1.187")
		n.Retract(presence, "ghost@pronto")
		n.up()
		defer n.stop()
		n.publish("juliet@pronto")
		pass(10 * time.Second)
		want(t, "goodbyes", len(o.says("pronto", `0 IN PTR ghost\@pronto`)), 1)
		o.ClearLog()
		n.Retract(presence, "Juliet@pronto")
		n.Retract(presence, "ghost2@pronto")
		pass(5 * time.Second)
		want(t, "of the present one", len(o.says("pronto", "juliet")), 0)
		want(t, "of the other", len(o.says("pronto", `0 IN PTR ghost2\@pronto`)), 1)
	})
}

func TestGoodbyesHeard(t *testing.T) {
	const name = `romeo\@forza._presence._tcp.local.`
	met := func(t *testing.T, title string, fn func(t *testing.T, o *office, n *node, s *stranger, rrs []dns.RR)) {
		browsing(t, title, func(t *testing.T, o *office, n *node) {
			s := o.stranger("10.2.1.9")
			rrs := s.peer("romeo@forza", "forza", `"a=1"`)
			s.says(rrs...)
			pass(10 * time.Second)
			fn(t, o, n, s, rrs)
		})
	}
	for what, k := range map[string]int{"PTR": 0, "TXT": 2} {
		met(t, "LL-9-4 LL-9-8 a goodbye for the "+what+" counts after a second", func(t *testing.T, o *office, n *node, s *stranger, rrs []dns.RR) {
			at := time.Now()
			s.says(gone(rrs[k])...)
			pass(900 * time.Millisecond)
			wantAll(t, "before", n.told(), "added romeo@forza")
			pass(10 * time.Second)
			wantAll(t, "after", n.told(), "added romeo@forza", "removed romeo@forza")
			want(t, "removed", n.lastEvent().at.Sub(at), time.Second)
		})
	}
	met(t, "LL-9-4 who announces again within the second never went", func(t *testing.T, o *office, n *node, s *stranger, rrs []dns.RR) {
		s.says(gone(rrs...)...)
		pass(500 * time.Millisecond)
		s.says(rrs...)
		pass(10 * time.Second)
		wantAll(t, "events", n.told(), "added romeo@forza")
	})
	met(t, "LL-9-8 SRV and A may go or expire without a departure", func(t *testing.T, o *office, n *node, s *stranger, rrs []dns.RR) {
		s.says(gone(rrs[1], rrs[3])...)
		pass(30 * time.Minute)
		wantAll(t, "events", n.told(), "added romeo@forza")
	})
	met(t, "LL-9-9 M5 a stranger's goodbye makes us ask, and the peer's answer keeps it", func(t *testing.T, o *office, n *node, s *stranger, rrs []dns.RR) {
		o.ClearLog()
		o.stranger("10.2.1.66").says(gone(rrs...)...)
		want(t, "counted", n.count("LL-9-9") > 0, true)
		pass(200 * time.Millisecond)
		want(t, "asked SRV", len(o.asks("gate", name, dns.TypeSRV)) > 0, true)
		want(t, "asked TXT", len(o.asks("gate", name, dns.TypeTXT)) > 0, true)
		s.says(rrs...)
		pass(time.Minute)
		wantAll(t, "events", n.told(), "added romeo@forza")
	})
	met(t, "LL-9-9 when nobody answers the peer goes after ten seconds", func(t *testing.T, o *office, n *node, s *stranger, rrs []dns.RR) {
		at := time.Now()
		o.stranger("10.2.1.66").says(gone(rrs...)...)
		pass(time.Minute)
		wantAll(t, "events", n.told(), "added romeo@forza", "removed romeo@forza")
		want(t, "removed", n.lastEvent().at.Sub(at), 10*time.Second)
	})
	met(t, "LL-9-9 M5 who repeats a record may not withdraw it, the owner still may", func(t *testing.T, o *office, n *node, s *stranger, rrs []dns.RR) {
		for _, addr := range []string{"10.2.1.61", "10.2.1.62", "10.2.1.63", "10.2.1.64", "10.2.1.65", "10.2.1.66", "10.2.1.67", "10.2.1.68"} {
			o.stranger(addr).says(rrs[0], rrs[1], rrs[2])
		}
		for range 2 { // while the address is cached, and after it expired
			o.stranger("10.2.1.66").says(gone(rrs...)...)
			pass(3 * time.Second)
			s.says(rrs[:3]...)
			pass(5 * time.Minute)
			wantAll(t, "events", n.told(), "added romeo@forza")
		}
		s.says(gone(rrs[0])...)
		pass(time.Second)
		wantAll(t, "after the owner's", n.told(), "added romeo@forza", "removed romeo@forza")
	})
	met(t, "LL-9-9 the other family of the same host may say goodbye", func(t *testing.T, o *office, n *node, s *stranger, rrs []dns.RR) {
		s.says(flush(t, "forza.local. 120 IN A 10.2.1.10"))
		o.stranger("10.2.1.10").says(gone(rrs[0])...)
		pass(5 * time.Second)
		wantAll(t, "events", n.told(), "added romeo@forza", "removed romeo@forza")
	})
}

func TestGoodbyesOfBothFamilies(t *testing.T) {
	dual := func(t *testing.T, title string, fn func(t *testing.T, o *office, n *node)) {
		inOffice(t, title, func(t *testing.T, o *office) {
			n := o.node("gate", "10.2.1.1", "fe80::1").browse().up()
			defer n.stop()
			pass(10 * time.Second)
			fn(t, o, n)
		})
	}
	met := func(t *testing.T, title string, fn func(t *testing.T, o *office, n *node, s *stranger, rrs []dns.RR)) {
		dual(t, title, func(t *testing.T, o *office, n *node) {
			s := o.stranger("10.2.1.9")
			rrs := s.peer("romeo@forza", "forza", `"a=1"`)
			s.says(rrs...)
			pass(10 * time.Second)
			fn(t, o, n, s, rrs)
		})
	}
	met(t, "LL-9-9 announced over IPv4, withdrawn over IPv6", func(t *testing.T, o *office, n *node, s *stranger, rrs []dns.RR) {
		s.says(flush(t, "forza.local. 120 IN AAAA fe80::9"))
		o.stranger("fe80::9").says(gone(rrs[0])...)
		pass(time.Second)
		wantAll(t, "events", n.told(), "added romeo@forza", "removed romeo@forza")
		want(t, "counted", n.count("LL-9-9"), 0)
	})
	met(t, "LL-9-9 withdrawn over both families, the unknown one first, costs no question", func(t *testing.T, o *office, n *node, s *stranger, rrs []dns.RR) {
		pass(5 * time.Minute)
		o.ClearLog()
		o.stranger("fe80::9").says(gone(rrs[0], rrs[2])...)
		s.says(gone(rrs[0], rrs[2])...)
		o.stranger("fe80::9").says(gone(rrs[0], rrs[2])...)
		pass(time.Second)
		wantAll(t, "events", n.told(), "added romeo@forza", "removed romeo@forza")
		want(t, "questions", len(o.queries("gate")), 0)
	})
	dual(t, "LL-9-9 a host that speaks link-local and publishes a global address is believed", func(t *testing.T, o *office, n *node) {
		s := o.stranger("fe80::9")
		rrs := append(s.peer("romeo@forza", "forza", `"a=1"`)[:3], flush(t, "forza.local. 120 IN AAAA fd00::9"))
		s.says(rrs...)
		s.says(gone(rrs...)...)
		pass(time.Second)
		wantAll(t, "events", n.told(), "added romeo@forza", "removed romeo@forza")
	})
}

func TestExpiry(t *testing.T) {
	browsing(t, "LL-5-8 silence: asked at 80, 85, 90 and 95 %, dropped at 100 %", func(t *testing.T, o *office, n *node) {
		s := o.stranger("10.2.1.9")
		rrs := s.peer("romeo@forza", "forza", `"a=1"`)
		for _, r := range rrs {
			r.Header().Ttl = 120
		}
		start := time.Now()
		s.says(rrs...)
		pass(90 * time.Second)
		o.ClearLog()
		pass(time.Minute)
		asked := o.asks("gate", `romeo\@forza._presence._tcp.local.`, dns.TypeTXT)
		want(t, "questions", len(asked), 4)
		for k, at := range asked {
			lo := start.Sub(o.start) + time.Duration(96+6*k)*time.Second
			within(t, "question", at, lo, lo+2400*time.Millisecond)
		}
		wantAll(t, "events", n.told(), "added romeo@forza", "removed romeo@forza")
		want(t, "dropped", n.lastEvent().at.Sub(start), 2*time.Minute)
	})
	browsing(t, "LL-5-8 an answer keeps the peer", func(t *testing.T, o *office, n *node) {
		p := o.node("forza", "10.2.1.9").up()
		p.publish("romeo@forza")
		pass(5 * time.Hour)
		wantAll(t, "events", n.told(), "added romeo@forza")
		p.cancel()
		<-p.ended
		pass(5 * time.Second)
		wantAll(t, "events", n.told(), "added romeo@forza", "removed romeo@forza")
	})
}

func TestAnswersOnTheirWay(t *testing.T) {
	settled(t, "LL-9-1 an answer on its way does not bring back who is withdrawn", func(t *testing.T, o *office, n *node) {
		peer := o.node("gate", "10.2.1.7").browse().up()
		defer peer.stop()
		p := n.publish("romeo@pronto", "a=1")
		pass(10 * time.Second)
		o.ClearLog()
		o.stranger("10.2.1.9").asks(presenceName, dns.TypePTR)
		p.Withdraw()
		pass(time.Minute)
		want(t, "last event", peer.told()[len(peer.told())-1], "removed romeo@pronto")
		want(t, "answers of the other", len(o.says("pronto", "PTR juliet")), 1)
		want(t, "said of the withdrawn, goodbye included", len(o.says("pronto", "PTR romeo")), 1)
	})
	inOffice(t, "LL-5-2 nor does it say what was true before", func(t *testing.T, o *office) {
		n := o.node("pronto", "10.2.1.1").up()
		defer n.stop()
		p := n.publish("juliet@pronto", "a=1")
		pass(10 * time.Second)
		o.ClearLog()
		s := o.stranger("10.2.1.9")
		s.asks(`juliet@pronto._presence._tcp.local.`, dns.TypeTXT)
		pass(100 * time.Millisecond)
		s.asks(`juliet@pronto._presence._tcp.local.`, dns.TypeTXT) // may be answered a second later
		pass(100 * time.Millisecond)
		p.SetTXT([]string{"a=2"})
		pass(time.Minute)
		want(t, "the old one", len(o.says("pronto", `"a=1"`)), 1)
		want(t, "the new one", len(o.says("pronto", `"a=2"`)), 2)
	})
}
