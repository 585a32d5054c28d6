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

const presenceName = "_presence._tcp.local."

// browsing is an office with one engine that browses and has asked its first questions.
func browsing(t *testing.T, name string, fn func(t *testing.T, o *office, n *node)) {
	t.Helper()
	inOffice(t, name, func(t *testing.T, o *office) {
		n := o.node("gate", "10.2.1.1").browse().up()
		defer n.stop()
		pass(10 * time.Second)
		fn(t, o, n)
	})
}

func TestBrowseQuestions(t *testing.T) {
	inOffice(t, "LL-4-1 LL-5-7 LL-5-9 QU first, then QM after 1, 2, 4 s and so on, an hour at most", func(t *testing.T, o *office) {
		n := o.node("gate", "10.2.1.1").browse().up()
		defer n.stop()
		pass(6 * time.Hour)
		asked := o.asks("gate", presenceName, dns.TypePTR)
		within(t, "first", asked[0], 20*time.Millisecond, 120*time.Millisecond)
		gap := time.Second
		for k := 1; k < len(asked); k++ {
			want(t, fmt.Sprintf("gap %d", k), asked[k]-asked[k-1], gap)
			gap = min(2*gap, time.Hour)
		}
		want(t, "the cap was reached", gap, time.Hour)
		first := true
		for _, f := range o.queries("gate") {
			if q := f.Question[0]; q.Qtype == dns.TypePTR {
				want(t, "QU bit", q.Qclass == 0x8001, first)
				first = false
			}
		}
	})
	browsing(t, "LL-5-7 the next question lists what is known, while over half its life is left", func(t *testing.T, o *office, n *node) {
		o.stranger("10.2.1.9").says(o.stranger("10.2.1.9").peer("romeo@forza", "forza", `"a=1"`)...)
		o.ClearLog()
		pass(10 * time.Second)
		qs := o.queries("gate")
		if len(qs) == 0 || len(qs[0].Answer) != 1 {
			t.Fatalf("%v", qs)
		}
		ptr := qs[0].Answer[0].(*dns.PTR)
		want(t, "known", ptr.Ptr, `romeo\@forza._presence._tcp.local.`)
		within(t, "its TTL", time.Duration(ptr.Hdr.Ttl), 4480, 4500)
	})
	browsing(t, "LL-4-1 a peer that comes ten minutes later is seen at once", func(t *testing.T, o *office, n *node) {
		pass(10 * time.Minute)
		s := o.stranger("10.2.1.9")
		s.says(s.peer("romeo@forza", "forza", `"a=1"`)...)
		wantAll(t, "events", n.told(), "added romeo@forza")
		want(t, "at", time.Until(n.lastEvent().at), 0)
	})
}

func TestManyKnownAnswers(t *testing.T) {
	browsing(t, "LL-5-7 LL-5-14 the question goes at once, known answers that do not fit follow 10 ms apart", func(t *testing.T, o *office, n *node) {
		s := o.stranger("10.2.1.9")
		for k := range 400 {
			s.says(s.peer(fmt.Sprintf("p%d@forza", k), "forza", `"a=1"`)[:3]...)
		}
		want(t, "peers", len(n.told()), 400)
		o.ClearLog()
		pass(10 * time.Second)
		qs := o.queries("gate")
		if len(qs) < 5 {
			t.Fatalf("%d packets", len(qs))
		}
		known := len(qs[0].Answer)
		for k := 1; k < len(qs); k++ {
			want(t, "questions in a continuation", len(qs[k].Question), 0)
			want(t, "TC before a continuation", qs[k-1].Truncated, true)
			within(t, "gap", qs[k].after-qs[k-1].after, 10*time.Millisecond, 11*time.Millisecond)
			known += len(qs[k].Answer)
		}
		want(t, "known answers", known, 400)
		want(t, "TC at the end", qs[len(qs)-1].Truncated, false)
		asked := o.asks("gate", presenceName, dns.TypePTR)
		pass(time.Minute)
		within(t, "gap of questions", o.asks("gate", presenceName, dns.TypePTR)[1]-asked[0], 15*time.Second, 17*time.Second)
	})
}

func TestQuietBrowsing(t *testing.T) {
	browsing(t, "LL-4-3 LL-4-4 fifty peers announced whole: not one question about them", func(t *testing.T, o *office, n *node) {
		o.ClearLog()
		for k := range 50 {
			s := o.stranger(fmt.Sprintf("10.2.1.%d", 100+k))
			s.says(s.peer(fmt.Sprintf("p%d@h%d", k, k), fmt.Sprintf("h%d", k), `"a=1"`)...)
		}
		pass(30 * time.Minute)
		want(t, "events", len(n.told()), 50)
		for _, f := range o.queries("gate") {
			for _, q := range f.Question {
				want(t, "question", dns.TypeToString[q.Qtype], "PTR")
			}
		}
	})
	browsing(t, "LL-4-3 records in the Additional section count", func(t *testing.T, o *office, n *node) {
		s := o.stranger("10.2.1.9")
		rrs := s.peer("romeo@forza", "forza", `"a=1"`)
		s.send(&dns.Msg{MsgHdr: dns.MsgHdr{Response: true}, Answer: rrs[:1], Extra: rrs[1:]})
		ev := n.lastEvent()
		want(t, "host", ev.Host, "forza")
		wantAll(t, "TXT", ev.TXT, "a=1")
		want(t, "source", ev.Source.String(), "10.2.1.9")
	})
	browsing(t, "LL-4-5 LL-4-6 a bare PTR is asked for its TXT exactly once, when answered", func(t *testing.T, o *office, n *node) {
		s := o.stranger("10.2.1.9")
		s.says(s.peer("romeo@forza", "forza", `"a=1"`)[0])
		pass(200 * time.Millisecond)
		s.says(s.peer("romeo@forza", "forza", `"a=1"`)[2])
		pass(time.Hour * 8 / 10)
		want(t, "questions", len(o.asks("gate", `romeo\@forza._presence._tcp.local.`, dns.TypeTXT)), 1)
		wantAll(t, "events", n.told(), "added romeo@forza")
	})
	browsing(t, "LL-4-5 a PTR whose TXT nobody has is shown after three questions", func(t *testing.T, o *office, n *node) {
		s := o.stranger("10.2.1.9")
		s.says(s.peer("romeo@forza", "forza", `"a=1"`)[0])
		pass(time.Hour / 2)
		want(t, "questions", len(o.asks("gate", `romeo\@forza._presence._tcp.local.`, dns.TypeTXT)), 3)
		wantAll(t, "events", n.told(), "added romeo@forza")
		s.says(s.peer("romeo@forza", "forza", `"a=1"`)[2])
		wantAll(t, "events", n.told(), "added romeo@forza", "changed romeo@forza")
	})
}

func TestOwnInstances(t *testing.T) {
	inOffice(t, "LL-4-2 own instances never appear, a neighbour's on our machine do", func(t *testing.T, o *office) {
		h := o.Host("gate", "10.2.1.1")
		n := o.engine(h, mdns.Config{Host: "gate"}).browse().up()
		defer n.stop()
		other := o.engine(h, mdns.Config{Host: "pidgin"}).up()
		defer other.stop()
		for k := range 3 {
			n.publish(fmt.Sprintf("p%d@gate", k))
		}
		other.publish("juliet@gate")
		pass(time.Minute)
		wantAll(t, "events", n.told(), "added juliet@gate")
	})
	inOffice(t, "LL-4-2 nor does one that was just withdrawn, reflected", func(t *testing.T, o *office) {
		n := o.node("gate", "10.2.1.1").browse().up()
		defer n.stop()
		p := n.publish("p@gate")
		pass(5 * time.Second)
		p.Withdraw()
		s := o.stranger("10.2.1.1")
		s.says(s.peer("p@gate", "gate", `"a=1"`)...)
		pass(2 * time.Second)
		want(t, "events", len(n.told()), 0)
	})
}

func TestChanges(t *testing.T) {
	browsing(t, "LL-5-2 the same TXT five times is one event, another one more", func(t *testing.T, o *office, n *node) {
		s := o.stranger("10.2.1.9")
		for range 5 {
			s.says(s.peer("romeo@forza", "forza", `"a=1"`)...)
			pass(time.Second)
		}
		wantAll(t, "events", n.told(), "added romeo@forza")
		s.says(s.peer("romeo@forza", "forza", `"a=2"`)...)
		wantAll(t, "events", n.told(), "added romeo@forza", "changed romeo@forza")
		wantAll(t, "TXT", n.lastEvent().TXT, "a=2")
		pass(10 * time.Second)
		wantAll(t, "later", n.told(), "added romeo@forza", "changed romeo@forza")
	})
	browsing(t, "LL-3-5 the three empty forms are one", func(t *testing.T, o *office, n *node) {
		s := o.stranger("10.2.1.9")
		rrs := s.peer("romeo@forza", "forza", `""`)
		s.says(rrs...)
		want(t, "strings", len(n.lastEvent().TXT), 0)
		rrs[2] = &dns.TXT{Hdr: *rrs[2].Header()} // zero-length rdata
		s.says(rrs...)
		pass(5 * time.Second)
		wantAll(t, "events", n.told(), "added romeo@forza")
	})
	browsing(t, "LL-3-18 three TXT records in one packet are one text, in order", func(t *testing.T, o *office, n *node) {
		s := o.stranger("10.2.1.9")
		rrs := s.peer("romeo@forza", "roma@forza", `"a=1"`)
		rrs = append(rrs, flush(t, `romeo@forza._presence._tcp.local. 4500 IN TXT "b=2"`), flush(t, `romeo@forza._presence._tcp.local. 4500 IN TXT "a=3"`))
		s.says(rrs...)
		wantAll(t, "TXT", n.lastEvent().TXT, "a=1", "b=2", "a=3")
		want(t, "host behind the @", n.lastEvent().Host, "forza")
	})
	browsing(t, "LL-3-22 the case of a name does not make another instance", func(t *testing.T, o *office, n *node) {
		s := o.stranger("10.2.1.9")
		s.says(s.peer("Romeo@Forza", "forza", `"a=1"`)...)
		s.says(s.peer("romeo@forza", "FORZA", `"a=1"`)...)
		pass(5 * time.Second)
		wantAll(t, "events", n.told(), "added Romeo@Forza")
	})
	browsing(t, "LL-3-20 dots, quotes, UTF-8 and 63 octets", func(t *testing.T, o *office, n *node) {
		s := o.stranger("10.2.1.9")
		for text, raw := range map[string]string{
			`dr\.\ who\@pc`: "dr. who@pc", `say\ \"hi\"\@pc`: `say "hi"@pc`, `j\195\188rgen\@pc`: "jürgen@pc",
			strings.Repeat("x", 63): strings.Repeat("x", 63),
		} {
			s.says(s.peer(text, "pc", `"a=1"`)...)
			want(t, "instance", n.lastEvent().Instance, raw)
		}
	})
}

func TestInterfacesApart(t *testing.T) {
	inOffice(t, "LL-11.1-1 one stream of events per interface, one for both families", func(t *testing.T, o *office) {
		h := o.Host("gate", "10.2.1.1", "fe80::1")
		h.Attach("wlan", "wlan0", "10.3.1.1", "fe80::2")
		n := o.engine(h, mdns.Config{Host: "gate", Interfaces: []string{"eth0", "wlan0"}}).browse().up()
		defer n.stop()
		peer := o.Host("pronto", "10.2.1.9", "fe80::9")
		peer.Attach("wlan", "wlan0", "10.3.1.9", "fe80::a")
		p := o.engine(peer, mdns.Config{Host: "pronto", Interfaces: []string{"eth0", "wlan0"}}).up()
		defer p.stop()
		p.publish("juliet@pronto")
		pass(time.Minute)
		wantAll(t, "events", n.told(), "added juliet@pronto", "added juliet@pronto")
		n.mu.Lock()
		defer n.mu.Unlock()
		names := []string{n.events[0].Interface.Name, n.events[1].Interface.Name}
		slices.Sort(names)
		wantAll(t, "interfaces", names, "eth0", "wlan0")
	})
	inOffice(t, "LL-11.1-5 LL-11.1-7 addresses are those of the interface, IPv6 link-local only", func(t *testing.T, o *office) {
		h := o.Host("gate", "10.2.1.1", "fe80::1", "fd00::1", "2001:db8::1")
		h.Attach("wlan", "wlan0", "10.3.1.1", "fe80::2")
		n := o.engine(h, mdns.Config{Host: "gate", Interfaces: []string{"eth0", "wlan0"}}).up()
		pass(5 * time.Second)
		got := map[string]map[string]bool{"eth0": {}, "wlan0": {}}
		for _, f := range o.responses("gate") {
			for _, rr := range f.Answer {
				got[f.Interface][flat(rr)[len("gate.local. 120 CLASS32769 "):]] = true
			}
		}
		want(t, "eth0", fmt.Sprint(got["eth0"]), "map[A 10.2.1.1:true AAAA fe80::1:true]")
		want(t, "wlan0", fmt.Sprint(got["wlan0"]), "map[A 10.3.1.1:true AAAA fe80::2:true]")
		want(t, "published", fmt.Sprint(n.Published(1)), "[10.2.1.1 fe80::1%eth0]")
		n.stop()
	})
	inOffice(t, "LL-11.1-7 with GlobalIPv6 the others too", func(t *testing.T, o *office) {
		h := o.Host("gate", "fe80::1", "fd00::1", "2001:db8::1")
		n := o.engine(h, mdns.Config{Host: "gate", GlobalIPv6: true}).up()
		defer n.stop()
		pass(5 * time.Second)
		want(t, "published", fmt.Sprint(n.Published(1)), "[fe80::1%eth0 fd00::1 2001:db8::1]")
		want(t, "announced", len(o.says("gate", "2001:db8::1")) > 0, true)
	})
}
