package bridge

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"meshbridge/bridge/config"
	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
)

func TestColleaguesChange(t *testing.T) {
	scene(t, "PRIV-5 whom the admin takes off the list leaves the LAN, is told so, and what waits is answered", func(o *office) {
		alice, juliet := o.together()
		romeo := o.joins(romeoName, "forza", "10.2.1.188/24", "txtvers=1")
		o.pass(3 * time.Second)
		alice.subscribes(romeoJID)
		o.pass(6 * time.Second)
		romeo.signOff()
		o.pass(5 * time.Second)
		juliet.writes(aliceInstance, "hello")
		alice.writes(romeoJID, "sleep well")
		o.pass(3 * time.Second)
		alice.got()
		o.changes(func(c *config.Config) {
			c.Colleagues = []config.Colleague{{JID: mustJID("bob@example.org"), Nick: "Bob"}}
		})
		o.pass(10 * time.Second)
		told := alice.got()
		o.expect("Alice is told", presencesIn(told), julietJID+" unavailable")
		o.expect("and asked for no more", o.presencesTo(aliceJID, "unsubscribe"), component)
		o.expect("Alice's message is answered", errorsIn(told), romeoJID+" remote-server-timeout")
		juliet.expectSees(aliceInstance, "")
		if o.goodbyes("router", aliceInstance) != 1 {
			o.Error("no goodbye")
		}
		for pair := range o.store.Subscriptions {
			if pair.Colleague == aliceJID {
				o.Errorf("still remembered: %v", pair)
			}
		}
		o.expect("Bob is asked", o.presencesTo("bob@example.org", "subscribe"), component)
		alice.writes(julietJID, "and I?")
		o.expect("Alice may not write", errorsIn(alice.got()), julietJID+" forbidden")
		juliet.says("status=dnd")
		o.pass(time.Minute)
		o.expect("Alice is told", alice.presences())
		if n := o.gateway.box.Usage(); n.Entries != 0 || len(o.gateway.routes) != 0 {
			o.Errorf("%d entries and %d routes are left", n.Entries, len(o.gateway.routes))
		}
	})
	scene(t, "who writes to somebody taken off the list is told in words", func(o *office) {
		s := o.dialled
		juliet := o.juliet()
		o.start()
		s.comesOnline("phone", "")
		o.pass(6 * time.Second)
		s.mu.Lock()
		s.lost = true // routed pings get lost: what she writes stays with us
		s.mu.Unlock()
		for range 40 { // one window and some
			juliet.writes(aliceInstance, "anybody there?")
		}
		o.changes(func(c *config.Config) { c.Colleagues = nil })
		o.pass(3 * time.Second)
		juliet.expectWords("[gateway]")
		o.pass(20 * time.Second)
		juliet.expectSees(aliceInstance, "")
	}, standInHere)
	scene(t, "nobody takes the words in: whom the admin took off the list leaves all the same", func(o *office) {
		s := o.dialled
		juliet := o.juliet()
		romeo := o.joins(romeoName, "forza", "10.2.1.188/24", "txtvers=1")
		o.start()
		s.comesOnline("phone", "")
		o.pass(6 * time.Second)
		s.mu.Lock()
		s.lost = true
		s.mu.Unlock()
		for range 40 {
			juliet.writes(aliceInstance, "anybody there?")
		}
		juliet.hangUp()
		juliet.takesCalls(false)
		o.changes(func(c *config.Config) { c.Colleagues = nil })
		o.pass(9 * time.Second)
		romeo.expectSees(aliceInstance, "")
		o.pass(time.Minute)
		if n := o.gateway.box.Usage().Entries; n > arrivalWindow {
			o.Errorf("%d entries are left beside those that are with the server", n)
		}
	}, standInHere)
	scene(t, "taken off the list and put on it again at once", func(o *office) {
		alice, juliet := o.together()
		o.changes(func(c *config.Config) { c.Colleagues = nil })
		o.changes(func(c *config.Config) { c.Colleagues = []config.Colleague{{JID: mustJID(aliceJID), Nick: "Alicia"}} })
		o.pass(20 * time.Second)
		o.expect("she is asked again", o.presencesTo(aliceJID, "subscribe"), component, component)
		alice.Available("", "Back")
		o.pass(6 * time.Second)
		juliet.expectSees(aliceInstance, "avail Back")
		if profile, _ := juliet.sees(aliceInstance); profile.Nick != "Alicia" {
			o.Errorf("Juliet sees %+v", profile)
		}
	})
	scene(t, "taken off the list while the server is away: gone soon, silent for good, and what waits is answered later", func(o *office) {
		alice, juliet := o.together()
		romeo := o.joins(romeoName, "forza", "10.2.1.188/24", "txtvers=1")
		o.pass(5 * time.Second)
		juliet.signOff()
		o.pass(5 * time.Second)
		alice.writes(julietJID, "sleep well")
		o.server.Stop()
		o.pass(3 * time.Second)
		romeo.expectSees(aliceInstance, "avail At my desk")
		o.changes(func(c *config.Config) { c.Colleagues = nil })
		o.pass(8 * time.Second)
		romeo.expectSees(aliceInstance, "")
		juliet.signOn("txtvers=1")
		o.pass(10 * time.Second)
		romeo.expectSees(aliceInstance, "")
		o.expect("Juliet reads", juliet.reads())
		o.must(o.server.Start())
		o.pass(2 * time.Minute)
		answered := 0
		for _, s := range o.wire().sent() {
			if s.Kind == stanza.Message && s.Type == "error" && strings.HasPrefix(s.To, aliceJID) && s.From == julietJID {
				answered++
			}
		}
		if n := o.gateway.box.Usage(); answered != 1 || n.Entries != 0 {
			o.Errorf("answered %d times, %d entries are left", answered, n.Entries)
		}
	})
	scene(t, "who was taken off the list while the server was away is told when it is back", func(o *office) {
		alice, juliet := o.together()
		o.server.Stop()
		o.pass(3 * time.Second)
		o.changes(func(c *config.Config) { c.Colleagues = nil })
		o.pass(3 * time.Second)
		juliet.expectSees(aliceInstance, "")
		alice.got()
		o.server.Start()
		o.pass(2 * time.Minute)
		o.expect("asked for no more", o.presencesTo(aliceJID, "unsubscribe"), component)
		o.expect("and told", o.presencesTo(aliceJID, "unavailable"), julietJID)
	})
}

// presencesTo lists from whom a kind of presence went to somebody on the newest connection.
func (o *office) presencesTo(bare, kind string) []string {
	var list []string
	for _, s := range o.wire().sent() {
		if s.Kind == "presence" && s.To == bare && s.Type == kind {
			list = append(list, s.From)
		}
	}
	return list
}

// expectWords checks that a person was told something.
func (p *person) expectWords(part string) {
	p.o.Helper()
	for _, text := range p.reads() {
		if strings.Contains(text, part) {
			return
		}
	}
	p.o.Errorf("%s was not told %q", p.instance, part)
}

func TestPartedIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCoreRig(t)
		c.up()
		c.peer(julietName, "pronto")
		c.hears(pres(aliceJID+"/phone", component, ""))
		c.hears(chat(aliceJID+"/phone", "m1", "on its way"))
		flying := c.mesh.take()
		if len(flying) != 1 || len(c.mesh.published) != 1 {
			t.Fatalf("%d on their way, %d published", len(flying), len(c.mesh.published))
		}
		next := c.cfg
		next.Colleagues = nil
		if _, err := c.change(next); err != nil {
			t.Fatal(err)
		}
		c.rest(6500 * time.Millisecond)
		if len(c.mesh.withdrawn) != 1 {
			t.Fatalf("PRIV-5 withdrawn: %v", c.mesh.withdrawn)
		}
		c.returned(linklocal.Returned{Proxy: aliceJID, Peer: julietName, Tokens: []uint64{flying[0].Token}})
		c.peerGone(julietName, "")
		c.peer(julietName, "pronto")
		if again := c.mesh.take(); len(again) != 0 || len(c.mesh.published) != 1 {
			t.Errorf("PRIV-5 said in her name: %v, shown %d times", again, len(c.mesh.published))
		}
		c.rest(2 * time.Second)
		if n := c.box.Usage().Entries; n != 0 {
			t.Errorf("%d entries are left", n)
		}
		c.routing = true
		c.rest(time.Second)
		answered := false
		for _, s := range c.session.sent {
			answered = answered || s.Kind == stanza.Message && s.Type == "error" && s.To == aliceJID+"/phone"
		}
		if !answered {
			t.Error("nobody was told")
		}
	})
}

func TestDoorOpensAgain(t *testing.T) {
	synctestRun(t, "COMP-14 to whom the door was shut and is opened again by their domain is heard, and can be shut out again", func(t *testing.T) {
		c := newCoreRig(t, friends)
		c.up()
		c.peer(julietName, "pronto")
		open, shut := c.cfg, c.cfg
		shut.Access.Domains = nil
		subscribed := func() {
			c.hears(pres("x@friends.example", julietJID, "subscribe"))
			c.hears(chat("x@friends.example/r", newID(), "hello"))
		}
		subscribed()
		for range 2 {
			c.mesh.take() // and is not told what became of it
			if _, err := c.change(shut); err != nil {
				t.Fatal(err)
			}
			c.rest(20 * time.Second)
			for id, r := range c.flying {
				if r.colleague.key() == "x@friends.example" {
					c.returned(linklocal.Returned{Peer: julietName, Tokens: []uint64{uint64(id)}})
				}
			}
			c.rest(10 * time.Second)
			if x := c.colleagues["x@friends.example"]; x.published || c.box.Usage().Entries != 0 {
				t.Fatalf("shown: %v, %+v are kept", x.published, c.box.Usage())
			}
			if _, err := c.change(open); err != nil {
				t.Fatal(err)
			}
			c.mesh.take()
			subscribed()
			if got := deliveries(c.mesh.take()); len(got) != 1 || bodyOf(got[0]) != "hello" {
				t.Fatalf("Juliet is told %v", bodiesIn(got))
			}
		}
	})
}
