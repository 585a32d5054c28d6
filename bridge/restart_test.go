package bridge

import (
	"strings"
	"testing"
	"time"

	"meshbridge/bridge/store"
	"meshbridge/internal/stanza"
	"meshbridge/linklocal/mdns/mdnstest"
)

func TestStop(t *testing.T) {
	scene(t, "COMP-13 LL-9-1 SIGTERM: unavailable for everybody, then the stream ends, then the goodbyes", func(o *office) {
		alice, juliet := o.together()
		alice.subscribes(component)
		o.pass(6 * time.Second)
		alice.got()
		begun := time.Now()
		o.sigterm()
		if took := time.Since(begun); took > 10*time.Second {
			o.Errorf("it took %v", took)
		}
		o.expect("Alice sees", alice.presences(), component+" unavailable", julietJID+" unavailable")
		o.pass(2 * time.Second)
		juliet.expectSees(aliceInstance, "")
		w := o.wire()
		text, _ := w.text()
		last := w.times[len(w.times)-1]
		if !strings.HasSuffix(text, "</stream:stream>") ||
			strings.LastIndex(text, "unavailable") > strings.LastIndex(text, "</stream:stream>") {
			o.Errorf("the stream ends with %q", text[max(0, len(text)-300):])
		}
		for _, r := range o.announced("router", aliceInstance) {
			if r.ttl == 0 && r.at.Before(last) {
				o.Error("a goodbye before the end of the stream")
			}
		}
		if o.goodbyes("router", aliceInstance) != 1 {
			o.Error("no goodbye")
		}
		if st := o.stored(); len(st.Shown) != 0 || len(st.Instances) != 0 {
			o.Errorf("remembered: %+v", st)
		}
	}, onDisk)
	scene(t, "COMP-13 the goodbyes wait for the server's closing tag, 5 s at most", func(o *office) {
		for _, c := range []struct{ closes, least, most time.Duration }{
			{2 * time.Second, 2 * time.Second, 4 * time.Second},
			{time.Minute, 5 * time.Second, 8 * time.Second},
		} {
			s := o.dialled
			juliet := o.joins("j@pc", "pc", "10.2.1.77/24", "txtvers=1")
			o.launch()
			o.pass(3 * time.Second)
			s.mu.Lock()
			s.closes = c.closes
			s.mu.Unlock()
			s.comesOnline("phone", "")
			o.pass(3 * time.Second)
			begun := time.Now()
			o.sigterm()
			o.pass(2 * time.Second)
			juliet.expectSees(aliceInstance, "")
			for _, r := range o.announced("router", aliceInstance) {
				if after := r.at.Sub(begun); r.ttl == 0 && after >= 0 && (after < c.least || after > c.most) {
					o.Errorf("a goodbye after %v", after)
				}
			}
			juliet.close()
			o.people = nil
			o.pass(time.Minute)
		}
	}, standInHere, onDisk)
	scene(t, "COMP-13 a server that does not read holds nobody up for long", func(o *office) {
		s := o.dialled
		juliet := o.juliet()
		o.start()
		s.comesOnline("phone", "")
		o.pass(3 * time.Second)
		o.wire().jam()
		begun := time.Now()
		o.stop()
		<-o.ended
		o.stop = nil
		if took := time.Since(begun); took > 20*time.Second {
			o.Errorf("it took %v", took)
		}
		o.pass(2 * time.Second)
		juliet.expectSees(aliceInstance, "")
	}, standInHere, onDisk)
	scene(t, "SIGTERM while the server is away: goodbyes, and no ghosts are remembered", func(o *office) {
		_, juliet := o.together()
		o.server.Stop()
		o.pass(5 * time.Second)
		o.sigterm()
		o.pass(2 * time.Second)
		juliet.expectSees(aliceInstance, "")
		if st := o.stored(); len(st.Instances) != 0 || !st.Shown[store.Pair{Colleague: aliceJID, Local: localOf(julietName)}] {
			o.Errorf("remembered: %+v", st)
		}
	}, onDisk)
	scene(t, "messages that cannot be kept are answered at the end", func(o *office) {
		alice, juliet := o.together()
		juliet.signOff()
		o.pass(5 * time.Second)
		alice.got()
		alice.writes(julietJID, "one")
		alice.writes(julietJID, "two")
		o.sigterm()
		gone := julietJID + " remote-server-timeout"
		o.expect("Alice is told", errorsIn(alice.got()), gone, gone)
	}, onDisk, inMemory)
	scene(t, "COMP-14 GW-24 messages that wait at the end are delivered by the next run, once, in order and with a stamp", func(o *office) {
		alice, juliet := o.together()
		juliet.signOff()
		o.pass(5 * time.Second)
		alice.got()
		alice.writes(julietJID, "one")
		alice.writes(julietJID, "two")
		o.sigterm()
		o.expect("Alice is told", errorsIn(alice.got()))
		if n := len(o.stored().Messages); n != 2 {
			o.Fatalf("%d messages are kept", n)
		}
		o.pass(time.Hour)
		o.launch()
		juliet = o.juliet()
		o.pass(5 * time.Second)
		got := juliet.got()
		o.expect("Juliet reads", bodiesIn(stanzas(got)), "one", "two")
		for _, s := range messagesIn(stanzas(got)) {
			if stamp := s.Child(stanza.NSDelay, "delay"); stamp == nil {
				o.Errorf("%s has no stamp", bodyOf(s))
			}
		}
		o.pass(2 * time.Second)
		o.sigterm()
		if n := len(o.stored().Messages); n != 0 {
			o.Errorf("%d messages are still kept", n)
		}
	}, onDisk)
	scene(t, "authenticated too late: nothing is shown any more", func(o *office) {
		alice, juliet := o.together()
		o.server.Disconnect()
		o.pass(100 * time.Millisecond) // the next attempt has not begun
		alice.got()
		o.sigterm()
		o.expect("Alice sees", alice.presences())
		o.pass(2 * time.Second)
		juliet.expectSees(aliceInstance, "")
	}, onDisk)
}

// stored returns what is in the store while no bridge runs.
func (o *office) stored() store.State {
	o.Helper()
	s, err := store.Open(o.cfg.State+"/meshbridge.db", nil)
	o.must(err)
	defer s.Close()
	return s.State()
}

func TestRestart(t *testing.T) {
	scene(t, "COMP-20 killed and back: both are still there and can talk, and nobody blinked", func(o *office) {
		alice, juliet := o.together()
		o.kill()
		alice.got()
		o.start()
		o.pass(20 * time.Second)
		told := alice.presences()
		if here, gone := count(told, julietJID+" available"), count(told, julietJID+" unavailable"); here != 1 || gone != 0 {
			o.Errorf("Juliet was shown %d times, and gone %d times", here, gone)
		}
		alice.expectSees(julietJID, "available")
		juliet.expectSees(aliceInstance, "avail At my desk")
		if n := o.goodbyes("router", aliceInstance); n != 0 {
			o.Errorf("%d goodbyes for Alice", n)
		}
		alice.writes(julietJID, "still there?")
		o.pass(3 * time.Second)
		o.expect("Juliet reads", juliet.reads(), aliceInstance+": still there?")
	}, onDisk)
	scene(t, "COMP-20 Juliet leaves while the bridge is dead: unavailable within 5 s of its return", func(o *office) {
		alice, juliet := o.together()
		o.kill()
		juliet.signOff()
		o.pass(5 * time.Second)
		alice.expectSees(julietJID, "available")
		o.launch()
		o.pass(5 * time.Second)
		alice.expectSees(julietJID, "unavailable")
		o.pass(time.Minute)
		n := 0
		for _, p := range alice.presences() {
			if p == julietJID+" unavailable" {
				n++
			}
		}
		if n != 1 {
			o.Errorf("told %d times", n)
		}
	}, onDisk)
	scene(t, "COMP-20 the LAN is not there when the bridge returns: nobody on it is shown any longer", func(o *office) {
		alice, _ := o.together()
		o.kill()
		o.router.Detach("eth0")
		o.launch()
		o.pass(20 * time.Second)
		alice.expectSees(julietJID, "unavailable")
		o.router.Attach(mdnstest.DefaultLink, "eth0", "10.2.1.1/24")
		o.pass(10 * time.Second)
		alice.expectSees(julietJID, "available")
	}, onDisk)
	scene(t, "COMP-20 Alice leaves while the bridge is dead: her ghost leaves the mesh", func(o *office) {
		alice, juliet := o.together()
		o.kill()
		alice.Unavailable()
		juliet.expectSees(aliceInstance, "avail At my desk")
		o.start()
		o.pass(2 * time.Second) // her server has said that she is not online
		juliet.expectSees(aliceInstance, "")
		o.sigterm()
		if st := o.stored(); len(st.Instances) != 0 {
			o.Errorf("still remembered: %v", st.Instances)
		}
	}, onDisk)
	scene(t, "COMP-20 two crashes in a row, and Alice leaves after the second", func(o *office) {
		alice, juliet := o.together()
		o.kill()
		o.start()
		o.pass(20 * time.Second)
		juliet.expectSees(aliceInstance, "avail At my desk")
		o.kill()
		alice.Unavailable()
		o.start()
		o.pass(20 * time.Second)
		juliet.expectSees(aliceInstance, "")
	}, onDisk)
	scene(t, "COMP-20 with no server to be found the ghosts of the former run go as well", func(o *office) {
		_, juliet := o.together()
		o.kill()
		o.server.Stop()
		o.launch()
		o.pass(25 * time.Second)
		juliet.expectSees(aliceInstance, "avail At my desk") // she may yet be back in time
		o.pass(10 * time.Second)
		juliet.expectSees(aliceInstance, "")
	}, onDisk)
	scene(t, "COMP-20 a ghost under another machine name goes too", func(o *office) {
		_, juliet := o.together()
		o.kill()
		o.cfg.LinkLocal.Machine = "attic"
		o.start()
		o.pass(20 * time.Second)
		juliet.expectSees(aliceInstance, "")
		juliet.expectSees(`alice\40example.org@attic`, "avail At my desk")
	}, onDisk)
	scene(t, "PRIV-5 whom the admin took off the list is nowhere any more", func(o *office) {
		alice, juliet := o.together()
		o.kill()
		o.cfg.Colleagues = nil
		o.list("bob@example.org", "Bob")
		alice.got()
		o.launch()
		o.pass(20 * time.Second)
		juliet.expectSees(aliceInstance, "")
		alice.expectSees(julietJID, "unavailable")
		juliet.says("status=dnd")
		o.pass(5 * time.Second)
		alice.expectSees(julietJID, "unavailable")
		var asked []string
		for _, s := range o.wire().sent() {
			if s.To == aliceJID && s.Kind == "presence" {
				asked = append(asked, s.From+" "+s.Type)
			}
		}
		o.expect("told Alice", asked, component+" unsubscribe", julietJID+" unavailable")
		o.sigterm()
		if st := o.stored(); len(st.Subscriptions) != 0 || len(st.Shown) != 0 {
			o.Errorf("remembered: %+v", st)
		}
	}, onDisk)
	scene(t, "GW-15 a message to a peer who has slept since before the restart is kept", func(o *office) {
		alice, juliet := o.together()
		juliet.signOff()
		o.pass(5 * time.Second)
		o.kill()
		o.start()
		alice.got()
		alice.writes(julietJID, "good morning")
		o.pass(time.Minute)
		o.expect("Alice is told", errorsIn(alice.got()))
		juliet.signOn("txtvers=1")
		o.pass(10 * time.Second)
		o.expect("Juliet reads", juliet.reads(), aliceInstance+": good morning")
	}, onDisk)
	scene(t, "MAPJ-10 a peer with a fallback name is known again after a restart, and the message waits", func(o *office) {
		const name = "Straße 7@pc"
		alice := o.alice()
		person := o.joins(name, "pc", "10.2.1.190/24", "txtvers=1")
		o.start()
		alice.subscribes(proxyOf(name))
		o.pass(6 * time.Second)
		alice.expectSees(proxyOf(name), "available")
		if !strings.Contains(proxyOf(name), "~") {
			o.Fatal("no fallback name")
		}
		person.signOff()
		o.pass(5 * time.Second)
		o.kill()
		o.start()
		alice.got()
		alice.writes(proxyOf(name), "hello")
		o.expect("Alice is told", errorsIn(alice.got()))
		person.signOn("txtvers=1")
		o.pass(10 * time.Second)
		o.expect("read", person.reads(), aliceInstance+": hello")
		alice.expectSees(proxyOf(name), "available")
		alice.Unsubscribe(proxyOf(name))
		o.pass(time.Second)
		o.sigterm()
		if st := o.stored(); len(st.Fallbacks) != 0 {
			o.Errorf("a name that nobody watches is still remembered: %v", st.Fallbacks)
		}
	}, onDisk)
}
