package bridge

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"meshbridge/linklocal/mdns/mdnstest"
)

func TestAttend(t *testing.T) {
	// told takes what the mesh was told since the last time.
	told := func(c *coreRig) []string {
		list := c.mesh.attended
		c.mesh.attended = nil
		return list
	}
	wants := func(t *testing.T, c *coreRig, when string, want ...string) {
		t.Helper()
		if got := told(c); !slices.Equal(got, want) {
			t.Errorf("%s: told %q, want %q", when, got, want)
		}
	}
	synctestRun(t, "a peer is watched while a subscribed colleague is online", func(t *testing.T) {
		c := newCoreRig(t)
		c.up()
		c.hears(pres(aliceJID+"/desk", component, ""))
		c.peer(julietName, "pronto")
		wants(t, c, "nobody is subscribed")
		c.hears(pres(aliceJID, julietJID, "subscribe"))
		wants(t, c, "Alice is", "+"+julietName)
		c.hears(pres(aliceJID+"/phone", component, ""))
		c.hears(pres(aliceJID+"/desk", component, "unavailable"))
		wants(t, c, "one of two devices left")
		c.hears(pres(aliceJID+"/phone", component, "unavailable"))
		wants(t, c, "the other one, too", "-"+julietName)
		c.hears(pres(aliceJID+"/phone", component, ""))
		wants(t, c, "back", "+"+julietName)
		c.peerGone(julietName, "")
		wants(t, c, "Juliet is gone", "-"+julietName)
		c.peer(julietName, "pronto")
		wants(t, c, "and back", "+"+julietName)
		c.hears(pres(aliceJID, julietJID, "unsubscribe"))
		wants(t, c, "Alice is not subscribed any more", "-"+julietName)
	})
	synctestRun(t, "a peer is watched for ten minutes after a message in either direction", func(t *testing.T) {
		c := withJuliet(t)
		told(c)
		c.says(julietName, "1", "hello")
		wants(t, c, "Juliet wrote", "+"+julietName)
		c.rest(9 * time.Minute)
		c.hears(chat(aliceJID, "2", "hello"))
		c.rest(9 * time.Minute)
		wants(t, c, "Alice wrote nine minutes ago")
		c.rest(time.Minute + time.Second)
		wants(t, c, "ten minutes later", "-"+julietName)
		c.rest(time.Hour)
		wants(t, c, "later")
	})
	synctestRun(t, "another mesh is told again", func(t *testing.T) {
		c := withJuliet(t)
		c.says(julietName, "1", "hello")
		told(c)
		c.leaveMesh()
		c.peer(julietName, "pronto")
		wants(t, c, "found again", "+"+julietName)
	})
	synctestRun(t, "who is dismissed watches nobody", func(t *testing.T) {
		c := newCoreRig(t)
		c.up()
		c.hears(pres(aliceJID+"/desk", component, ""))
		c.peer(julietName, "pronto")
		c.hears(pres(aliceJID, julietJID, "subscribe"))
		told(c)
		next := c.cfg
		next.Colleagues = nil
		if _, err := c.change(next); err != nil {
			t.Fatal(err)
		}
		wants(t, c, "Alice is off the list", "-"+julietName)
	})
}

// vanishes takes a person's machine from the network without a word: nothing comes from
// it and nothing gets there, until it is back.
func (p *person) vanishes() (back func()) {
	p.host.Detach("eth0")
	p.o.lan.SetLatency(func(_ netip.Addr, to netip.AddrPort) time.Duration {
		if to.Addr() == p.addr {
			return time.Hour
		}
		return 0
	})
	unsent := func(n int) {
		for _, c := range p.o.lan.Connections() {
			c.SetUnsent(n)
			c.Far().SetUnsent(n)
		}
	}
	unsent(10)
	return func() {
		p.host.Attach(mdnstest.DefaultLink, "eth0", netip.PrefixFrom(p.addr, 24).String())
		p.o.lan.SetLatency(nil)
		unsent(0)
	}
}

// seesWithin lets at most d pass until somebody sees an address as wanted.
func (f *friend) seesWithin(d time.Duration, address, want string) {
	f.o.Helper()
	for start := time.Now(); time.Since(start) < d; f.o.pass(100 * time.Millisecond) {
		f.mu.Lock()
		got := f.saw[address]
		f.mu.Unlock()
		if got == want {
			return
		}
	}
	f.expectSees(address, want)
}

func TestGhostsUpstream(t *testing.T) {
	scene(t, "LL-9-6 vanished without a word: gone within ten seconds of the first message, which is delivered when she is back", func(o *office) {
		alice, juliet := o.together()
		back := juliet.vanishes()
		alice.writes(julietJID, "are you there?")
		alice.seesWithin(10*time.Second, julietJID, "unavailable")
		o.pass(time.Minute)
		back()
		o.pass(15 * time.Second)
		alice.expectSees(julietJID, "available")
		o.expect("read", juliet.reads(), aliceInstance+": are you there?")
	})
	scene(t, "LL-9-6 the same under an open stream", func(o *office) {
		alice, juliet := o.together()
		juliet.writes(aliceInstance, "hello")
		alice.writes(julietJID, "hello")
		o.pass(5 * time.Second)
		juliet.vanishes()
		alice.writes(julietJID, "are you there?")
		alice.seesWithin(10*time.Second, julietJID, "unavailable")
	})
	scene(t, "watched by Alice, who is online: gone within sixty seconds without any traffic", func(o *office) {
		alice, juliet := o.together()
		o.pass(7 * time.Minute)
		juliet.vanishes()
		alice.seesWithin(60*time.Second, julietJID, "unavailable")
	})
	scene(t, "watched by nobody: gone within 130 seconds", func(o *office) {
		alice, juliet := o.together()
		alice.Unavailable()
		o.pass(15 * time.Minute)
		juliet.vanishes()
		o.pass(130 * time.Second)
		o.do(func(g *Gateway) {
			if g.seen[julietName].present {
				o.Error("still there")
			}
		})
		alice.Available("", "")
		o.pass(3 * time.Second)
		alice.expectSees(julietJID, "unavailable")
	})
	scene(t, "GW-19 ten naps of a second and a half: no presence, and nothing is lost", func(o *office) {
		alice, juliet := o.together()
		for n := range 10 {
			back := juliet.vanishes()
			alice.writes(julietJID, fmt.Sprint(n))
			o.pass(1500 * time.Millisecond)
			back()
			o.pass(20 * time.Second)
		}
		o.expect("presences", alice.presences())
		if got := juliet.reads(); len(got) != 10 {
			o.Errorf("read %q", got)
		}
	})
	scene(t, "what was asked is counted apart in status", func(o *office) {
		_, juliet := o.together()
		o.pass(10 * time.Minute)
		if m := o.status().Mesh; m.LivenessQuestions < 14 || m.LivenessQuestions > 16 || m.Doubts != 0 || m.Vanished != 0 {
			o.Errorf("%+v", m)
		}
		juliet.vanishes()
		o.pass(time.Minute)
		if m := o.status().Mesh; m.Doubts != 1 || m.Vanished != 1 {
			o.Errorf("%+v", m)
		}
	})
}
