package linklocal_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"meshbridge/linklocal"
	"meshbridge/linklocal/mdns/mdnstest"
	"meshbridge/linklocal/meshtest"
)

// twoPorts gives the mesh a second interface on the same link.
func twoPorts(o *office) {
	o.host.Attach(mdnstest.DefaultLink, "eth1", "10.2.1.2/24")
	o.cfg.Interfaces = []string{"eth0", "eth1"}
}

// stayed fails if somebody was told as gone.
func (o *office) stayed() {
	o.t.Helper()
	if gone := of[linklocal.PeerGone](o); len(gone) > 0 {
		o.t.Errorf("told as gone: %+v", gone)
	}
}

// from returns where the last connection of the mesh came from.
func (o *office) from() string {
	all := o.Dialled()
	if len(all) == 0 {
		return "nowhere"
	}
	return all[len(all)-1].From.String()
}

func TestInterfacesOfTheMesh(t *testing.T) {
	inOffice(t, "LL-11.1-1 two interfaces on one LAN: one contact, and when one is pulled the chat goes on at once", func(t *testing.T, o *office) {
		j, _ := o.staff()
		if seen := of[linklocal.PeerChanged](o); !slices.Equal(seen[len(seen)-1].Peer.Interfaces, []string{"eth0", "eth1"}) {
			t.Errorf("seen on %v", seen[len(seen)-1].Peer.Interfaces)
		}
		if in := o.mesh.Inside(); in.Peers != 2 {
			t.Errorf("%d peers", in.Peers)
		}
		o.send(juliet, 1, "before")
		first := o.answer(j)
		o.hears(first, "<body>before</body>")
		o.wait(5 * time.Second)
		port := map[string]string{"10.2.1.1": "eth0", "10.2.1.2": "eth1"}[o.from()]
		left := map[string]string{"eth0": "10.2.1.2", "eth1": "10.2.1.1"}[port]
		first.Far().SetUnsent(9) // nothing passes any more
		o.host.Detach(port)
		o.wait(10 * time.Millisecond)
		at := time.Now()
		o.send(juliet, 2, "after")
		second := o.answer(j)
		o.hears(second, "<body>after</body>")
		if d := time.Since(at); d > time.Second || o.from() != left {
			t.Errorf("after %v from %s", d, o.from())
		}
		o.wait(5 * time.Second)
		if delivered, returned := o.tokens(); !slices.Equal(delivered, []uint64{1, 2}) || len(returned) > 0 {
			t.Errorf("delivered %v, returned %v", delivered, returned)
		}
		s := o.call(j, nurse)
		if to := s.RemoteAddr().String(); netip.MustParseAddrPort(to).Addr().String() != left {
			t.Errorf("she is led to %s", to)
		}
		o.host.Attach(mdnstest.DefaultLink, port, "10.2.1.3/24")
		o.wait(time.Minute)
		o.stayed()
	}, twoPorts)
	inOffice(t, "LL-11.1-1 what was said when it was pulled, and not confirmed, is said again on the other", func(t *testing.T, o *office) {
		j, _ := o.staff()
		o.send(juliet, 1, "x")
		first := o.answer(j)
		o.hears(first, "<body>x</body>")
		first.Far().SetUnsent(9)
		o.host.Detach(map[string]string{"10.2.1.1": "eth0", "10.2.1.2": "eth1"}[o.from()])
		o.hears(o.answer(j), "<body>x</body>")
		o.wait(5 * time.Second)
		if delivered, returned := o.tokens(); !slices.Equal(delivered, []uint64{1}) || len(returned) > 0 {
			t.Errorf("delivered %v, returned %v", delivered, returned)
		}
	}, twoPorts)
	inOffice(t, "LL-3-27 the interface is made anew under its name: nobody leaves, and the chat goes on over the new one", func(t *testing.T, o *office) {
		j, _ := o.staff()
		old := o.call(j, nurse)
		o.forget()
		o.host.Detach("eth0")
		o.wait(time.Second)
		o.host.Attach(mdnstest.DefaultLink, "eth0", bridgeAt+"/24")
		o.wait(3 * time.Second)
		o.say(old, "<message><body>still here</body></message>")
		if got := o.received(); len(got) != 1 {
			t.Errorf("received %q", got)
		}
		o.send(juliet, 1, "welcome back")
		o.hears(o.answer(j), "<body>welcome back</body>")
		o.hears(old, endTag)
		o.wait(time.Minute)
		o.stayed()
		if told := of[linklocal.PeerChanged](o); len(told) > 0 {
			t.Errorf("told %+v", told)
		}
		s := o.call(j, nurse)
		o.say(s, "<message><body>hello</body></message>")
		if got := o.received(); len(got) != 2 {
			t.Errorf("received %q", got)
		}
	})
	inOffice(t, "INJ-12 a stream on an interface that was made anew does not outlive what bound it", func(t *testing.T, o *office) {
		j, _ := o.staff()
		old := o.call(j, nurse)
		o.host.Detach("eth0")
		o.host.Attach(mdnstest.DefaultLink, "eth0", bridgeAt+"/24")
		o.until(15*time.Second, "it is ended", func() bool { return strings.Contains(got(old), endTag) })
		o.stayed()
	})
	inOffice(t, "down for five seconds and up again: nobody leaves, streams stay", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		o.host.SetUp("eth0", false)
		o.wait(5 * time.Second)
		o.host.SetUp("eth0", true)
		o.wait(time.Minute)
		o.send(juliet, 1, "x")
		o.hears(s, "<body>x</body>")
		o.stayed()
		if len(o.Dialled()) > 1 { // hers
			t.Errorf("dialled %v", o.Dialled())
		}
	})
	inOffice(t, "down for good: gone when the records have been given up, and what waits comes back", func(t *testing.T, o *office) {
		o.staff()
		o.host.SetUp("eth0", false)
		o.send(juliet, 1, "x")
		took := o.until(15*time.Second, "both are gone", func() bool { return len(of[linklocal.PeerGone](o)) == 2 })
		if took < 10*time.Second {
			t.Errorf("gone after %v", took)
		}
		if _, returned := o.tokens(); !slices.Equal(returned, []uint64{1}) {
			t.Errorf("returned %v", returned)
		}
		o.forget()
		o.host.SetUp("eth0", true)
		if took := o.until(3*time.Second, "both are back", func() bool { return len(of[linklocal.PeerChanged](o)) == 2 }); took > 3*time.Second {
			t.Errorf("back after %v", took)
		}
	})
	inOffice(t, "LL-3-27 renumbered: reached at the new address within 2 s, and what is said goes out from it", func(t *testing.T, o *office) {
		j, _ := o.staff()
		old := o.call(j, nurse)
		old.Far().SetUnsent(9)
		o.host.SetAddrs("eth0", "10.2.1.99/24")
		at := time.Now()
		o.send(juliet, 1, "x")
		o.hears(o.answer(j), "<body>x</body>")
		if d := time.Since(at); d > time.Second || o.from() != "10.2.1.99" {
			t.Errorf("after %v from %s", d, o.from())
		}
		o.wait(2*time.Second - time.Since(at))
		s := o.call(j, nurse)
		if to := s.RemoteAddr().String(); netip.MustParseAddrPort(to).Addr().String() != "10.2.1.99" {
			t.Errorf("she is led to %s", to)
		}
		o.stayed()
	})
	inOffice(t, "INJ-12 LL-11.1-2 after a goodbye on one link the chat goes on over the other", func(t *testing.T, o *office) {
		o.publish(nurseJ, nurse)
		h := o.onBoth()
		wired := o.join(meshtest.Person{Host: h, Name: "pronto", Instance: juliet, Addrs: addrs("10.2.1.187"), Port: 5298})
		radio := o.join(meshtest.Person{Host: h, Name: "pronto", Interface: "wlan0", Instance: juliet, Addrs: addrs("10.3.1.187"), Port: 5298})
		o.wait(4 * time.Second)
		s := o.call(radio, nurse)
		radio.SignOff()
		o.hears(s, endTag)
		o.send(juliet, 1, "x")
		o.hears(o.answer(wired), "<body>x</body>")
		o.stayed()
	}, twoLinks, hardware("10.2.1.187", "aa:aa", "10.3.1.187", "aa:aa")) // a machine with a bridge
}

func TestOneFamily(t *testing.T) {
	for _, tt := range []struct{ family, bridge, juliet string }{
		{"IPv6", "fe80::1/64", "fe80::187/64"},
		{"IPv4", "10.2.1.1/24", "10.2.1.187/24"},
	} {
		inOffice(t, "LL-11.1-8 a LAN with "+tt.family+" only: presence, a message both ways, goodbye", func(t *testing.T, o *office) {
			o.publish(nurseJ, nurse)
			j := o.client("pronto", juliet, tt.juliet)
			o.wait(4 * time.Second)
			o.send(juliet, 1, "to her")
			o.hears(o.answer(j), "<body>to her</body>")
			s := o.call(j, nurse)
			o.say(s, "<message><body>from her</body></message>")
			if got := o.received(); len(got) != 1 {
				t.Errorf("received %q", got)
			}
			for _, p := range o.Log() {
				if p.Dst.Addr().Is6() != (tt.family == "IPv6") {
					t.Errorf("a packet to %v", p.Dst)
				}
			}
			for _, d := range o.Dialled() {
				if a := d.To.Addr(); a.Is6() && a.Zone() != "eth0" {
					t.Errorf("dialled %v", d)
				}
			}
			j.SignOff()
			o.until(4*time.Second, "she is gone", func() bool { return len(of[linklocal.PeerGone](o)) == 1 })
		}, hosting(tt.bridge))
	}
}
