package mdns_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"

	"meshbridge/linklocal/mdns"
	"meshbridge/linklocal/mdns/mdnstest"
)

const (
	ghost   = "romeo@forza"
	closely = 40 * time.Second
	seldom  = 110 * time.Second
)

// watching is an office in which gate browses and somebody is there who may become a ghost.
func watching(t *testing.T, name string, fn func(t *testing.T, o *office, gate, forza *node)) {
	t.Helper()
	inOffice(t, name, func(t *testing.T, o *office) {
		gate := o.node("gate", "10.2.1.1").browse().up()
		defer gate.stop()
		forza := o.node("forza", "10.2.1.9").up()
		defer forza.stop()
		forza.publish(ghost, "a=1")
		pass(10 * time.Second)
		wantAll(t, "at first", gate.told(), "added "+ghost)
		o.ClearLog()
		fn(t, o, gate, forza)
	})
}

// vanish takes a machine from the network without a word.
func (n *node) vanish() time.Time {
	n.host.Detach("eth0")
	return time.Now()
}

// alone lists when a host asked another alone.
func (o *office) alone(host string) (at []time.Duration) {
	for _, f := range o.queries(host) {
		if !f.Multicast() {
			at = append(at, f.after)
		}
	}
	return at
}

func TestDoubt(t *testing.T) {
	doubt := func(gate *node) { gate.Doubt(presence, ghost, gate.Interfaces()[0].Index, "test") }
	watching(t, "LL-9-6 who answers stays, after one question", func(t *testing.T, o *office, gate, forza *node) {
		doubt(gate)
		pass(time.Minute)
		wantAll(t, "events", gate.told(), "added "+ghost)
		want(t, "TXT questions", len(o.asks("gate", romeo, dns.TypeTXT)), 1)
		want(t, "counted", gate.Checks(), mdns.Checks{Doubts: 1})
	})
	watching(t, "LL-9-6 who answers the last of three questions stays", func(t *testing.T, o *office, gate, forza *node) {
		asked := 0
		o.SetHooks(mdnstest.Hooks{Lose: func(s mdnstest.Sent) bool {
			m := new(dns.Msg)
			if s.Host == "gate" && m.Unpack(s.Data) == nil && len(m.Question) > 0 && m.Question[0].Qtype == dns.TypeTXT {
				asked++
				return asked < 3
			}
			return false
		}})
		doubt(gate)
		pass(time.Minute)
		wantAll(t, "events", gate.told(), "added "+ghost)
		want(t, "questions", asked, 3)
	})
	watching(t, "LL-9-6 no answer to three questions in seven seconds: gone, and it says why", func(t *testing.T, o *office, gate, forza *node) {
		at := forza.vanish()
		doubt(gate)
		pass(time.Second)
		list, err := gate.Instances(t.Context(), presence)
		if err != nil || len(list) != 1 || list[0].Doubt != (mdns.Doubt{Why: "test", Since: at, Until: at.Add(7 * time.Second)}) {
			t.Errorf("in doubt: %+v, %v", list, err)
		}
		pass(time.Minute)
		wantAll(t, "events", gate.told(), "added "+ghost, "removed "+ghost)
		want(t, "why", gate.lastEvent().Why, "test")
		want(t, "gone after", gate.lastEvent().at.Sub(at), 7*time.Second)
		asked := o.asks("gate", romeo, dns.TypeTXT)
		want(t, "questions before that, and of those who look for it later", len(asked), 3+2)
		within(t, "gap", asked[1]-asked[0], time.Second, time.Second)
		within(t, "gap", asked[2]-asked[1], 2*time.Second, 2*time.Second)
		want(t, "counted", gate.Checks(), mdns.Checks{Doubts: 1, Vanished: 1})
	})
	watching(t, "back without a word: found within ten seconds, later within ten minutes, and sought for as long as its PTR record lives", func(t *testing.T, o *office, gate, forza *node) {
		lost := func(yes bool) {
			o.SetHooks(mdnstest.Hooks{Lose: func(s mdnstest.Sent) bool { return yes && s.Host == "forza" }})
		}
		lost(true)
		doubt(gate)
		pass(10 * time.Second)
		wantAll(t, "events", gate.told(), "added "+ghost, "removed "+ghost)
		lost(false)
		pass(10 * time.Second)
		wantAll(t, "events", gate.told(), "added "+ghost, "removed "+ghost, "added "+ghost)
		want(t, "why", gate.lastEvent().Why, "")
		lost(true)
		doubt(gate)
		pass(30 * time.Minute)
		want(t, "sought", len(o.asks("gate", romeo, dns.TypeTXT)) < 20, true)
		lost(false)
		pass(10 * time.Minute)
		wantAll(t, "events", gate.told()[3:], "removed "+ghost, "added "+ghost)
		forza.vanish()
		doubt(gate)
		pass(2 * time.Hour)
		o.ClearLog()
		pass(2 * time.Hour)
		want(t, "sought after two hours", len(o.asks("gate", romeo, dns.TypeTXT)), 0)
	})
	browsing(t, "one without TXT is found again, too", func(t *testing.T, o *office, n *node) {
		s := o.stranger("10.2.1.9")
		s.says(s.peer(ghost, "forza", `"a=1"`)[:2]...)
		pass(20 * time.Second)
		doubt(n)
		pass(20 * time.Second)
		wantAll(t, "events", n.told(), "added "+ghost, "removed "+ghost)
		s.says(s.peer(ghost, "forza", `"a=1"`)[:2]...)
		pass(20 * time.Second)
		wantAll(t, "events", n.told(), "added "+ghost, "removed "+ghost, "added "+ghost)
	})
	watching(t, "LL-9-6 doubted again and again, asked every three seconds", func(t *testing.T, o *office, gate, forza *node) {
		for range 300 {
			doubt(gate)
			pass(100 * time.Millisecond)
		}
		if n := len(o.asks("gate", romeo, dns.TypeTXT)); n < 9 || n > 11 {
			t.Errorf("%d questions in 30 s", n)
		}
		wantAll(t, "events", gate.told(), "added "+ghost)
	})
	watching(t, "LL-9-6 what left meanwhile, and who was never there, are no matter", func(t *testing.T, o *office, gate, forza *node) {
		gate.Doubt(presence, "nobody@forza", gate.Interfaces()[0].Index, "test")
		gate.Doubt(presence, ghost, 77, "test")
		forza.host.Detach("eth0")
		doubt(gate)
		o.stranger("10.2.1.9").says(gone(rr(t, presenceName+" 4500 IN PTR "+romeo))...)
		pass(time.Minute)
		wantAll(t, "events", gate.told(), "added "+ghost, "removed "+ghost)
		want(t, "why", gate.lastEvent().Why, "")
		want(t, "counted", gate.Checks(), mdns.Checks{Doubts: 1})
	})
}

func TestAttend(t *testing.T) {
	for _, tt := range []struct {
		silence, most time.Duration
	}{{closely, 49 * time.Second}, {seldom, 119 * time.Second}} {
		watching(t, fmt.Sprintf("who vanishes is gone %v after the last word at the latest", tt.most), func(t *testing.T, o *office, gate, forza *node) {
			gate.Attend(presence, ghost, tt.silence)
			pass(10 * time.Minute)
			wantAll(t, "while there", gate.told(), "added "+ghost)
			at := forza.vanish()
			pass(10 * time.Minute)
			wantAll(t, "events", gate.told(), "added "+ghost, "removed "+ghost)
			within(t, "gone after", gate.lastEvent().at.Sub(at), 7*time.Second, tt.most)
			want(t, "why", gate.lastEvent().Why, "it did not answer when asked")
		})
	}
	watching(t, "a question to the machine alone, when nothing was heard for so long, and for no more than the TXT record", func(t *testing.T, o *office, gate, forza *node) {
		gate.Attend(presence, ghost, closely)
		pass(10 * time.Minute)
		asked := o.alone("gate")
		within(t, "questions", time.Duration(len(asked)), 14, 15)
		for k := 1; k < len(asked); k++ {
			within(t, "gap", asked[k]-asked[k-1], closely, closely+time.Second)
		}
		for _, f := range o.queries("gate") {
			if f.Multicast() {
				want(t, "asked everybody", f.Question[0].Qtype, dns.TypePTR)
				continue
			}
			want(t, "questions in it", len(f.Question), 1)
			want(t, "name", f.Question[0].Name, romeo)
			want(t, "type", f.Question[0].Qtype, dns.TypeTXT)
			want(t, "QU", f.Question[0].Qclass, 0x8001)
			want(t, "to", f.Dst.String(), "10.2.1.9:5353")
		}
		want(t, "counted", gate.Checks(), mdns.Checks{Liveness: uint64(len(asked))})
	})
	watching(t, "LL-4-4 who is not attended to, or not any more, is not asked", func(t *testing.T, o *office, gate, forza *node) {
		pass(10 * time.Minute)
		want(t, "before", len(o.alone("gate")), 0)
		gate.Attend(presence, ghost, closely)
		pass(time.Minute)
		gate.Attend(presence, ghost, 0)
		n := len(o.alone("gate"))
		want(t, "attended to", n > 0, true)
		pass(10 * time.Minute)
		want(t, "after", len(o.alone("gate")), n)
	})
	watching(t, "who is heard of anyway is not asked", func(t *testing.T, o *office, gate, forza *node) {
		gate.Attend(presence, ghost, closely)
		s := o.stranger("10.2.1.9")
		for range 20 {
			s.says(s.peer(ghost, "forza", `"a=1"`)...)
			pass(30 * time.Second)
		}
		want(t, "questions", len(o.alone("gate")), 0)
	})
	watching(t, "attended to before it came", func(t *testing.T, o *office, gate, forza *node) {
		gate.Attend(presence, "tybalt@capo", closely)
		capo := o.node("capo", "10.2.1.10").up()
		defer capo.stop()
		capo.publish("tybalt@capo", "a=1")
		pass(time.Minute)
		capo.vanish()
		pass(time.Minute)
		wantAll(t, "events", gate.told(), "added "+ghost, "added tybalt@capo", "removed tybalt@capo")
	})
	watching(t, "LL-11.3-2 whose unicast answers never arrive is asked in everybody's hearing, and stays", func(t *testing.T, o *office, gate, forza *node) {
		unicasts := 0
		o.SetHooks(mdnstest.Hooks{Lose: func(s mdnstest.Sent) bool {
			if !s.Multicast() {
				unicasts++
			}
			return !s.Multicast()
		}})
		gate.Attend(presence, ghost, closely)
		pass(10 * time.Minute)
		wantAll(t, "events", gate.told(), "added "+ghost)
		want(t, "asked alone", unicasts, 2)
		asked := len(o.asks("gate", romeo, dns.TypeTXT)) - unicasts
		within(t, "asked aloud", time.Duration(asked), 13, 15)
		at := forza.vanish()
		pass(time.Minute)
		wantAll(t, "events", gate.told(), "added "+ghost, "removed "+ghost)
		within(t, "gone after", gate.lastEvent().at.Sub(at), 7*time.Second, 49*time.Second)
	})
	watching(t, "it may answer alone again, and is asked alone from then on", func(t *testing.T, o *office, gate, forza *node) {
		gate.Attend(presence, ghost, closely)
		o.SetHooks(mdnstest.Hooks{Lose: func(s mdnstest.Sent) bool { return !s.Multicast() }})
		pass(5 * time.Minute)
		o.SetHooks(mdnstest.Hooks{})
		pass(20 * time.Minute)
		o.ClearLog()
		pass(10 * time.Minute)
		within(t, "asked alone", time.Duration(len(o.alone("gate"))), 14, 15)
		want(t, "asked aloud", len(o.asks("gate", romeo, dns.TypeTXT)), len(o.alone("gate")))
	})
	browsing(t, "LL-11.3-1 nothing is sent beyond the link, nor to ourselves", func(t *testing.T, o *office, n *node) {
		for k, src := range []string{"192.0.2.9", "10.2.1.1"} {
			s := o.stranger(src)
			s.says(s.peer(fmt.Sprintf("p%d@forza", k), "forza", `"a=1"`)...)
			n.Attend(presence, fmt.Sprintf("p%d@forza", k), closely)
		}
		pass(45 * time.Second)
		want(t, "asked alone", len(o.alone("gate")), 0)
		want(t, "asked aloud", len(o.asks("gate", `p0\@forza._presence._tcp.local.`, dns.TypeTXT)) > 0, true)
	})
	browsing(t, "an instance without TXT is asked for its SRV record", func(t *testing.T, o *office, n *node) {
		s := o.stranger("10.2.1.9")
		s.says(s.peer(ghost, "forza", `"a=1"`)[:2]...)
		n.Attend(presence, ghost, closely)
		pass(10 * time.Second)
		o.ClearLog()
		pass(32 * time.Second)
		qs := slices.DeleteFunc(o.queries("gate"), func(f frame) bool { return f.Multicast() })
		want(t, "questions", len(qs), 1)
		want(t, "type", qs[0].Question[0].Qtype, dns.TypeSRV)
	})
}

func TestAttendToMany(t *testing.T) {
	browsing(t, "ten liveness questions a second at most, and who is watched does not wait for the others", func(t *testing.T, o *office, n *node) {
		const many, watched = 500, 100
		forza := o.node("forza", "10.2.1.9").up()
		defer forza.stop()
		for k := range many {
			name, silence := fmt.Sprintf("p%d@forza", k), seldom
			if k < watched {
				silence = closely
			}
			forza.publish(name, "a=1")
			n.Attend(presence, name, silence)
		}
		pass(10 * time.Minute)
		o.ClearLog()
		pass(10 * time.Minute)
		var last [10]time.Duration
		latest, asked := map[string]time.Duration{}, 0
		for _, f := range o.queries("gate") {
			if f.Multicast() {
				continue
			}
			within(t, "since the tenth question before", f.after-last[asked%10], 990*time.Millisecond, time.Hour)
			last[asked%10] = f.after
			name := f.Question[0].Name
			if before, again := latest[name]; again && asked < watched {
				within(t, "gap of "+name, f.after-before, closely, 50*time.Second)
			}
			latest[name] = f.after
			asked++
		}
		within(t, "questions", time.Duration(asked), 100*600/50+2*500, 100*600/40+2*600)
		want(t, "asked after", len(latest), many)
		want(t, "doubts", n.Checks().Doubts, 0)
		want(t, "events", len(n.told()), many)
	})
}

func TestEverybodyVanishes(t *testing.T) {
	crowd := func(o *office, n *node, many int) {
		s := o.stranger("10.2.1.9")
		for k := range many {
			name := fmt.Sprintf("p%d@forza", k)
			s.says(s.peer(name, "forza", `"a=1"`)[:3]...)
			n.Attend(presence, name, closely)
		}
		o.ClearLog()
	}
	// spread fails when more than so many TXT questions were multicast in any second.
	spread := func(t *testing.T, o *office, most int) {
		t.Helper()
		var at []time.Duration
		for _, f := range o.queries("gate") {
			for _, q := range f.Question {
				if q.Qtype == dns.TypeTXT && f.Multicast() {
					at = append(at, f.after)
				}
			}
		}
		for k := most; k < len(at); k++ {
			if at[k]-at[k-most] < time.Second {
				t.Fatalf("%d questions within %v", most+1, at[k]-at[k-most])
			}
		}
		want(t, "any question", len(at) > 0, true)
	}
	browsing(t, "LL-9-6 by and by all of five hundred are found to have gone", func(t *testing.T, o *office, n *node) {
		crowd(o, n, 500)
		pass(3 * time.Minute)
		want(t, "vanished", n.Checks().Vanished, 500)
		spread(t, o, 3*7+5+3)
	})
	browsing(t, "those who went at one time are sought a few at a time", func(t *testing.T, o *office, n *node) {
		crowd(o, n, 500)
		for k := range 500 {
			n.Doubt(presence, fmt.Sprintf("p%d@forza", k), n.Interfaces()[0].Index, "test")
		}
		pass(9 * time.Second)
		want(t, "vanished", n.Checks().Vanished, 500)
		o.ClearLog()
		pass(time.Hour)
		spread(t, o, 5)
	})
}

func TestOverheard(t *testing.T) {
	met := func(t *testing.T, title string, fn func(t *testing.T, o *office, n *node, s *stranger, rrs []dns.RR)) {
		browsing(t, title, func(t *testing.T, o *office, n *node) {
			s := o.stranger("10.2.1.9")
			rrs := s.peer(ghost, "forza", `"a=1"`)
			s.says(rrs...)
			n.Attend(presence, ghost, seldom)
			pass(10 * time.Second)
			o.ClearLog()
			fn(t, o, n, s, rrs)
		})
	}
	for _, typ := range []uint16{dns.TypeSRV, dns.TypeTXT, dns.TypeA, dns.TypePTR} {
		asked := map[uint16]string{dns.TypeA: "forza.local.", dns.TypePTR: presenceName}[typ]
		if asked == "" {
			asked = romeo
		}
		met(t, "LL-9-7 asked for "+dns.TypeToString[typ]+" twice in vain: gone within 12 s", func(t *testing.T, o *office, n *node, s *stranger, rrs []dns.RR) {
			at, asker := time.Now(), o.stranger("10.2.1.20")
			asker.asks(asked, typ)
			pass(time.Second)
			asker.asks(asked, typ)
			pass(10500 * time.Millisecond)
			wantAll(t, "events", n.told(), "added "+ghost, "removed "+ghost)
			within(t, "gone after", n.lastEvent().at.Sub(at), 8*time.Second, 11*time.Second)
			want(t, "questions of ours", len(o.asks("gate", romeo, dns.TypeTXT)), 3)
		})
	}
	for title, ask := range map[string]func(o *office, s *stranger, rrs []dns.RR){
		"once":          func(o *office, s *stranger, _ []dns.RR) { o.stranger("10.2.1.20").asks(romeo, dns.TypeSRV) },
		"from off-link": twice(func(o *office, _ []dns.RR) { o.stranger("192.0.2.20").asks(romeo, dns.TypeSRV) }),
		"by a one-shot": twice(func(o *office, _ []dns.RR) { o.oneShot("10.2.1.20").asks(romeo, dns.TypeSRV) }),
		"knowing it":    twice(func(o *office, rrs []dns.RR) { o.stranger("10.2.1.20").asks(presenceName, dns.TypePTR, rrs[0]) }),
		"for somebody":  twice(func(o *office, _ []dns.RR) { o.stranger("10.2.1.20").asks(`x\@y._presence._tcp.local.`, dns.TypeSRV) }),
		"for a unicast": twice(func(o *office, _ []dns.RR) { o.stranger("10.2.1.20").asksAlone(romeo, dns.TypeSRV) }),
		"and answered late": func(o *office, s *stranger, rrs []dns.RR) {
			twice(func(o *office, _ []dns.RR) { o.stranger("10.2.1.20").asks(romeo, dns.TypeSRV) })(o, s, rrs)
			s.says(rrs[1])
		},
		"eleven seconds apart": func(o *office, s *stranger, rrs []dns.RR) {
			o.stranger("10.2.1.20").asks(romeo, dns.TypeSRV)
			pass(11 * time.Second)
			o.stranger("10.2.1.20").asks(romeo, dns.TypeSRV)
		},
	} {
		met(t, "LL-9-7 a question "+title+" is no reason", func(t *testing.T, o *office, n *node, s *stranger, rrs []dns.RR) {
			ask(o, s, rrs)
			pass(30 * time.Second)
			want(t, "doubts", n.Checks().Doubts, 0)
		})
	}
	watching(t, "LL-9-7 who is there answers", func(t *testing.T, o *office, gate, forza *node) {
		gate.Attend(presence, ghost, seldom)
		for range 20 {
			o.stranger("10.2.1.20").asks(romeo, dns.TypeSRV)
			pass(3 * time.Second)
		}
		wantAll(t, "events", gate.told(), "added "+ghost)
		want(t, "doubts", gate.Checks().Doubts, 0)
	})
	browsing(t, "LL-9-7 a stranger who asks for everybody makes us ask for few, four a second", func(t *testing.T, o *office, n *node) {
		s := o.stranger("10.2.1.9")
		for k := range 500 {
			name := fmt.Sprintf("p%d@forza", k)
			s.says(s.peer(name, "forza", `"a=1"`)[:3]...)
			n.Attend(presence, name, seldom)
		}
		o.ClearLog()
		asker := o.stranger("10.2.1.66")
		for range 30 {
			for k := range 100 {
				asker.asks(fmt.Sprintf(`p%d\@forza._presence._tcp.local.`, k), dns.TypeTXT)
			}
			pass(time.Second)
		}
		if got := n.Checks().Doubts; got == 0 || got > 32+4*30 {
			t.Errorf("%d doubts in 30 s", got)
		}
	})
}

// twice asks something twice, a second apart.
func twice(ask func(*office, []dns.RR)) func(*office, *stranger, []dns.RR) {
	return func(o *office, _ *stranger, rrs []dns.RR) {
		ask(o, rrs)
		pass(time.Second)
		ask(o, rrs)
	}
}

func TestSpoofedGoodbyes(t *testing.T) {
	watching(t, "LL-9-9 INJ-24 a spoofed goodbye every second for a minute: the peer stays, and it costs few questions", func(t *testing.T, o *office, gate, forza *node) {
		s := o.stranger("10.2.1.9")
		for range 60 {
			o.stranger("10.2.1.66").says(gone(s.peer(ghost, "forza", `"a=1"`)...)...)
			pass(time.Second)
		}
		pass(time.Minute)
		wantAll(t, "events", gate.told(), "added "+ghost)
		want(t, "counted", gate.count("LL-9-9") > 60, true)
		if n := len(o.asks("gate", romeo, dns.TypeTXT)); n > 21 {
			t.Errorf("%d questions", n)
		}
	})
	browsing(t, "LL-9-9 goodbyes for five hundred make us ask for a few", func(t *testing.T, o *office, n *node) {
		s := o.stranger("10.2.1.9")
		var all []dns.RR
		for k := range 500 {
			rrs := s.peer(fmt.Sprintf("p%d@forza", k), "forza", `"a=1"`)[:3]
			s.says(rrs...)
			all = append(all, rrs[2])
		}
		o.ClearLog()
		for _, r := range gone(all...) {
			o.stranger("10.2.1.66").says(r)
		}
		want(t, "doubts", n.Checks().Doubts, 32)
	})
}
