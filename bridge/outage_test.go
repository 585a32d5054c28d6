package bridge

import (
	"fmt"
	"strings"
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

func TestReturn(t *testing.T) {
	scene(t, "COMP-11 COMP-18 after a restart of the server the state converges, departures included", func(o *office) {
		bob := o.friend("bob@example.org")
		bob.Available("", "")
		alice, juliet := o.together()
		bob.subscribes(julietJID)
		bob.expectSees(julietJID, "available")
		romeo := o.joins(romeoName, "forza", "10.2.1.188/24", "txtvers=1", "status=dnd")
		bob.subscribes(romeoJID)
		o.pass(3 * time.Second)
		bob.subscribes(romeoJID)
		bob.expectSees(romeoJID, "dnd")
		o.server.Stop()
		juliet.signOff()
		romeo.says("status=away", "msg=Out")
		o.pass(10 * time.Second)
		bob.got()
		o.must(o.server.Start())
		bob.Available("", "")
		o.pass(65 * time.Second)
		bob.expectSees(julietJID, "unavailable")
		bob.expectSees(romeoJID, "away Out")
		romeo.expectSees(aliceInstance, "") // she did not come back
		alice.Available("", "Here again")
		o.pass(3 * time.Second)
		romeo.expectSees(aliceInstance, "avail Here again")
	}, func(o *office) { o.list("bob@example.org", "Bob") })
	scene(t, "COMP-18 who has not answered 60 s after the authentication is withdrawn", func(o *office) {
		s := o.dialled
		juliet := o.juliet()
		o.start()
		s.comesOnline("phone", "")
		o.pass(3 * time.Second)
		s.hangsUp()
		o.pass(59 * time.Second)
		juliet.expectSees(aliceInstance, "avail")
		o.pass(6 * time.Second)
		juliet.expectSees(aliceInstance, "")
	}, standInHere)
	scene(t, "COMP-18 the time for an answer begins anew with each authentication", func(o *office) {
		s := o.dialled
		juliet := o.juliet()
		o.start()
		s.comesOnline("phone", "")
		o.pass(3 * time.Second)
		for range 3 {
			s.hangsUp()
			o.pass(50 * time.Second)
			juliet.expectSees(aliceInstance, "avail")
		}
	}, standInHere)
	scene(t, "COMP-18 the word of one device that leaves is no answer for the others", func(o *office) {
		s := o.dialled
		juliet := o.juliet()
		o.start()
		s.comesOnline("phone", "")
		s.comesOnline("desktop", "")
		o.pass(3 * time.Second)
		s.hangsUp()
		o.pass(5 * time.Second)
		s.says(presenceFrom(aliceJID+"/phone", "unavailable", ""))
		o.pass(50 * time.Second)
		juliet.expectSees(aliceInstance, "avail")
		o.pass(10 * time.Second)
		juliet.expectSees(aliceInstance, "")
	}, standInHere)
	scene(t, "a device that left during an outage is forgotten when the others are told of", func(o *office) {
		s := o.dialled
		juliet := o.juliet()
		o.start()
		s.comesOnline("phone", "<show>dnd</show><priority>5</priority>")
		s.comesOnline("desktop", "")
		o.pass(3 * time.Second)
		juliet.expectSees(aliceInstance, "dnd Do not disturb")
		s.hangsUp()
		o.pass(5 * time.Second)
		s.comesOnline("desktop", "")
		o.pass(5 * time.Second)
		juliet.expectSees(aliceInstance, "avail")
		s.comesOnline("desktop", "<status>still here</status>")
		o.pass(5 * time.Second)
		juliet.expectSees(aliceInstance, "avail still here")
	}, standInHere)
	scene(t, "COMP-12 what the outage made the proxies say is taken back at once, as far as is known", func(o *office) {
		s := o.dialled
		juliet := o.juliet()
		o.start()
		s.comesOnline("phone", "<show>dnd</show>")
		o.pass(3 * time.Second)
		s.silences(true)
		s.hangsUp()
		o.pass(40 * time.Second)
		juliet.expectSees(aliceInstance, "away "+outageText)
		s.silences(false)
		s.hangsUp()
		o.pass(65 * time.Second)
		if o.gateway.session == nil {
			o.Fatal("not back")
		}
		o.expect("TXT", o.texts(aliceInstance, time.Time{}), "dnd Do not disturb", "away "+outageText, "dnd Do not disturb")
	}, standInHere)
	scene(t, "COMP-11 the gateway's own presence is told anew, to those who are not listed too", func(o *office) {
		s := o.dialled
		o.start()
		for _, who := range []string{aliceJID, "dave@friends.example"} {
			s.says(presenceFrom(who, "subscribe", ""))
		}
		o.pass(10 * time.Second)
		s.got()
		s.hangsUp()
		o.pass(10 * time.Second)
		told := s.told()
		for _, who := range []string{aliceJID, "dave@friends.example"} {
			if n := count(told, component+" -> "+who+": available"); n != 1 {
				o.Errorf("%s was told %d times: %q", who, n, told)
			}
		}
	}, standInHere, func(o *office) { o.cfg.Access.Domains = []string{"friends.example"} })
	scene(t, "two sessions in a row without a word between them", func(o *office) {
		_, juliet := o.together()
		o.gateway.post(due{new(alarm), func() { o.gateway.up(o.gateway.session) }})
		juliet.writes(aliceInstance, "hello")
		o.pass(2 * time.Minute)
		juliet.expectSees(aliceInstance, "avail At my desk")
	})
}

func TestKept(t *testing.T) {
	scene(t, "COMP-14 ten messages of an outage arrive in order, with the time they were taken in", func(o *office) {
		alice, juliet := o.together()
		o.server.Stop()
		var want []string
		var times []time.Time
		for i := range 10 {
			o.pass(time.Second)
			times = append(times, time.Now())
			juliet.writes(aliceInstance, fmt.Sprint("line ", i))
			want = append(want, fmt.Sprint(julietJID, ": line ", i))
		}
		o.pass(10 * time.Second)
		o.must(o.server.Start())
		alice.Available("", "")
		o.pass(time.Minute)
		got := messagesIn(alice.got())
		var words []string
		for i, s := range got {
			words = append(words, s.From+": "+bodyOf(s))
			delay := s.Child(stanza.NSDelay, "delay")
			if delay == nil || delay.Attr("from") != component {
				o.Fatalf("no delay of the component: %s", stanza.Append(nil, stanza.Client, s))
			}
			stamp, err := time.Parse(time.RFC3339Nano, delay.Attr("stamp"))
			if err != nil || !strings.HasSuffix(delay.Attr("stamp"), "Z") || stamp.Sub(times[i]).Abs() > 100*time.Millisecond {
				o.Errorf("line %d: stamp %s, taken in at %v", i, delay.Attr("stamp"), times[i].UTC())
			}
		}
		o.expect("Alice reads", words, want...)
	})
	scene(t, "COMP-14 MAP-E5 of eleven the last is refused with an error, and one notice for all that follow", func(o *office) {
		alice, juliet := o.together()
		o.server.Stop()
		for i := range 13 {
			juliet.raw(aliceInstance, fmt.Sprintf(`<message id='%d' to='%s'><body>line %d</body></message>`, i, aliceInstance, i))
		}
		o.pass(3 * time.Second)
		got := stanzas(juliet.got())
		refused := aliceInstance + " resource-constraint"
		o.expect("Juliet is told", errorsIn(got), refused, refused, refused)
		if notices := len(messagesIn(got)) - 3; notices != 1 {
			o.Errorf("%d notices", notices)
		}
		o.must(o.server.Start())
		alice.Available("", "")
		o.pass(time.Minute)
		if n := len(alice.reads()); n != 10 {
			o.Errorf("Alice reads %d", n)
		}
	}, func(o *office) { o.cfg.Outbox.PerRecipient = 10 })
	scene(t, "GW-15 COMP-14 messages to a sleeping laptop: no error, and in order with the time when it is back", func(o *office) {
		alice, juliet := o.together()
		juliet.signOff()
		o.pass(10 * time.Second)
		alice.got()
		var want []string
		for i := range 10 {
			alice.writes(julietJID, fmt.Sprint("line ", i))
			want = append(want, fmt.Sprint(aliceInstance, ": line ", i))
		}
		alice.writes(julietJID, "one too many")
		o.pass(time.Hour)
		o.expect("Alice is told", errorsIn(alice.got()), julietJID+" resource-constraint")
		juliet.signOn("txtvers=1", "status=avail")
		o.pass(10 * time.Second)
		got := stanzas(juliet.got())
		for _, s := range got {
			if d := s.Child(stanza.NSDelay, "delay"); d == nil || d.Attr("from") != component {
				o.Errorf("no delay: %s", stanza.Append(nil, stanza.Client, s))
			}
		}
		var words []string
		for _, s := range got {
			words = append(words, s.From+": "+shown(s))
		}
		o.expect("Juliet reads", words, want...)
	}, func(o *office) { o.cfg.Outbox.PerRecipient = 10 })
	scene(t, "COMP-14 what has been kept for too long goes back to a colleague as an error", func(o *office) {
		alice, juliet := o.together()
		juliet.signOff()
		o.pass(10 * time.Second)
		alice.got()
		alice.writes(julietJID, "one")
		alice.writes(julietJID, "two")
		o.pass(12 * time.Minute)
		gone := julietJID + " remote-server-timeout"
		o.expect("Alice is told", errorsIn(alice.got()), gone, gone)
		if n := len(o.gateway.routes); n != 0 {
			o.Errorf("%d routes are left", n)
		}
	}, func(o *office) { o.cfg.Outbox.MaxAge = 10 * time.Minute })
	scene(t, "COMP-14 an expiry during an outage is told when somebody can be told", func(o *office) {
		alice, juliet := o.together()
		juliet.signOff()
		o.pass(10 * time.Second)
		alice.got()
		alice.writes(julietJID, "one")
		o.server.Stop()
		o.pass(12 * time.Minute)
		o.must(o.server.Start())
		alice.Available("", "")
		o.pass(2 * time.Minute)
		o.expect("Alice is told", errorsIn(alice.got()), julietJID+" remote-server-timeout")
	}, func(o *office) { o.cfg.Outbox.MaxAge = 10 * time.Minute })
	t.Run("while the clock is before the build there is no delay stamp", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := newCoreRig(t)
			c.floor = clockFloor // virtual time is before it
			c.peer(julietName, "pronto")
			c.fromMesh(linklocal.Received{Peer: julietName, Proxy: aliceJID, Stanza: chat("", "1", "late")})
			c.rest(time.Minute)
			c.Gateway.up(c.session)
			for _, s := range messagesIn(c.session.take()) {
				if s.Child(stanza.NSDelay, "delay") != nil {
					t.Error("stamped with a time that is not known")
				}
			}
		})
	})
}

func TestPace(t *testing.T) {
	synctestRun(t, "COMP-18 500 x 100 pairs go out at 100 a second, and a chat line waits for none of them", func(t *testing.T) {
		c := newCoreRig(t, func(cfg *config.Config) {
			for i := range 500 {
				cfg.Colleagues = append(cfg.Colleagues, config.Colleague{JID: mustJID(fmt.Sprintf("c%d@example.org", i))})
			}
		})
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

func TestUp(t *testing.T) {
	t.Run("COMP-18 messages go first, and what was in flight goes again, also when nobody said that the last session is over", func(t *testing.T) {
		c := newCoreRig(t)
		c.peer(julietName, "pronto")
		c.fromMesh(linklocal.Received{Peer: julietName, Proxy: aliceJID, Stanza: chat("", "1", "hello")})
		for range 2 {
			c.Gateway.up(c.session)
			sent := c.session.take()
			if len(sent) < 2 || sent[0].Kind != stanza.Message || len(messagesIn(sent)) != 1 {
				t.Errorf("sent %+v", sent)
			}
		}
		c.routed(c.session.seq)
		if n := c.box.Usage().Entries; n != 0 {
			t.Errorf("%d are kept", n)
		}
	})
	t.Run("COMP-11 the answer to our probe is no log-in: everybody was shown already", func(t *testing.T) {
		c := newCoreRig(t)
		c.peer(julietName, "pronto")
		c.watch(store.Pair{Colleague: aliceJID, Local: localOf(julietName)})
		c.watch(store.Pair{Colleague: aliceJID})
		c.Gateway.up(c.session)
		c.hears(pres(aliceJID+"/phone", component, ""))
		if n := count(words(c.session.take()), aliceJID+" available"); n != 2 {
			t.Errorf("shown %d times", n)
		}
	})
	t.Run("COMP-13 on the way out there is no new session, nobody is shown, and no outage begins", func(t *testing.T) {
		c := newCoreRig(t)
		c.up()
		c.hears(pres(aliceJID+"/r", component, ""))
		c.farewell()
		c.down(upstream.Down{Class: upstream.Stopped})
		c.session.take()
		c.Gateway.up(c.session)
		c.hears(pres(aliceJID+"/r", component, ""))
		c.mesh.published = nil
		busy := pres(aliceJID+"/other", component, "")
		busy.Payload = []*stanza.Element{stanza.New("", "status").AddText("new")}
		c.hears(busy)
		if c.Gateway.session != nil || len(c.session.take()) != 0 || len(c.mesh.published) != 0 || c.outage.away.set() {
			t.Errorf("session %v, published %v", c.Gateway.session, c.mesh.published)
		}
		c.peer(julietName, "pronto")
		c.fromMesh(linklocal.Received{Peer: julietName, Proxy: aliceJID, Stanza: chat("", "1", "hello")})
		if n := c.box.Usage().Entries; n != 0 || len(errorsIn(deliveries(c.mesh.take()))) != 1 {
			t.Errorf("%d were taken in", n)
		}
	})
	synctestRun(t, "an alarm that is turned off does not go off, even when its time has come", func(t *testing.T) {
		c := newCoreRig(t)
		rang := 0
		a, b := c.after(time.Second, func() { rang++ }), c.after(time.Second, func() { rang += 10 })
		<-time.After(2 * time.Second)
		synctest.Wait()
		a.stop()
		if a.set() || !b.set() {
			t.Error("set is wrong")
		}
		c.rest(time.Second)
		if rang != 10 || b.set() {
			t.Errorf("rang %d", rang)
		}
		var none *alarm
		none.stop()
		if none.set() {
			t.Error("no alarm is set")
		}
	})
}

func deliveries(list []linklocal.Delivery) (out []stanza.Stanza) {
	for _, d := range list {
		out = append(out, d.Stanza)
	}
	return out
}

// count counts a word in a list.
func count(list []string, word string) int {
	n := 0
	for _, w := range list {
		if w == word {
			n++
		}
	}
	return n
}

func synctestRun(t *testing.T, name string, f func(*testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
}
