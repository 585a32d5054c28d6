package linklocal_test

import (
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"meshbridge/linklocal"
	"meshbridge/linklocal/mdns"
	"meshbridge/linklocal/mdns/mdnstest"
	"meshbridge/linklocal/meshtest"
)

// twoLinks gives the mesh a second interface, on another link.
func twoLinks(o *office) {
	o.host.Attach("wifi", "wlan0", "10.3.1.1/24")
	o.cfg.Interfaces = []string{"eth0", "wlan0"}
}

// onBoth is a host on both links.
func (o *office) onBoth() *mdnstest.Host {
	h := o.Host("pronto", julietAt)
	h.Attach("wifi", "wlan0", "10.3.1.187/24")
	return h
}

// people returns the instances told of, changes in brackets.
func (o *office) people() (list []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, ev := range o.events {
		switch e := ev.Event.(type) {
		case linklocal.PeerChanged:
			list = append(list, "+"+e.Peer.Instance)
		case linklocal.PeerGone:
			list = append(list, "-"+e.Instance)
		}
	}
	return list
}

func TestPeers(t *testing.T) {
	inOffice(t, "a peer with its profile and host", func(t *testing.T, o *office) {
		j := o.client("pronto", juliet, julietAt, "txtvers=1", "status=dnd", "1st=Juliet", "msg=In my chamber")
		o.wait(3 * time.Second)
		events := of[linklocal.PeerChanged](o)
		if len(events) != 1 {
			t.Fatalf("%d events", len(events))
		}
		p := events[0].Peer
		want := linklocal.Peer{Instance: juliet, Host: "pronto", Interfaces: []string{"eth0"}, Profile: linklocal.ParseTXT([]string{"status=dnd", "1st=Juliet", "msg=In my chamber"})}
		if d := cmp.Diff(want, p); d != "" {
			t.Error(d)
		}
		j.SetTXT("txtvers=1", "status=avail")
		o.wait(5 * time.Second)
		if events = of[linklocal.PeerChanged](o); len(events) != 2 || events[1].Peer.Profile.Status != linklocal.Available {
			t.Errorf("after a change: %+v", events)
		}
	})
	inOffice(t, "LL-4-2 own instances are no peers, a foreign client on the same host is one", func(t *testing.T, o *office) {
		for _, name := range []string{nurse, tybalt, `peter\40example.com@bridge`} {
			o.publish(name, name)
		}
		o.join(meshtest.Person{Host: o.host, Name: "bridge", Instance: "admin@bridge", Addrs: addrs(bridgeAt), Port: 5299})
		o.wait(10 * time.Second)
		if d := cmp.Diff([]string{"+admin@bridge"}, o.people()); d != "" {
			t.Error(d)
		}
	})
	inOffice(t, "LL-9-4 LL-9-5 GW-19 gone once the departure delay has passed, once, and its stream closed", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		at := time.Now()
		go j.SignOff()
		o.until(5*time.Second, "juliet is gone", func() bool { return len(of[linklocal.PeerGone](o)) > 0 })
		if d := when[linklocal.PeerGone](o).Sub(at); d < 2*time.Second || d > 2200*time.Millisecond {
			t.Errorf("gone after %v", d)
		}
		o.hears(s, endTag)
		o.wait(time.Minute)
		if n := len(of[linklocal.PeerGone](o)); n != 1 {
			t.Errorf("%d times", n)
		}
		if in := o.mesh.Inside(); in.Peers != 1 || in.Known != 0 || in.Pairs != 0 {
			t.Errorf("left over: %+v", in)
		}
	})
	for _, tt := range []struct {
		name string
		away time.Duration // from the goodbye to the records' return
		want []string
	}{
		{"LL-9-4 GW-19 back after half a second: nothing", 500 * time.Millisecond, nil},
		{"GW-19 back after one and a half: nothing", 1500 * time.Millisecond, nil},
		{"GW-19 back after two and a half: gone and here", 2500 * time.Millisecond, []string{"-" + juliet, "+" + juliet}},
	} {
		inOffice(t, tt.name, func(t *testing.T, o *office) {
			j, _ := o.staff()
			goodbye, hello := o.recorded(j)
			s := o.call(j, nurse)
			o.forget()
			// The real one would defend itself against its twin.
			o.SetHooks(mdnstest.Hooks{Lose: func(s mdnstest.Sent) bool { return s.Host == "pronto" }})
			for _, p := range goodbye {
				o.Inject(mdnstest.DefaultLink, p)
			}
			o.wait(tt.away)
			for _, p := range hello {
				o.Inject(mdnstest.DefaultLink, p)
			}
			o.wait(5 * time.Second)
			if d := cmp.Diff(tt.want, o.people()); d != "" {
				t.Error(d)
			}
			if kept := !strings.Contains(got(s), endTag); kept != (tt.want == nil) {
				t.Errorf("stream kept: %v", kept)
			}
		})
	}
}

// recorded signs a twin of a client off and on again in an office of its own, and
// returns what it said: a real client cannot be made to come back in half a second.
func (o *office) recorded(c *meshtest.Client) (goodbye, hello []mdns.Packet) {
	lan := meshtest.New()
	twin, err := lan.Join(meshtest.Person{Host: lan.Host("pronto", julietAt), Name: "pronto", Instance: c.Instance, Addrs: []netip.Addr{c.Addr}, Port: c.Port})
	if err != nil {
		o.t.Fatal(err)
	}
	o.wait(1500 * time.Millisecond)
	for _, s := range lan.Log() {
		hello = append(hello, s.Packet)
	}
	lan.ClearLog()
	twin.SignOff()
	synctest.Wait()
	for _, s := range lan.Log() {
		goodbye = append(goodbye, s.Packet)
	}
	return goodbye, hello
}

func TestTwoLinks(t *testing.T) {
	inOffice(t, "LL-11.1-1 LL-11.1-2 one peer on two links, gone when it has left both", func(t *testing.T, o *office) {
		h := o.onBoth()
		wired := o.join(meshtest.Person{Host: h, Name: "pronto", Instance: juliet, Addrs: addrs("10.2.1.187"), Port: 5298})
		radio := o.join(meshtest.Person{Host: h, Name: "pronto", Interface: "wlan0", Instance: juliet, Addrs: addrs("10.3.1.187"), Port: 5298})
		o.wait(4 * time.Second)
		events := of[linklocal.PeerChanged](o)
		if last := events[len(events)-1].Peer; !slices.Equal(last.Interfaces, []string{"eth0", "wlan0"}) {
			t.Errorf("seen on %v", last.Interfaces)
		}
		if in := o.mesh.Inside(); in.Peers != 1 {
			t.Errorf("%d peers", in.Peers)
		}
		o.forget()
		radio.SignOff()
		o.wait(time.Minute)
		if n := len(of[linklocal.PeerGone](o)); n != 0 {
			t.Error("gone though still on eth0")
		}
		if events = of[linklocal.PeerChanged](o); len(events) != 1 || !slices.Equal(events[0].Peer.Interfaces, []string{"eth0"}) {
			t.Errorf("told %+v", events)
		}
		wired.SignOff()
		o.wait(3 * time.Second)
		if n := len(of[linklocal.PeerGone](o)); n != 1 {
			t.Errorf("gone %d times", n)
		}
	}, twoLinks)
	inOffice(t, "LL-11.1-1 one stream for a peer on two links", func(t *testing.T, o *office) {
		o.publish(nurseJ, nurse)
		h := o.onBoth()
		wired := o.join(meshtest.Person{Host: h, Name: "pronto", Instance: juliet, Addrs: addrs("10.2.1.187"), Port: 5298})
		radio := o.join(meshtest.Person{Host: h, Name: "pronto", Interface: "wlan0", Instance: juliet, Addrs: addrs("10.3.1.187"), Port: 5298})
		o.wait(4 * time.Second)
		a := o.call(wired, nurse)
		b := o.call(radio, nurse)
		o.hears(a, endTag)
		o.say(b, "<message><body>over the air</body></message>")
		if d := cmp.Diff([]string{juliet + ">" + nurseJ + ": over the air"}, o.received()); d != "" {
			t.Error(d)
		}
	}, twoLinks)
	inOffice(t, "INJ-12 LL-11.1-4 two hosts with one instance: neither's address is proof on the other's link", func(t *testing.T, o *office) {
		o.publish(nurseJ, nurse)
		o.join(meshtest.Person{Host: o.Host("pronto", julietAt), Name: "pronto", Instance: juliet, Addrs: addrs("10.2.1.187")})
		other := o.Host("forza")
		other.Attach("wifi", "wlan0", "10.3.1.66/24")
		wild := o.join(meshtest.Person{Host: other, Name: "forza", Interface: "wlan0", Instance: juliet, Addrs: addrs("10.3.1.66")})
		o.wait(4 * time.Second)
		if in := o.mesh.Inside(); in.Peers != 1 {
			t.Errorf("%d peers", in.Peers)
		}
		port := o.port(wild)
		for _, tt := range []struct {
			from, to string
			bound    bool
		}{
			{"10.2.1.187", bridgeAt, true},
			{"10.3.1.66", "10.3.1.1", true},
			{"10.2.1.66", bridgeAt, false},    // the other's host number on this link
			{"10.3.1.187", "10.3.1.1", false}, // and the reverse
		} {
			conn, err := o.Dial(t.Context(), netip.MustParseAddr(tt.from), netip.AddrPortFrom(netip.MustParseAddr(tt.to), port))
			if err != nil {
				t.Fatal(err)
			}
			s := (&meshtest.Stream{Conn: conn.(*meshtest.Conn)}).Start()
			o.say(s, "%s", meshtest.Header(juliet, nurse))
			o.wait(5 * time.Second)
			if bound := !strings.Contains(got(s), "<invalid-from "); bound != tt.bound {
				t.Errorf("from %s: bound %v", tt.from, bound)
			}
		}
	}, twoLinks)
	inOffice(t, "INJ-12 an instance of one link is nobody on the other", func(t *testing.T, o *office) {
		o.publish(nurseJ, nurse)
		j := o.client("pronto", juliet, julietAt)
		o.wait(4 * time.Second)
		conn, err := o.Dial(t.Context(), netip.MustParseAddr("10.3.1.187"), netip.AddrPortFrom(netip.MustParseAddr("10.3.1.1"), o.port(j)))
		if err != nil {
			t.Fatal(err)
		}
		s := (&meshtest.Stream{Conn: conn.(*meshtest.Conn)}).Start()
		o.say(s, "%s", meshtest.Header(juliet, nurse))
		o.closes(s, 5*time.Second)
		refusedWith(t, s, "invalid-from")
	}, twoLinks)
}

// port returns the port of the mesh as a client resolves it.
func (o *office) port(c *meshtest.Client) uint16 {
	o.t.Helper()
	ep, err := c.Engine.Resolve(o.t.Context(), linklocal.ServiceType, nurse, c.Engine.Interfaces()[0].Index, false)
	if err != nil {
		o.t.Fatal(err)
	}
	return ep.Port
}

func TestOtherBridges(t *testing.T) {
	inOffice(t, "LL-4-9 a proxy instance of another bridge is no peer, and cannot open a stream", func(t *testing.T, o *office) {
		o.staff()
		o.forget()
		x := o.client("annex", `peter\40example.net@annex`, "10.2.1.77/24", "txtvers=1", "gw=12345678")
		y := o.client("shed", `paul\40example.net@shed`, "10.2.1.78/24", "txtvers=1", "gw")
		o.wait(4 * time.Second)
		if len(o.people()) > 0 || o.count("LL-4-9") < 2 {
			t.Errorf("told of %v, counted %d", o.people(), o.count("LL-4-9"))
		}
		for _, c := range []*meshtest.Client{x, y} {
			s := o.dial(c, nurse)
			o.say(s, "%s", meshtest.Header(c.Instance, nurse))
			o.closes(s, 5*time.Second)
			refusedWith(t, s, "invalid-from")
		}
		if strings.Contains(o.logged(), "same component domain") {
			t.Errorf("logged %q", o.logged())
		}
	})
	inOffice(t, "LL-4-9 another bridge for our own domain is a loud error", func(t *testing.T, o *office) {
		o.client("annex", `peter\40example.net@annex`, "10.2.1.77/24", "txtvers=1", "gw="+linklocal.GatewayMark("lan.example.com"))
		o.wait(4 * time.Second)
		if !strings.Contains(o.logged(), "level=ERROR") || !strings.Contains(o.logged(), "stop one of the two") {
			t.Errorf("logged %q", o.logged())
		}
	})
	inOffice(t, "LL-4-9 a peer that turns out to be one leaves at once", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		o.send(juliet, 1, "x")
		o.forget()
		j.SetTXT("txtvers=1", "gw=12345678")
		o.until(5*time.Second, "juliet is gone", func() bool { return len(of[linklocal.PeerGone](o)) == 1 })
		o.hears(s, endTag)
		j.SetTXT("txtvers=1")
		o.wait(5 * time.Second)
		if d := cmp.Diff([]string{"-" + juliet, "+" + juliet}, o.people()); d != "" {
			t.Error(d)
		}
	})
	inOffice(t, "LL-4-9 our own are marked, and a mesh without a mark takes them for people", func(t *testing.T, o *office) {
		j, _ := o.staff()
		txt, ok := j.Sees(nurse)
		if !ok || !slices.Contains(txt, "gw=bd42c1c5") {
			t.Errorf("published %q", txt)
		}
		var people []string
		m, err := linklocal.New(linklocal.Config{
			Interfaces: []string{"eth0"}, Machine: "plain", Network: o.Host("plain", "10.2.1.90/24"), Transport: o.Transport(), Log: slog.New(slog.DiscardHandler),
			Handle: func(ev linklocal.Event) {
				if e, ok := ev.(linklocal.PeerChanged); ok {
					people = append(people, e.Peer.Instance)
				}
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan error)
		go func() { ended <- m.Run(ctx) }()
		o.wait(4 * time.Second)
		stop()
		<-ended
		if !slices.Contains(people, nurse) {
			t.Errorf("seen: %q", people)
		}
	})
}
