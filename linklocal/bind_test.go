package linklocal_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"meshbridge/linklocal"
	"meshbridge/linklocal/mdns"
	"meshbridge/linklocal/mdns/mdnstest"
	"meshbridge/linklocal/meshtest"
)

// line is what a client writes: a header and perhaps a message.
func line(streamFrom, streamTo, from, to string) string {
	text := meshtest.Header(streamFrom, streamTo)
	if from == "" && to == "" {
		return text
	}
	attrs := ""
	for _, a := range []struct{ name, value string }{{"from", from}, {"to", to}} {
		if a.value != "-" {
			attrs += fmt.Sprintf(" %s='%s'", a.name, a.value)
		}
	}
	return text + "<message" + attrs + " type='chat'><body>hello</body></message>"
}

// TestIdentity is the table of V-9, as far as it is the mesh's.
func TestIdentity(t *testing.T) {
	const said = juliet + ">" + nurseJ + ": hello"
	anonymous := with(func(c *linklocal.Config) { c.AcceptAnonymous = true })
	lenient := with(func(c *linklocal.Config) { c.LenientFrom = true })
	for _, tt := range []struct {
		name   string
		addr   string // TCP source
		in     string
		want   string // event; "" for none
		error  string // stream error; "" for none
		count  string
		change func(*office)
	}{
		{name: "INJ-3 INJ-4 V-9 case 1: the host of the instance", addr: "10.2.1.187", in: line(juliet, nurse, juliet, nurse), want: said},
		{name: "INJ-4 V-9 case 2: another peer's address", addr: "10.2.1.188", in: line(juliet, nurse, "-", nurse), error: "invalid-from", count: "INJ-4"},
		{name: "INJ-4 an address nobody announced", addr: "10.2.1.9", in: line(juliet, nurse, juliet, nurse), error: "invalid-from", count: "INJ-4"},
		{name: "INJ-5 V-9 case 3: another sender in the stanza", addr: "10.2.1.187", in: line(juliet, nurse, romeo, nurse), error: "invalid-from", count: "INJ-5"},
		{name: "INJ-3 INJ-4 V-9 case 5: no instance at all", addr: "10.2.1.187", in: line("admin@example.com", nurse, "-", nurse), error: "invalid-from", count: "INJ-4"},
		{name: "INJ-6 V-9 case 6: nobody named, and not allowed", addr: "10.2.1.187", in: line("", nurse, "-", nurse), error: "invalid-from", count: "INJ-6"},
		{name: "INJ-6 V-9 case 6: nobody named, allowed", addr: "10.2.1.187", in: line("", nurse, "-", nurse), want: said, change: anonymous},
		{name: "INJ-6 nobody named from an address that is nobody's", addr: "10.2.1.9", in: line("", nurse, "-", nurse), error: "invalid-from", count: "INJ-6", change: anonymous},
		{name: "INJ-6 V-9 case 13: bound by the first stanza", addr: "10.2.1.187", in: line("", nurse, juliet, nurse), want: said},
		{name: "INJ-6 V-9 case 14: the first stanza from another address", addr: "10.2.1.188", in: line("", nurse, juliet, nurse), error: "invalid-from", count: "INJ-4"},
		{name: "INJ-5 no sender in the stanza is the bound one", addr: "10.2.1.187", in: line(juliet, nurse, "-", nurse), want: said},
		{name: "INJ-5 a resource is refused", addr: "10.2.1.187", in: line(juliet, nurse, juliet+"/phone", nurse), error: "invalid-from", count: "INJ-5"},
		{name: "INJ-5 a resource is stripped where allowed", addr: "10.2.1.187", in: line(juliet, nurse, juliet+"/phone", nurse), want: said, change: lenient},
		{name: "INJ-4 names are compared as DNS does", addr: "10.2.1.187", in: line("Juliet@PRONTO", strings.ToUpper(nurse), "JULIET@pronto", nurse), want: said},
		{name: "INJ-7 a stream to nobody of ours", addr: "10.2.1.187", in: line(juliet, "nobody@bridge", juliet, "nobody@bridge"), error: "host-unknown", count: "INJ-7"},
		{name: "INJ-7 a stream to another peer", addr: "10.2.1.187", in: line(juliet, romeo, juliet, romeo), error: "host-unknown", count: "INJ-7"},
		{name: "INJ-7 LL-3-25 by the first stanza's recipient", addr: "10.2.1.187", in: line(juliet, "", juliet, nurse), want: said},
		{name: "LL-3-25 INJ-6 by the first stanza alone", addr: "10.2.1.187", in: line("", "", juliet, nurse), want: said},
		{name: "LL-3-25 to nobody in header and stanza", addr: "10.2.1.187", in: line(juliet, "", juliet, "-"), error: "host-unknown"},
		{name: "INJ-7 the first stanza to nobody of ours", addr: "10.2.1.187", in: line(juliet, "", juliet, "nobody@bridge"), error: "host-unknown", count: "INJ-7"},
	} {
		change := func(o *office) {
			if tt.change != nil {
				tt.change(o)
			}
		}
		inOffice(t, tt.name, func(t *testing.T, o *office) {
			j, _ := o.staff()
			s, err := j.DialFrom(t.Context(), nurse, netip.MustParseAddr(tt.addr))
			if err != nil {
				t.Fatal(err)
			}
			s.Start().Say(tt.in) // it may be refused before all is said
			o.wait(5 * time.Second)
			var want []string
			if tt.want != "" {
				want = []string{tt.want}
			}
			if d := cmp.Diff(want, o.received()); d != "" {
				t.Error(d)
			}
			text, closed := s.Got()
			if tt.error == "" && (closed || strings.Contains(text, "error")) {
				t.Errorf("refused: %q", text)
			}
			if tt.error != "" {
				refusedWith(t, s, tt.error)
			}
			if tt.count != "" && o.count(tt.count) != 1 {
				t.Errorf("counted %d times under %s", o.count(tt.count), tt.count)
			}
		}, change)
	}
}

// refusedWith requires that a stream ended in order, with an error.
func refusedWith(t *testing.T, s *meshtest.Stream, condition string) {
	t.Helper()
	text, closed := s.Got()
	want := "<stream:error><" + condition + " xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
	if !closed || !strings.Contains(text, want) || !strings.HasSuffix(text, "</stream:error></stream:stream>") {
		t.Errorf("want the end with %s, got (closed: %v) %q", condition, closed, text)
	}
	if n := strings.Count(text, "<stream:stream "); n != 1 {
		t.Errorf("%d headers before the error: %q", n, text)
	}
}

func TestBinding(t *testing.T) {
	inOffice(t, "INJ-7 V-9 case 7: a stanza to nobody of ours is bounced, and the stream goes on", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		o.say(s, "<message from='%s' to='nurse@example.com' id='m1'><body>lost</body></message>", juliet)
		o.hears(s, "<item-not-found ")
		if !strings.Contains(got(s), "type='error' id='m1'") {
			t.Errorf("the error does not name the stanza: %q", got(s))
		}
		o.say(s, "<message to='%s'><body>found</body></message>", nurse)
		if d := cmp.Diff([]string{juliet + ">" + nurseJ + ": found"}, o.received()); d != "" {
			t.Error(d)
		}
		if o.count("INJ-7") != 1 {
			t.Error("not counted")
		}
	})
	inOffice(t, "an error to nobody of ours is not answered", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		before := got(s)
		o.say(s, "<message to='nurse@example.com' type='error' id='m1'/><iq to='x@y' type='result' id='m2'/>")
		o.wait(time.Second)
		if got(s) != before {
			t.Errorf("answered with %q", got(s)[len(before):])
		}
	})
	inOffice(t, "LL-3-25 two colleagues at one port, told apart by to", func(t *testing.T, o *office) {
		o.publish("tybalt@example.com", tybalt)
		j, _ := o.staff()
		for _, to := range []string{nurse, tybalt} {
			s := o.dial(j, to)
			o.say(s, "%s<message to='%s'><body>x</body></message>", meshtest.Header(juliet, ""), to)
			o.wait(time.Second) // her address is looked up
		}
		s := o.call(j, nurse)
		o.say(s, "<message to='%s'><body>aside</body></message>", tybalt)
		want := []string{
			juliet + ">" + nurseJ + ": x", juliet + ">tybalt@example.com: x", juliet + ">tybalt@example.com: aside",
		}
		if d := cmp.Diff(want, o.received()); d != "" {
			t.Error(d)
		}
	})
	inOffice(t, "INJ-7 a proxy that is not announced yet is nobody", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		o.publish("tybalt@example.com", tybalt)
		o.wait(100 * time.Millisecond)
		early := o.dial(j, nurse)
		o.say(early, "%s", meshtest.Header(juliet, tybalt))
		o.say(s, "<message to='%s' id='m'><body>x</body></message>", tybalt)
		o.hears(s, "<item-not-found ")
		o.closes(early, 5*time.Second)
		refusedWith(t, early, "host-unknown")
	})
	inOffice(t, "INJ-4 a peer that has said goodbye cannot open a stream", func(t *testing.T, o *office) {
		j, r := o.staff()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		s, err := r.DialFrom(ctx, nurse, j.Addr)
		if err != nil {
			t.Fatal(err)
		}
		j.SignOff()
		o.wait(3 * time.Second)
		o.say(s.Start(), "%s", meshtest.Header(juliet, nurse))
		o.closes(s, time.Second)
		refusedWith(t, s, "invalid-from")
	})
	inOffice(t, "INJ-6 two people at one address cannot be told apart without a name", func(t *testing.T, o *office) {
		j, _ := o.staff()
		o.join(meshtest.Person{
			Host: o.Host("pronto-2", julietAt), Name: "pronto-2", Instance: "rosaline@pronto", Addrs: []netip.Addr{j.Addr},
		})
		o.wait(3 * time.Second)
		s := o.dial(j, nurse)
		o.say(s, "%s", line("", nurse, "-", nurse))
		o.closes(s, 5*time.Second)
		refusedWith(t, s, "invalid-from")
		if len(o.received()) > 0 {
			t.Errorf("told of %q", o.received())
		}
	}, with(func(c *linklocal.Config) { c.AcceptAnonymous = true }))
	inOffice(t, "INJ-6 among too many people nobody is taken for the only one", func(t *testing.T, o *office) {
		j, _ := o.staff()
		for i := range 9 {
			c := o.client(fmt.Sprintf("hall-%d", i), fmt.Sprintf("guest@hall-%d", i), fmt.Sprintf("10.2.1.%d/24", 50+i))
			for k := range 7 {
				c.Engine.Publish(mdns.Service{Type: linklocal.ServiceType, Instance: fmt.Sprintf("guest-%d@hall-%d", k, i), Port: c.Port})
			}
		}
		o.wait(10 * time.Second)
		if in := o.mesh.Inside(); in.Peers < 70 {
			t.Fatalf("%d peers", in.Peers)
		}
		at := time.Now()
		s := o.dial(j, nurse)
		o.say(s, "%s", line("", nurse, "-", nurse))
		o.closes(s, 15*time.Second)
		refusedWith(t, s, "invalid-from")
		if d := time.Since(at); d > 11*time.Second {
			t.Errorf("took %v", d)
		}
	}, with(func(c *linklocal.Config) { c.AcceptAnonymous = true }))
	inOffice(t, "INJ-4 the address is asked for anew when the cache does not fit", func(t *testing.T, o *office) {
		j, _ := o.staff()
		o.call(j, nurse) // now the address is in the cache
		o.SetHooks(mdnstest.Hooks{Lose: func(s mdnstest.Sent) bool { return s.Host == "pronto" }})
		if err := j.Move("10.2.1.99/24"); err != nil {
			t.Fatal(err)
		}
		o.wait(5 * time.Second) // its announcements are lost
		o.SetHooks(mdnstest.Hooks{})
		s := o.call(j, nurse)
		o.say(s, "<message><body>from the new address</body></message>")
		if d := cmp.Diff([]string{juliet + ">" + nurseJ + ": from the new address"}, o.received()); d != "" {
			t.Error(d)
		}
	})
}

// TestRenumbered is about a peer with both families, whose IPv6 address answers for it
// at once while its new IPv4 address is still being probed.
func TestRenumbered(t *testing.T) {
	const newAt = "10.2.1.99"
	both := func(o *office) *meshtest.Client {
		o.publish(nurseJ, nurse)
		j := o.join(meshtest.Person{
			Host: o.Host("pronto", julietAt, "fe80::187/64"), Name: "pronto", Instance: juliet,
			Addrs: addrs("10.2.1.187", "fe80::187%eth0"),
		})
		o.wait(4 * time.Second)
		o.call(j, nurse).Close() // now the old addresses are in the cache
		o.wait(2 * time.Second)
		return j
	}
	inOffice(t, "INJ-4 who dials from an address that is shown a second later is let in", func(t *testing.T, o *office) {
		j := both(o)
		s, err := j.DialFrom(t.Context(), nurse, netip.MustParseAddr(newAt))
		if err != nil {
			t.Fatal(err)
		}
		o.say(s.Start(), "%s", meshtest.Header(juliet, nurse))
		j.Host.SetAddrs("eth0", newAt+"/24", "fe80::187/64")
		o.hears(s, "<stream:stream ")
		o.say(s, "<message><body>from the new address</body></message>")
		if d := cmp.Diff([]string{juliet + ">" + nurseJ + ": from the new address"}, o.received()); d != "" {
			t.Error(d)
		}
		if o.count("INJ-4") != 0 {
			t.Error("counted as refused")
		}
	}, hosting("10.2.1.1/24", "fe80::1/64"))
	inOffice(t, "INJ-4 an address that is not shown is refused all the same, within three seconds and after two questions in each family", func(t *testing.T, o *office) {
		j := both(o)
		asked := 0
		o.SetHooks(mdnstest.Hooks{Lose: func(s mdnstest.Sent) bool {
			var q dns.Msg
			if s.Host == "router" && q.Unpack(s.Data) == nil && !q.Response && slices.ContainsFunc(q.Question, func(q dns.Question) bool { return q.Qtype == dns.TypeSRV }) {
				asked++
			}
			return false
		}})
		s, err := j.DialFrom(t.Context(), nurse, netip.MustParseAddr(newAt))
		if err != nil {
			t.Fatal(err)
		}
		o.say(s.Start(), "%s", meshtest.Header(juliet, nurse))
		o.closes(s, 3*time.Second)
		refusedWith(t, s, "invalid-from")
		if asked != 2*2 || o.count("INJ-4") != 1 || len(o.received()) > 0 {
			t.Errorf("asked in %d packets, counted %d, told of %q", asked, o.count("INJ-4"), o.received())
		}
	}, hosting("10.2.1.1/24", "fe80::1/64"))
}
