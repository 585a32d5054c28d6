package bridge

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"meshbridge/bridge/store"
	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
	"meshbridge/upstream"
)

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
		c.pong()
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
	for name, room := range map[string]int{"was written and not routed": 0, "waited for its turn": -1} {
		synctestRun(t, "COMP-18 COMP-20 a departure that "+name+" when the session ended is told on the next one", func(t *testing.T) {
			c := withJuliet(t)
			c.meshUp(linklocal.Listening{})
			c.hears(pres(aliceJID, julietJID, "subscribe"))
			c.rest(ghostGrace)
			c.routed(c.session.seq)
			c.session.room = room
			c.peerGone(julietName, "")
			c.down(upstream.Down{})
			c.session = new(fakeSession)
			c.Gateway.up(c.session)
			c.rest(ghostGrace)
			told := func() string { return strings.Join(presencesIn(c.session.take()), ", ") }
			if got, want := told(), component+" subscribe, "+julietJID+" unavailable"; got != want {
				t.Errorf("said %q, want %q", got, want)
			}
			c.routed(c.session.seq)
			c.down(upstream.Down{})
			c.Gateway.up(c.session)
			c.rest(ghostGrace)
			if got, want := told(), component+" subscribe"; got != want {
				t.Errorf("what was routed is told again: %q, want %q", got, want)
			}
		})
	}
	synctestRun(t, "COMP-13 COMP-14 on the way out messages that wait for room go first, and nobody is left without a word", func(t *testing.T) {
		told := func(c *coreRig) (n int) {
			for _, d := range c.mesh.take() {
				if d.Stanza.Type == "error" || strings.HasPrefix(bodyOf(d.Stanza), "[gateway] ") {
					n++
				}
			}
			return n
		}
		c := withJuliet(t, inMemoryOnly)
		c.session.room = 3
		for i := range 5 {
			c.says(julietName, fmt.Sprint(i), "hello")
		}
		c.after(time.Second, func() { c.session.room = 0; c.routed(c.session.seq) })
		c.farewell()
		if n := len(messagesIn(c.session.take())); n != 5 || told(c) != 0 {
			t.Errorf("%d messages of 5 are sent", n)
		}
		c.session.bad, c.session.err = func(stanza.Stanza) bool { return true }, upstream.ErrClosed
		if c.says(julietName, "late", "hello"); told(c) == 0 || c.box.Usage().Entries != 5 {
			t.Error("a message after the last farewell is kept, and lost")
		}

		c = withJuliet(t, inMemoryOnly)
		c.session.room = 3
		for i := range 5 {
			c.says(julietName, fmt.Sprint(i), "hello")
		}
		if c.farewell(); told(c) == 0 || c.box.Usage().Entries != 3 {
			t.Error("what the server does not take is lost")
		}
	})
	t.Run("COMP-13 on the way out there is no new session, nobody is shown, and no outage begins", func(t *testing.T) {
		c := newCoreRig(t, inMemoryOnly)
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
