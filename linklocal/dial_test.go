package linklocal_test

import (
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meshbridge/linklocal"
	"meshbridge/linklocal/mdns/mdnstest"
	"meshbridge/linklocal/meshtest"
)

func addrs(list ...string) (out []netip.Addr) {
	for _, s := range list {
		out = append(out, netip.MustParseAddr(s))
	}
	return out
}

// hosting replaces the host of the mesh by one with these addresses.
func hosting(list ...string) func(*office) {
	return func(o *office) {
		o.host = o.Host("router", list...)
		o.cfg.Network = o.host
	}
}

func TestDialled(t *testing.T) {
	inOffice(t, "LL-3-6 LL-3-9 the port is that of the SRV record, whatever TXT says", func(t *testing.T, o *office) {
		o.publish(nurseJ, nurse)
		j := o.join(meshtest.Person{
			Host: o.Host("pronto", julietAt), Name: "pronto", Instance: juliet, Port: 5562,
			Addrs: addrs("10.2.1.187"), TXT: []string{"txtvers=1", "port.p2pj=5298"},
		})
		o.wait(4 * time.Second)
		o.send(juliet, 1, "x")
		o.answer(j)
		want := []meshtest.Dialled{{From: netip.MustParseAddr(bridgeAt), To: netip.MustParseAddrPort("10.2.1.187:5562")}}
		if d := cmp.Diff(want, o.Dialled(), cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); d != "" {
			t.Error(d)
		}
	})
	inOffice(t, "LL-STR-29 not before a second after the announcement", func(t *testing.T, o *office) {
		j := o.client("pronto", juliet, julietAt)
		o.wait(4 * time.Second)
		o.publish(nurseJ, nurse)
		o.wait(100 * time.Millisecond)
		o.send(juliet, 1, "x")
		o.answer(j)
		if d := o.Attempts()[0].At.Sub(when[linklocal.ProxyChanged](o)); d < time.Second || d > 1100*time.Millisecond {
			t.Errorf("dialled %v after the announcement", d)
		}
	})
	inOffice(t, "LL-STR-29 nor before the peer had a second to find us", func(t *testing.T, o *office) {
		o.publish(nurseJ, nurse)
		o.wait(4 * time.Second)
		j := o.client("pronto", juliet, julietAt)
		o.until(3*time.Second, "juliet is here", func() bool { return len(of[linklocal.PeerChanged](o)) > 0 })
		at := when[linklocal.PeerChanged](o)
		o.send(juliet, 1, "x")
		o.answer(j)
		if d := o.Attempts()[0].At.Sub(at); d < time.Second || d > 1100*time.Millisecond {
			t.Errorf("dialled %v after she came", d)
		}
	})
	inOffice(t, "LL-STR-29 from a published address of the family and network", func(t *testing.T, o *office) {
		o.publish(nurseJ, nurse)
		j := o.join(meshtest.Person{
			Host: o.Host("pronto", "192.168.7.187/24"), Name: "pronto", Instance: juliet, Addrs: addrs("192.168.7.187"),
		})
		o.wait(4 * time.Second)
		o.send(juliet, 1, "x")
		o.answer(j)
		if from := o.Dialled()[0].From; from != netip.MustParseAddr("192.168.7.1") {
			t.Errorf("dialled from %v", from)
		}
	}, hosting("10.2.1.1/24", "192.168.7.1/24", "fe80::1/64", "2001:db8::1/64"))
	inOffice(t, "LL-11.1-6 a link-local address is dialled with its zone, from one with a zone", func(t *testing.T, o *office) {
		o.publish(nurseJ, nurse)
		j := o.join(meshtest.Person{
			Host: o.Host("pronto", "fe80::187/64"), Name: "pronto", Instance: juliet, Addrs: addrs("fe80::187%eth0"),
		})
		o.wait(4 * time.Second)
		o.send(juliet, 1, "x")
		o.answer(j)
		d := o.Dialled()[0]
		if d.From.String() != "fe80::1%eth0" || d.To.Addr().String() != "fe80::187%eth0" {
			t.Errorf("dialled %v from %v", d.To, d.From)
		}
		s := o.call(j, nurse)
		o.say(s, "<message><body>IPv6</body></message>")
		if len(o.received()) != 1 {
			t.Error("INJ-4: a stream from fe80:: is not bound")
		}
	}, hosting("10.2.1.1/24", "2001:db8::1/64", "fe80::1/64"), with(func(c *linklocal.Config) { c.GlobalIPv6 = true }))
	inOffice(t, "LL-STR-27 every address is tried, once", func(t *testing.T, o *office) {
		o.publish(nurseJ, nurse)
		j := o.join(meshtest.Person{
			Host: o.Host("pronto", "10.2.1.187/24", "10.2.1.188/24", "fe80::187/64"), Name: "pronto", Instance: juliet, Port: 5298,
			Addrs: addrs("fe80::187%eth0"),
		})
		o.Refuse(netip.MustParseAddrPort("10.2.1.188:5298"), syscall.EHOSTUNREACH)
		o.wait(4 * time.Second)
		o.send(juliet, 1, "x")
		s := o.answer(j)
		o.hears(s, "<body>x</body>")
		seen := map[string]int{}
		for _, d := range o.Dialled() {
			seen[d.To.String()]++
		}
		if len(seen) > 3 || seen["[fe80::187%eth0]:5298"] != 1 {
			t.Errorf("dialled %v", seen)
		}
		for to, n := range seen {
			if n != 1 {
				t.Errorf("%s dialled %d times", to, n)
			}
		}
	}, hosting("10.2.1.1/24", "fe80::1/64"))
	inOffice(t, "LL-STR-27 nobody answers anywhere: given back, each address tried once", func(t *testing.T, o *office) {
		j, _ := o.staff()
		j.StopListening()
		o.send(juliet, 1, "x")
		o.send(juliet, 2, "y")
		o.wait(10 * time.Second)
		o.wantReturned(syscall.ECONNREFUSED, 1, 2)
		if n := len(o.Dialled()); n != 1 {
			t.Errorf("%d attempts: %v", n, o.Dialled())
		}
	})
	inOffice(t, "five seconds for an address that swallows everything, others are not held up", func(t *testing.T, o *office) {
		j, r := o.staff()
		o.SetLatency(func(_ netip.Addr, to netip.AddrPort) time.Duration {
			if to.Addr() == j.Addr {
				return time.Hour
			}
			return 0
		})
		o.send(juliet, 1, "x")
		at := time.Now()
		o.send(romeo, 2, "y")
		o.hears(o.answer(r), "<body>y</body>")
		if d := time.Since(at); d > 200*time.Millisecond {
			t.Errorf("romeo waited %v", d)
		}
		o.until(20*time.Second, "given back", func() bool { _, back := o.tokens(); return len(back) == 1 })
		if d := time.Since(at); d < 5*time.Second || d > 9*time.Second {
			t.Errorf("given up after %v", d)
		}
	})
	inOffice(t, "LL-11.1-3 LL-STR-27 the address is asked for when talking, not remembered", func(t *testing.T, o *office) {
		j, _ := o.staff()
		o.send(juliet, 1, "x")
		s := o.answer(j)
		o.wait(3 * time.Second)
		s.Close()
		if err := j.Move("10.2.1.42/24"); err != nil {
			t.Fatal(err)
		}
		o.wait(10 * time.Second)
		o.macs[netip.MustParseAddr("10.2.1.187")], o.macs[netip.MustParseAddr("10.2.1.42")] = "m", "m"
		o.send(juliet, 2, "y")
		o.answer(j)
		if last := o.Dialled()[len(o.Dialled())-1]; last.To.Addr() != netip.MustParseAddr("10.2.1.42") {
			t.Errorf("dialled %v", last.To)
		}
	})
	inOffice(t, "LL-11.1-3 a move that was not heard of is found out by asking", func(t *testing.T, o *office) {
		j, _ := o.staff()
		o.send(juliet, 1, "x")
		s := o.answer(j) // now the address is in the cache
		o.wait(3 * time.Second)
		s.Close()
		o.SetHooks(mdnstest.Hooks{Lose: func(p mdnstest.Sent) bool { return p.Host == "pronto" }})
		if err := j.Move("10.2.1.42/24"); err != nil {
			t.Fatal(err)
		}
		o.wait(5 * time.Second)
		o.SetHooks(mdnstest.Hooks{})
		o.send(juliet, 2, "y")
		next := o.answer(j)
		if to := next.LocalAddr().(*net.TCPAddr).IP.String(); to != "10.2.1.42" {
			t.Errorf("dialled %s", to)
		}
	})
	inOffice(t, "INJ-34 somebody else answers at the peer's address", func(t *testing.T, o *office) {
		j, _ := o.staff()
		o.send(juliet, 1, "secret")
		s, err := j.AcceptWithin(5 * time.Second)
		if err != nil {
			t.Fatal(err)
		}
		o.hears(s.Start(), ">")
		o.say(s, "%s", meshtest.Header("other@pronto", nurse))
		o.closes(s, time.Second)
		if text := got(s); strings.Contains(text, "secret") || !strings.HasSuffix(text, endTag) {
			t.Errorf("said %q", text)
		}
		o.wait(5 * time.Second)
		o.wantReturned(linklocal.ErrMismatch, 1)
		if o.count("INJ-34") != 1 {
			t.Errorf("counted %d", o.count("INJ-34"))
		}
	})
	inOffice(t, "INJ-34 a peer that leaves its name out is taken at its address", func(t *testing.T, o *office) {
		j, _ := o.staff()
		o.send(juliet, 1, "x")
		s, err := j.AcceptWithin(5 * time.Second)
		if err != nil {
			t.Fatal(err)
		}
		o.say(s.Start(), "%s", meshtest.Header("", ""))
		o.hears(s, "<body>x</body>")
	})
	inOffice(t, "LL-STR-23 garbage for an answer", func(t *testing.T, o *office) {
		j, _ := o.staff()
		o.send(juliet, 1, "secret")
		s, err := j.AcceptWithin(5 * time.Second)
		if err != nil {
			t.Fatal(err)
		}
		s.Start().Say("HTTP/1.1 400 Bad Request\r\n\r\n")
		o.closes(s, time.Second)
		if text := got(s); strings.Contains(text, "secret") || !strings.Contains(text, "<not-well-formed ") {
			t.Errorf("said %q", text)
		}
		o.wait(5 * time.Second)
		if _, back := o.tokens(); len(back) != 1 {
			t.Error("not given back")
		}
	})
}

func TestTargets(t *testing.T) {
	for _, tt := range []struct {
		name string
		host func(o *office) *mdnstest.Host
		at   string // where its records say that it listens
		want bool   // whether that is dialled
	}{
		// A liar speaks from another address than the one it tells.
		{"INJ-22 a stranger's records point to the bridge itself", func(o *office) *mdnstest.Host { return o.Host("liar", "10.2.1.66/24", bridgeAt+"/24") }, bridgeAt + ":5347", false},
		{"INJ-22 a stranger's records point off the link", func(o *office) *mdnstest.Host { return o.Host("liar", "10.2.1.66/24", "8.8.8.8/24") }, "8.8.8.8:5298", false},
		{"INJ-22 a stranger's records point to every machine", func(o *office) *mdnstest.Host { return o.Host("liar", "10.2.1.66/24", "10.2.1.255/24") }, "10.2.1.255:5298", false},
		{"INJ-22 a low port", func(o *office) *mdnstest.Host { return o.Host("forza", "10.2.1.66/24") }, "10.2.1.66:22", false},
		{"INJ-22 a client beside the bridge, on its host", func(o *office) *mdnstest.Host { return o.host }, bridgeAt + ":5299", true},
	} {
		inOffice(t, tt.name, func(t *testing.T, o *office) {
			at := netip.MustParseAddrPort(tt.at)
			o.publish(nurseJ, nurse)
			o.join(meshtest.Person{
				Host: tt.host(o), Name: "forza", Instance: romeo, Port: at.Port(), Addrs: []netip.Addr{at.Addr()},
			})
			o.wait(4 * time.Second)
			o.send(romeo, 1, "x")
			o.wait(12 * time.Second)
			dialled := false
			for _, d := range o.Dialled() {
				dialled = dialled || d.To == at
			}
			if dialled != tt.want || (o.count("INJ-22") > 0) == tt.want {
				t.Errorf("dialled %v, counted %d times", o.Dialled(), o.count("INJ-22"))
			}
			if _, back := o.tokens(); !tt.want && len(back) != 1 {
				t.Error("not given back")
			}
		})
	}
}
