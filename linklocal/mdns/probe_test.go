package mdns_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"meshbridge/linklocal/mdns"
)

func TestProbing(t *testing.T) {
	inOffice(t, "LL-3-14 LL-3-23 LL-3-24 LL-11.3-4 three probes, then two announcements", func(t *testing.T, o *office) {
		n := o.node("pronto", "10.2.1.187").up()
		defer n.stop()
		n.publish("juliet@pronto", "txtvers=1")
		pass(5 * time.Second)
		probes := o.queries("pronto")
		want(t, "probes", len(probes), 3)
		within(t, "jitter", probes[0].after, 0, 250*time.Millisecond)
		for k, p := range probes {
			want(t, "probe time", p.after-probes[0].after, time.Duration(k)*250*time.Millisecond)
			want(t, "names probed together", len(p.Question), 2)
			want(t, "question type", p.Question[0].Qtype, dns.TypeANY)
			want(t, "proposed records", len(p.Ns), 3)
			for _, rr := range p.Ns {
				want(t, "class of a proposed record", rr.Header().Class, dns.ClassINET)
			}
		}
		said := o.responses("pronto")
		want(t, "announcements", len(said), 2)
		want(t, "first announcement", said[0].after-probes[2].after, 250*time.Millisecond)
		for _, f := range said {
			checkAnnouncement(t, f)
		}
		wantAll(t, "states", n.status(), "probing juliet@pronto", "announced juliet@pronto")
	})
	inOffice(t, "LL-5-4 announcements a second apart, then silence", func(t *testing.T, o *office) {
		n := o.node("pronto", "10.2.1.187").up()
		n.publish("juliet@pronto")
		pass(10 * time.Minute)
		said := o.says("pronto", " PTR ")
		want(t, "announcements in ten minutes", len(said), 2)
		want(t, "gap", said[1]-said[0], time.Second)
		n.stop()
	})
}

// checkAnnouncement looks at one whole announcement of juliet@pronto.
func checkAnnouncement(t *testing.T, f frame) {
	t.Helper()
	want(t, "id", f.Id, 0)
	want(t, "AA", f.Authoritative, true)
	want(t, "questions", len(f.Question), 0)
	wantedTTL := map[uint16]uint32{dns.TypePTR: 4500, dns.TypeTXT: 4500, dns.TypeSRV: 120, dns.TypeA: 120}
	for _, rr := range f.Answer {
		h := rr.Header()
		want(t, "TTL of "+dns.TypeToString[h.Rrtype], h.Ttl, wantedTTL[h.Rrtype])
		want(t, "flush bit of "+dns.TypeToString[h.Rrtype], h.Class&0x8000 != 0, h.Rrtype != dns.TypePTR)
		delete(wantedTTL, h.Rrtype)
	}
	want(t, "types missing", len(wantedTTL), 0)
}

func TestFourRecords(t *testing.T) {
	instance := `juliet\@pronto._presence._tcp.local.`
	for _, c := range []struct {
		name string
		typ  uint16
		want string
	}{
		{"_presence._tcp.local.", dns.TypePTR, "_presence._tcp.local. 4500 IN PTR " + instance},
		{instance, dns.TypeSRV, instance + " 120 CLASS32769 SRV 0 0 5562 pronto.local."},
		{instance, dns.TypeTXT, instance + ` 4500 CLASS32769 TXT "txtvers=1"`},
		{"pronto.local.", dns.TypeA, "pronto.local. 120 CLASS32769 A 10.2.1.187"},
		{"PRONTO.local.", dns.TypeAAAA, "pronto.local. 120 CLASS32769 AAAA fe80::1"},
		{strings.ToUpper(instance), dns.TypeSRV, instance + " 120 CLASS32769 SRV 0 0 5562 pronto.local."},
	} {
		inOffice(t, "LL-3-1 LL-3-2 LL-3-3 LL-3-22 "+c.name+" "+dns.TypeToString[c.typ], func(t *testing.T, o *office) {
			n := o.node("pronto", "10.2.1.187", "fe80::1").up()
			defer n.stop()
			n.publish("juliet@pronto", "txtvers=1")
			pass(5 * time.Second)
			o.ClearLog()
			o.stranger("10.2.1.9").asks(c.name, c.typ)
			pass(time.Second)
			got := o.responses("pronto")
			if len(got) != 1 || len(got[0].Answer) != 1 {
				t.Fatalf("got %d packets %v", len(got), got)
			}
			want(t, "answer", flat(got[0].Answer[0]), c.want)
		})
	}
}

func TestConflicts(t *testing.T) {
	inOffice(t, "LL-3-10 LL-3-11 a host name in use is left for the next free one", func(t *testing.T, o *office) {
		n := o.node("bridge", "10.2.1.1").up()
		defer n.stop()
		s := o.stranger("10.2.1.9")
		for range 100 {
			pass(20 * time.Millisecond)
			for _, f := range o.queries("bridge") {
				if name := f.Question[0].Name; name == "bridge.local." || name == "bridge-1.local." {
					s.says(flush(t, name+" 120 IN A 10.2.1.9"))
				}
			}
			o.ClearLog()
		}
		pass(3 * time.Second)
		want(t, "name", n.HostName(), "bridge-2")
	})
	inOffice(t, "LL-3-14 an instance in use is renamed by its owner's scheme", func(t *testing.T, o *office) {
		a := o.node("a", "10.2.1.1").up()
		defer a.stop()
		a.Publish(mdns.Service{Type: presence, Instance: "juliet@pronto", Port: 5562, Kin: func([]string) bool { return true }})
		pass(3 * time.Second)
		b := o.node("b", "10.2.1.2").browse().up()
		defer b.stop()
		b.Publish(mdns.Service{Type: presence, Instance: "Juliet@Pronto", Port: 1, Rename: func(n int) string {
			return fmt.Sprintf("juliet-%d@pronto", n)
		}})
		pass(5 * time.Second)
		wantAll(t, "b sees", b.told(), "added juliet@pronto")
		if len(o.says("b", `SRV 0 0 1 b.local`)) == 0 || len(o.says("b", `juliet-1\@pronto`)) == 0 {
			t.Error("not announced as juliet-1@pronto")
		}
		want(t, "announcements of the lost name by b", len(o.says("b", `Juliet\@Pronto`)), 0)
	})
	inOffice(t, "LL-3-12 two own instances of one name", func(t *testing.T, o *office) {
		n := o.node("pronto", "10.2.1.1").up()
		defer n.stop()
		n.publish("juliet@pronto")
		n.publish("JULIET@pronto")
		pass(3 * time.Second)
		got := strings.Join(n.status(), ", ")
		if !strings.Contains(got, "announced juliet@pronto") || !strings.Contains(got, "announced JULIET@pronto-1") {
			t.Error(got)
		}
	})
}

func TestLaterConflicts(t *testing.T) {
	inOffice(t, "LL-3-14 a later conflict leads to probing, its answer to another name", func(t *testing.T, o *office) {
		n := o.node("pronto", "10.2.1.1").up()
		defer n.stop()
		n.publish("juliet@pronto")
		pass(3 * time.Second)
		o.ClearLog()
		s := o.stranger("10.2.1.9")
		theirs := flush(t, `juliet@pronto._presence._tcp.local. 120 IN SRV 0 0 9 other.local.`)
		s.says(theirs)
		pass(900 * time.Millisecond)
		want(t, "probes before the other could", len(o.queries("pronto")), 0)
		pass(500 * time.Millisecond)
		if len(o.queries("pronto")) == 0 {
			t.Fatal("no probe after a conflict")
		}
		s.says(theirs)
		pass(3 * time.Second)
		wantAll(t, "states", n.status(), "probing juliet@pronto", "announced juliet@pronto", "renamed juliet@pronto-1", "announced juliet@pronto-1")
	})
	inOffice(t, "LL-3-14 a conflict that nobody upholds changes nothing", func(t *testing.T, o *office) {
		n := o.node("pronto", "10.2.1.1").up()
		defer n.stop()
		n.publish("juliet@pronto")
		pass(3 * time.Second)
		o.stranger("10.2.1.9").says(flush(t, `juliet@pronto._presence._tcp.local. 120 IN SRV 0 0 9 other.local.`))
		o.ClearLog()
		pass(4 * time.Second)
		want(t, "announced again", len(o.says("pronto", "SRV 0 0 5562")) > 0, true)
		wantAll(t, "states", n.status(), "probing juliet@pronto", "announced juliet@pronto")
	})
}

func TestSimultaneousProbes(t *testing.T) {
	inOffice(t, "LL-3-29 one of two of a kind keeps the name, the other ends as -1", func(t *testing.T, o *office) {
		var nodes []*node
		for k, host := range []string{"a", "b"} {
			n := o.node(host, fmt.Sprint("10.2.1.", k+1)).up()
			defer n.stop()
			nodes = append(nodes, n)
			n.Publish(mdns.Service{Type: presence, Instance: "bridge", Port: uint16(k + 1), Notify: n.note,
				Kin: func([]string) bool { return true }})
		}
		pass(10 * time.Second)
		var names []string
		for _, n := range nodes {
			states := n.status()
			names = append(names, states[len(states)-1])
		}
		slices.Sort(names)
		wantAll(t, "names", names, "announced bridge", "announced bridge-1")
	})
	inOffice(t, "LL-3-29 the loser is quiet for a second", func(t *testing.T, o *office) {
		n := o.node("pronto", "10.2.1.1").up()
		defer n.stop()
		pass(300 * time.Millisecond)
		lost := time.Since(o.start)
		m := new(dns.Msg)
		m.Question = []dns.Question{{Name: "pronto.local.", Qtype: dns.TypeANY, Qclass: dns.ClassINET}}
		m.Ns = []dns.RR{rr(t, "pronto.local. 120 IN A 10.2.1.9")}
		o.stranger("10.2.1.9").send(m)
		o.ClearLog()
		pass(3 * time.Second)
		asked := o.asks("pronto", "pronto.local.", dns.TypeANY)
		if len(asked) != 3 {
			t.Fatalf("probes after the loss: %v", asked)
		}
		want(t, "pause", asked[0]-lost, time.Second)
	})
	inOffice(t, "LL-3-29 endless conflicts slow us to one attempt in five seconds", func(t *testing.T, o *office) {
		n, attempts := annoyed(t, o, 40*time.Second)
		defer n.stop()
		late := 0
		for k := 1; k < len(attempts); k++ {
			if attempts[k] > 20*time.Second && attempts[k]-attempts[k-1] > 300*time.Millisecond {
				late++
				if attempts[k]-attempts[k-1] < 4900*time.Millisecond {
					t.Errorf("attempts at %v and %v", attempts[k-1], attempts[k])
				}
			}
		}
		if late < 2 {
			t.Errorf("too few attempts to judge: %v", attempts)
		}
	})
	inOffice(t, "LL-3-16 after a minute of conflicts it is given up, the rest goes on", func(t *testing.T, o *office) {
		n, attempts := annoyed(t, o, 3*time.Minute)
		defer n.stop()
		states := n.status()
		if last := states[len(states)-1]; !strings.HasPrefix(last, "failed") {
			t.Errorf("last state %s", last)
		}
		within(t, "last attempt", attempts[len(attempts)-1], 50*time.Second, 75*time.Second)
		n.publish("romeo@pronto")
		pass(3 * time.Second)
		want(t, "another instance is announced", len(o.says("pronto", `romeo\@pronto`)) > 0, true)
	})
}

// annoyed runs an engine whose every juliet is contested at once. It returns the times of
// probes for such a name.
func annoyed(t *testing.T, o *office, d time.Duration) (*node, []time.Duration) {
	t.Helper()
	n := o.node("pronto", "10.2.1.1").up()
	n.publish("juliet@pronto")
	s := o.stranger("10.2.1.9")
	var attempts []time.Duration
	for time.Since(o.start) < d {
		pass(20 * time.Millisecond)
		frames := o.queries("pronto")
		o.ClearLog()
		for _, f := range frames {
			for _, q := range f.Question {
				if strings.HasPrefix(q.Name, "juliet") {
					attempts = append(attempts, f.after)
					s.says(flush(t, q.Name+" 120 IN SRV 0 0 9 other.local."))
				}
			}
		}
	}
	return n, attempts
}

func TestNoConflict(t *testing.T) {
	inOffice(t, "LL-3-30 own packets in the second interface are no conflict", func(t *testing.T, o *office) {
		h := o.Host("pronto", "10.2.1.1")
		h.Attach("lan", "eth1", "10.2.1.2")
		n := o.engine(h, mdns.Config{Host: "pronto", Interfaces: []string{"eth0", "eth1"}}).browse().up()
		defer n.stop()
		p := n.publish("juliet@pronto", "a=1")
		pass(5 * time.Second)
		p.SetTXT([]string{"a=2"})
		pass(5 * time.Second)
		wantAll(t, "states", n.status(), "probing juliet@pronto", "announced juliet@pronto")
		want(t, "host", n.HostName(), "pronto")
		want(t, "probes on both interfaces", len(o.asks("pronto", "pronto.local.", dns.TypeANY)), 6)
		want(t, "own instances seen", len(n.told()), 0)
	})
	inOffice(t, "LL-3-30 our TXT of a moment ago, reflected, is no conflict", func(t *testing.T, o *office) {
		n := o.node("pronto", "10.2.1.1").up()
		defer n.stop()
		p := n.publish("juliet@pronto", "a=1")
		pass(10 * time.Second)
		p.SetTXT([]string{"a=2"})
		pass(time.Second)
		o.ClearLog()
		o.stranger("10.2.1.9").says(flush(t, `juliet@pronto._presence._tcp.local. 4500 IN TXT "a=1"`))
		pass(5 * time.Second)
		want(t, "probes", len(o.queries("pronto")), 0)
	})
	inOffice(t, "LL-3-30 our record with a short TTL is announced anew, once", func(t *testing.T, o *office) {
		n := o.node("pronto", "10.2.1.1").up()
		defer n.stop()
		n.publish("juliet@pronto", "a=1")
		pass(5 * time.Second)
		o.ClearLog()
		s := o.stranger("10.2.1.9")
		s.says(flush(t, `juliet@pronto._presence._tcp.local. 10 IN TXT "a=1"`))
		s.says(flush(t, `juliet@pronto._presence._tcp.local. 4000 IN TXT "a=1"`))
		pass(5 * time.Second)
		want(t, "announced again", len(o.says("pronto", `"a=1"`)), 1)
		want(t, "probes", len(o.queries("pronto")), 0)
	})
}
