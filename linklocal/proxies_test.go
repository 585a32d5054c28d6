package linklocal_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meshbridge/linklocal"
	"meshbridge/linklocal/mdns/mdnstest"
	"meshbridge/linklocal/meshtest"
)

// states returns how publishing went: the instance, and + once it is announced.
func (o *office) states() (list []string) {
	for _, p := range of[linklocal.ProxyChanged](o) {
		text := p.Instance
		if p.Announced {
			text += "+"
		}
		if p.Err != nil {
			text += "!"
		}
		list = append(list, text)
	}
	return list
}

// knock connects from a host on the LAN to every address and port that the records
// of an instance name, and returns those that did not answer.
func (o *office) knock(c *meshtest.Client, instance string) (silent []string) {
	o.t.Helper()
	ep, err := c.Engine.Resolve(o.t.Context(), linklocal.ServiceType, instance, c.Engine.Interfaces()[0].Index, true)
	if err != nil {
		o.t.Fatal(err)
	}
	for _, a := range ep.Addrs {
		conn, err := o.Dial(o.t.Context(), c.Addr, netip.AddrPortFrom(a, ep.Port))
		if err != nil {
			silent = append(silent, fmt.Sprint(a, " ", ep.Port))
			continue
		}
		conn.Close()
	}
	return silent
}

func TestPorts(t *testing.T) {
	listening := func(o *office) (ports []uint16) {
		for _, l := range of[linklocal.Listening](o) {
			ports = append(ports, l.Port)
		}
		return ports
	}
	inOffice(t, "LL-3-7 LL-3-6 no port configured, the usual one taken: the SRV record names the one that was bound", func(t *testing.T, o *office) {
		j, _ := o.staff()
		if ports := listening(o); len(ports) != 1 || ports[0] == 0 || ports[0] == 5298 || ports[0] != o.port(j) {
			t.Errorf("listening at %v, SRV %d", ports, o.port(j))
		}
		if strings.Contains(o.logged(), "level=WARN") {
			t.Errorf("that is nothing to warn of: %q", o.logged())
		}
	}, occupy(bridgeAt+":5298"))
	inOffice(t, "LL-3-7 no port configured, the usual one free: the same after every restart", func(t *testing.T, o *office) {
		j, _ := o.staff()
		if ports := listening(o); len(ports) != 1 || ports[0] != 5298 || o.port(j) != 5298 {
			t.Errorf("listening at %v, SRV %d", ports, o.port(j))
		}
	})
	inOffice(t, "LL-3-7 LL-3-8 the configured port, in TXT too", func(t *testing.T, o *office) {
		j, _ := o.staff()
		txt, _ := j.Sees(nurse)
		if o.port(j) != 5562 || !slices.Contains(txt, "port.p2pj=5562") {
			t.Errorf("SRV %d, TXT %q", o.port(j), txt)
		}
	}, with(func(c *linklocal.Config) { c.Port, c.LegacyPort = 5562, true }))
	inOffice(t, "LL-3-28 a port that is taken on IPv6 is no port for IPv4", func(t *testing.T, o *office) {
		o.publish(nurseJ, nurse)
		j := o.client("pronto", juliet, julietAt)
		o.wait(4 * time.Second)
		if silent := o.knock(j, nurse); len(silent) > 0 || o.port(j) == 5298 {
			t.Errorf("nobody at %v", silent)
		}
		if ports := listening(o); len(ports) != 1 || ports[0] != o.port(j) {
			t.Errorf("told of %v, SRV %d", ports, o.port(j))
		}
		if log := o.logged(); !strings.Contains(log, "set linklocal.port") || !strings.Contains(log, "level=WARN") {
			t.Errorf("the admin reads %q", o.logged())
		}
	}, hosting("10.2.1.1/24", "fe80::1/64"), with(func(c *linklocal.Config) { c.Port = 5298 }), occupy("[fe80::1%eth0]:5298"))
	inOffice(t, "LL-3-28 the same for a port of the system's choice", func(t *testing.T, o *office) {
		o.publish(nurseJ, nurse)
		j := o.client("pronto", juliet, julietAt)
		o.wait(4 * time.Second)
		if silent := o.knock(j, nurse); len(silent) > 0 {
			t.Errorf("nobody at %v", silent)
		}
	}, hosting("10.2.1.1/24", "fe80::1/64"), occupy("[fe80::1%eth0]:5298", "[fe80::1%eth0]:40001", "[fe80::1%eth0]:40002"))
	inOffice(t, "LL-3-28 an address that comes later has the port in use: another one for all, streams stay", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		occupy("10.9.0.1:5298")(o)
		o.host.SetAddrs("eth0", bridgeAt+"/24", "10.9.0.1/24")
		o.wait(10 * time.Second)
		if silent := o.knock(j, nurse); len(silent) > 0 || o.port(j) == 5298 {
			t.Errorf("nobody at %v, port %d", silent, o.port(j))
		}
		if ports := listening(o); len(ports) != 2 || ports[1] != o.port(j) {
			t.Errorf("told of %v", ports)
		}
		o.say(s, "<message><body>still here</body></message>")
		o.send(juliet, 1, "me too")
		o.hears(s, "me too")
		if len(o.received()) != 1 || len(of[linklocal.PeerGone](o)) > 0 {
			t.Errorf("told of %q", o.received())
		}
	}, with(func(c *linklocal.Config) { c.Port = 5298 }))
	inOffice(t, "LL-3-28 an address that goes is not listened at, one that comes is", func(t *testing.T, o *office) {
		j, _ := o.staff()
		o.host.SetAddrs("eth0", "10.2.1.2/24")
		o.wait(5 * time.Second)
		if silent := o.knock(j, nurse); len(silent) > 0 {
			t.Errorf("nobody at %v", silent)
		}
		if _, err := o.Dial(t.Context(), j.Addr, netip.AddrPortFrom(netip.MustParseAddr(bridgeAt), o.port(j))); err == nil {
			t.Error("the old address answers still")
		}
		if in := o.mesh.Inside(); in.Ears != 1 {
			t.Errorf("%d listeners", in.Ears)
		}
	})
	inOffice(t, "no interface yet: published once there is one", func(t *testing.T, o *office) {
		j := o.client("pronto", juliet, julietAt)
		o.publish(nurseJ, nurse)
		o.wait(10 * time.Second)
		if len(listening(o)) > 0 {
			t.Error("listening at nothing")
		}
		o.host.Attach("lan", "eth0", bridgeAt+"/24")
		o.wait(5 * time.Second)
		if _, ok := j.Sees(nurse); !ok {
			t.Error("not published")
		}
	}, func(o *office) { o.host = o.Host("late"); o.cfg.Network = o.host })
}

// occupy puts another program at these addresses.
func occupy(list ...string) func(*office) {
	return func(o *office) {
		for _, at := range list {
			if _, err := o.Listen(netip.MustParseAddrPort(at)); err != nil {
				o.t.Fatal(err)
			}
		}
	}
}

func TestProxies(t *testing.T) {
	inOffice(t, "published, changed, withdrawn", func(t *testing.T, o *office) {
		j := o.client("pronto", juliet, julietAt)
		o.publish(nurseJ, nurse)
		o.wait(4 * time.Second)
		o.mesh.Publish(linklocal.Proxy{Key: nurseJ, Instance: nurse, Profile: linklocal.Profile{Status: linklocal.DND}})
		o.wait(4 * time.Second)
		if txt, _ := j.Sees(nurse); !slices.Contains(txt, "status=dnd") {
			t.Errorf("TXT %q", txt)
		}
		o.mesh.Withdraw(nurseJ)
		o.wait(2 * time.Second)
		if _, ok := j.Sees(nurse); ok {
			t.Error("still there")
		}
		if d := cmp.Diff([]string{nurse, nurse + "+"}, o.states()); d != "" {
			t.Error(d)
		}
		if in := o.mesh.Inside(); in.Proxies != 0 {
			t.Errorf("left over: %+v", in)
		}
	})
	inOffice(t, "withdrawn and published at once, over and over: it is there", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		for i := range 20 {
			o.mesh.Withdraw(nurseJ)
			o.mesh.Publish(linklocal.Proxy{Key: nurseJ, Instance: nurse, Profile: linklocal.Profile{Nick: fmt.Sprint(i)}})
			if i%3 == 0 {
				o.wait(300 * time.Millisecond)
			}
		}
		o.hears(s, endTag)
		o.wait(5 * time.Second)
		if txt, _ := j.Sees(nurse); !slices.Contains(txt, "nick=19") {
			t.Errorf("TXT %q", txt)
		}
		o.call(j, nurse)
		if list := o.states(); list[len(list)-1] != nurse+"+" {
			t.Errorf("states %q", list)
		}
	})
	inOffice(t, "published and withdrawn at once: it is not there", func(t *testing.T, o *office) {
		j := o.client("pronto", juliet, julietAt)
		o.wait(3 * time.Second)
		o.publish(nurseJ, nurse)
		o.mesh.Withdraw(nurseJ)
		o.send(juliet, 1, "x")
		o.wait(5 * time.Second)
		if _, ok := j.Sees(nurse); ok {
			t.Error("seen")
		}
		o.wantReturned(linklocal.ErrNoProxy, 1)
	})
	inOffice(t, "a stream that was bound while its colleague left is refused", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.dial(j, nurse)
		go s.Say(meshtest.Header(juliet, nurse)) // her address is being looked up
		o.wait(5 * time.Millisecond)
		o.mesh.Withdraw(nurseJ)
		o.closes(s, 5*time.Second)
		refusedWith(t, s, "host-gone")
		if in := o.mesh.Inside(); in.Pairs != 0 || in.Streams != 0 {
			t.Errorf("left over: %+v", in)
		}
	})
	inOffice(t, "LL-3-12 two colleagues who want one name: both are there, under two", func(t *testing.T, o *office) {
		o.publish("first@example.com", "nurse@bridge")
		o.publish("second@example.com", "nurse@bridge")
		j := o.client("pronto", juliet, julietAt)
		o.wait(5 * time.Second)
		for i, name := range []string{"nurse@bridge", "nurse-1@bridge"} {
			s := o.call(j, name)
			o.say(s, "<message to='%s'><body>%d</body></message>", name, i)
		}
		want := []string{juliet + ">first@example.com: 0", juliet + ">second@example.com: 1"}
		if d := cmp.Diff(want, o.received()); d != "" {
			t.Error(d)
		}
		o.mesh.Withdraw("second@example.com")
		o.wait(time.Millisecond)
		o.call(j, "nurse@bridge")
	})
	inOffice(t, "two names for one, before there is an interface", func(t *testing.T, o *office) {
		o.publish("b@example.com", "nurse@bridge")
		o.publish("a@example.com", "nurse@bridge")
		o.wait(time.Second)
		o.host.Attach("lan", "eth0", bridgeAt+"/24")
		j := o.client("pronto", juliet, julietAt)
		o.wait(6 * time.Second)
		for i, name := range []string{"nurse@bridge", "nurse-1@bridge"} {
			o.say(o.call(j, name), "<message to='%s'><body>%d</body></message>", name, i)
		}
		want := []string{juliet + ">a@example.com: 0", juliet + ">b@example.com: 1"}
		if d := cmp.Diff(want, o.received()); d != "" {
			t.Error(d)
		}
	}, func(o *office) { o.host = o.Host("late"); o.cfg.Network = o.host })
	inOffice(t, "LL-3-13 renamed under an open stream: it ends, and what it had to say goes out under the new name", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		s.Far().SetUnsent(1)
		o.send(juliet, 1, "one")
		o.hears(s, "one")
		defer o.usurp(nurse)()
		o.until(10*time.Second, "renamed", func() bool { return strings.HasPrefix(o.states()[len(o.states())-1], `nurse\40example.com-1@bridge`) })
		o.hears(s, endTag)
		o.send(juliet, 2, "two")
		next := o.answer(j)
		o.wait(3 * time.Second)
		if from := attribute(got(next), "from"); from != `nurse\40example.com-1@bridge` {
			t.Errorf("from %q", from)
		}
		if d := cmp.Diff([]string{"one", "two"}, bodies(next)); d != "" {
			t.Error(d)
		}
		if d, r := o.tokens(); !slices.Equal(d, []uint64{1, 2}) || len(r) > 0 {
			t.Errorf("delivered %v, returned %v", d, r)
		}
		old := o.dial(j, `nurse\40example.com-1@bridge`)
		o.say(old, "%s", meshtest.Header(juliet, nurse))
		o.closes(old, 5*time.Second)
		refusedWith(t, old, "host-unknown")
	})
	inOffice(t, "every name taken: given up, what waits comes back, and a new try is made when asked", func(t *testing.T, o *office) {
		j := o.client("pronto", juliet, julietAt)
		giveWay := o.usurp("nurse@bridge")
		o.wait(3 * time.Second)
		proxy := linklocal.Proxy{Key: nurseJ, Instance: "nurse@bridge", Rename: func(int) string { return "nurse@bridge" }}
		o.mesh.Publish(proxy)
		o.send(juliet, 1, "x")
		o.until(2*time.Minute, "given up", func() bool { list := o.states(); return len(list) > 0 && strings.HasSuffix(list[len(list)-1], "!") })
		o.send(juliet, 2, "y")
		o.wait(time.Second)
		o.wantReturned(linklocal.ErrNoProxy, 1, 2)
		giveWay()
		o.wait(5 * time.Second)
		o.mesh.Publish(proxy)
		o.send(juliet, 3, "z")
		s := o.answer(j)
		o.hears(s, "<body>z</body>")
	})
	inOffice(t, "a goodbye for what a former run left, not for what is there", func(t *testing.T, o *office) {
		j, _ := o.staff()
		o.client("ghost", "ghost@bridge", bridgeAt+"/24")
		o.wait(3 * time.Second)
		o.SetHooks(mdnstest.Hooks{Lose: func(s mdnstest.Sent) bool { return s.Host == "ghost" }})
		o.mesh.Retract("ghost@bridge")
		o.mesh.Retract(nurse)
		o.wait(3 * time.Second)
		if _, ok := j.Sees("ghost@bridge"); ok {
			t.Error("the ghost walks")
		}
		if _, ok := j.Sees(nurse); !ok {
			t.Error("the nurse was withdrawn")
		}
	})
}
