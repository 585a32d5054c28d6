package bridge

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"meshbridge/bridge/config"
	"meshbridge/bridge/store"
	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
	"meshbridge/upstream"
)

func TestOutage(t *testing.T) {
	scene(t, "COMP-12 a loss of 10 s is not seen on the mesh at all", func(o *office) {
		_, juliet := o.together()
		before := len(o.announced("router", aliceInstance))
		o.server.Stop()
		o.pass(10 * time.Second)
		o.must(o.server.Start())
		o.friend(aliceJID).Available("", "At my desk")
		o.pass(20 * time.Second)
		if n := len(o.announced("router", aliceInstance)) - before; n != 0 {
			o.Errorf("%d records about Alice were sent", n)
		}
		juliet.expectSees(aliceInstance, "avail At my desk")
	})
	scene(t, "COMP-12 a loss of 40 s is one TXT update, and what Juliet writes meanwhile arrives", func(o *office) {
		alice, juliet := o.together()
		juliet.writes(aliceInstance, "before") // the stream stays open
		alice.got()
		since := time.Now()
		o.server.Stop()
		o.pass(29 * time.Second)
		o.expect("TXT before the grace ends", o.texts(aliceInstance, since))
		o.pass(11 * time.Second)
		o.expect("TXT", o.texts(aliceInstance, since), "away "+outageText)
		juliet.expectSees(aliceInstance, "away "+outageText)
		juliet.writes(aliceInstance, "during")
		if n := len(juliet.all); n != 1 {
			o.Errorf("Juliet needed %d streams", n)
		}
		o.must(o.server.Start())
		alice.Available("dnd", "Back")
		o.pass(time.Minute)
		o.expect("Alice reads", alice.reads(), julietJID+": during")
		juliet.expectSees(aliceInstance, "dnd Back")
		if n := o.goodbyes("router", aliceInstance); n != 0 {
			o.Errorf("%d goodbyes", n)
		}
	})
	scene(t, "COMP-12 after withdraw_after there are goodbyes, and messages of hers wait until she may be shown", func(o *office) {
		alice, juliet := o.together()
		juliet.takesCalls(false)
		alice.writes(julietJID, "kept")
		o.server.Stop()
		o.pass(15*time.Minute - 10*time.Second)
		juliet.expectSees(aliceInstance, "away "+outageText)
		o.pass(15 * time.Second)
		juliet.expectSees(aliceInstance, "")
		if n := o.goodbyes("router", aliceInstance); n != 1 {
			o.Errorf("%d goodbyes", n)
		}
		juliet.takesCalls(true)
		o.pass(5 * time.Minute)
		juliet.expectSees(aliceInstance, "")
		o.expect("Juliet reads", juliet.reads())
		o.must(o.server.Start())
		o.pass(3 * time.Minute)
		o.expect("Juliet reads", juliet.reads(), aliceInstance+": kept")
	})
	scene(t, "a colleague's logout that was under way when the server went is carried out", func(o *office) {
		alice, juliet := o.together()
		alice.Unavailable()
		o.pass(2 * time.Second)
		o.server.Stop()
		o.pass(12 * time.Second)
		juliet.expectSees(aliceInstance, "")
		o.pass(time.Minute)
		juliet.expectSees(aliceInstance, "")
	})
	scene(t, "a colleague who comes back before the outage is over is not shown as she was", func(o *office) {
		_, juliet := o.together()
		o.server.Stop()
		o.pass(40 * time.Second)
		o.gateway.post(due{new(alarm), func() { o.gateway.mirrorAll() }}) // whatever else looks at her now
		o.pass(3 * time.Second)
		juliet.expectSees(aliceInstance, "away "+outageText)
	})
}

func TestRoom(t *testing.T) {
	synctestRun(t, "COMP-18 strangers who ask by the thousand take no room from messages", func(t *testing.T) {
		c := withJuliet(t)
		c.session.room = 1024
		for i := range 1500 {
			c.hears(stanza.Stanza{Kind: stanza.IQ, Type: "get", From: "mallory@example.net/x", To: component, ID: fmt.Sprint(i),
				Payload: []*stanza.Element{stanza.New(stanza.NSPing, "ping")}})
		}
		c.says(julietName, "1", "hello")
		if list := messagesIn(c.session.take()); len(list) != 1 {
			t.Errorf("%d messages were sent", len(list))
		}
		c.session.room = 0
		c.routed(c.session.seq)
		if n := len(c.session.take()); n < saidWindow {
			t.Errorf("%d answers more when there is room", n)
		}
	})
}

func TestWaiting(t *testing.T) {
	synctestRun(t, "SEC-7 one server of several that refuses us takes nobody off the mesh; when all were tried it does", func(t *testing.T) {
		c := newCoreRig(t)
		c.up()
		c.hears(pres(aliceJID+"/phone", component, ""))
		c.down(upstream.Down{Session: new(upstream.Session), Class: upstream.Transient})
		c.down(upstream.Down{Class: upstream.Refused})
		upstreamEvent{upstream.Waiting{For: time.Second}}.apply(c.Gateway)
		if len(c.mesh.published) != 1 || len(c.mesh.withdrawn) != 0 {
			t.Fatalf("published %d, withdrawn %v", len(c.mesh.published), c.mesh.withdrawn)
		}
		upstreamEvent{upstream.Waiting{For: 5 * time.Minute, Refused: true}}.apply(c.Gateway)
		if len(c.mesh.withdrawn) != 1 {
			t.Error("she is still shown")
		}
	})
}

func TestPace(t *testing.T) {
	synctestRun(t, "COMP-18 500 x 100 pairs go out at 100 a second, and a chat line waits for none of them", func(t *testing.T) {
		c := newCoreRig(t, func(cfg *config.Config) {
			for i := range 500 {
				cfg.Colleagues = append(cfg.Colleagues, config.Colleague{JID: mustJID(fmt.Sprintf("c%d@example.org", i))})
			}
		})
		c.routing = true
		c.Gateway.up(c.session)
		for k := range 100 {
			name := fmt.Sprintf("p%d@pc", k)
			for i := range 500 {
				c.watch(store.Pair{Colleague: fmt.Sprintf("c%d@example.org", i), Local: localOf(name)})
			}
			c.peer(name, "pc")
		}
		start := time.Now()
		for range 10 {
			c.rest(time.Second)
			c.fromMesh(linklocal.Received{Peer: "p1@pc", Proxy: aliceJID, Stanza: chat("", "", "hello")})
			sent := c.session.take()
			if last := sent[len(sent)-1]; last.Kind != stanza.Message {
				t.Fatal("the message waits")
			}
			if n := len(sent) - 1; time.Since(start) > time.Second && n > 110 {
				t.Errorf("%d in a second", n)
			}
		}
		total := 0
		for len(c.chores.order) > 0 {
			c.rest(time.Minute)
			total += len(c.session.take())
		}
		if min := 500*100 - 12*100; total < min {
			t.Errorf("%d presences went out, want %d", total, min)
		}
		if rate := float64(total) / time.Since(start).Seconds(); rate > 101 {
			t.Errorf("%.0f a second", rate)
		}
	})
}

func synctestRun(t *testing.T, name string, f func(*testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
}
