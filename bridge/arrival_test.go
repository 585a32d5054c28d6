package bridge

import (
	"fmt"
	"testing"
	"time"

	"meshbridge/bridge/config"
	"meshbridge/bridge/outbox"
	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
	"meshbridge/upstream"
)

// says hands the gateway a message of a peer to Alice.
func (c *coreRig) says(peer, id, body string) {
	c.fromMesh(linklocal.Received{Peer: peer, Proxy: aliceJID, Stanza: chat("", id, body)})
}

// pingsTo returns the pings to colleagues sent since the last take.
func (c *coreRig) pingsTo() []stanza.Stanza {
	var list []stanza.Stanza
	for _, s := range c.session.sent {
		if isPing(s) && s.To != component {
			list = append(list, s)
		}
	}
	return list
}

func TestArrival(t *testing.T) {
	start := func(t *testing.T) *coreRig {
		c := newCoreRig(t)
		c.up()
		c.peer(julietName, "pronto")
		c.peer(romeoName, "forza")
		c.session.take()
		return c
	}
	kept := func(c *coreRig) int { return c.box.Usage().Entries }
	synctestRun(t, "COMP-16 a message is kept until a ping behind it is answered, which the server gets when it has routed it", func(t *testing.T) {
		c := start(t)
		c.says(julietName, "1", "hello")
		if n := len(c.pingsTo()); n != 0 {
			t.Fatalf("%d pings before it was routed", n)
		}
		c.routed(c.session.seq)
		pings := c.pingsTo()
		if len(pings) != 1 || pings[0].From != julietJID || pings[0].To != aliceJID || pings[0].Type != "get" || len(pings[0].ID) < 20 {
			t.Fatalf("pings %+v", pings)
		}
		if kept(c) != 1 {
			t.Errorf("%d are kept", kept(c))
		}
		c.hears(result(pings[0]))
		if kept(c) != 0 || c.drops.of("INJ-17") != 0 {
			t.Errorf("%d are kept, counted as stray: %d", kept(c), c.drops.of("INJ-17"))
		}
		c.hears(result(pings[0])) // nothing waits for it any more
		c.down(upstream.Down{})
		c.up()
		if list := messagesIn(c.session.sent); len(list) != 0 {
			t.Errorf("sent again: %+v", list)
		}
	})
	synctestRun(t, "COMP-16 an error with that id counts as well", func(t *testing.T) {
		c := start(t)
		c.says(julietName, "1", "hello")
		c.routed(c.session.seq)
		r, _ := stanza.Reply(c.pingsTo()[0], stanza.Error{Type: "cancel", Condition: "service-unavailable"})
		c.hears(r)
		if kept(c) != 0 {
			t.Errorf("%d are kept", kept(c))
		}
	})
	synctestRun(t, "COMP-16 an answer of somebody else, to somebody else, or with another id counts for nothing", func(t *testing.T) {
		c := start(t)
		c.says(julietName, "1", "hello")
		c.routed(c.session.seq)
		right := result(c.pingsTo()[0])
		for _, change := range []func(*stanza.Stanza){
			func(s *stanza.Stanza) { s.From = "mallory@example.net" },
			func(s *stanza.Stanza) { s.To = romeoJID },
			func(s *stanza.Stanza) { s.ID += "x" },
			func(s *stanza.Stanza) { s.ID = "" },
			func(s *stanza.Stanza) {
				s.Type = "get"
				s.Payload = []*stanza.Element{stanza.New(stanza.NSPing, "ping")}
			},
		} {
			forged := right
			change(&forged)
			c.hears(forged)
		}
		if kept(c) != 1 {
			t.Fatalf("%d are kept", kept(c))
		}
		right.From += "/phone"
		c.hears(right)
		if kept(c) != 0 {
			t.Errorf("%d are kept after the answer of a device", kept(c))
		}
	})
	for name, c := range map[string]struct {
		online []string
		want   string
	}{
		"nobody is online":  {nil, aliceJID},
		"one device is":     {[]string{"phone"}, aliceJID + "/phone"},
		"two devices are":   {[]string{"phone", "desktop"}, aliceJID},
		"after two one is ": {[]string{"phone", "desktop", "-phone"}, aliceJID + "/desktop"},
	} {
		synctestRun(t, "COMP-16 the ping goes to the device that is known to be the only one, else to the bare JID: "+name, func(t *testing.T) {
			r := start(t)
			for _, device := range c.online {
				if device[0] == '-' {
					r.hears(pres(aliceJID+"/"+device[1:], component, "unavailable"))
				} else {
					r.hears(pres(aliceJID+"/"+device, component, ""))
				}
			}
			r.says(julietName, "1", "hello")
			if n := len(r.pingsTo()); n > 0 && c.want == aliceJID {
				t.Errorf("the server is asked before it has routed the message: %d pings", n)
			}
			r.routed(r.session.seq)
			if pings := r.pingsTo(); len(pings) != 1 || pings[0].To != c.want {
				t.Errorf("pings %+v, want one to %s", pings, c.want)
			}
		})
	}
	online := func(t *testing.T) *coreRig {
		c := start(t)
		c.hears(pres(aliceJID+"/phone", component, ""))
		c.session.take()
		return c
	}
	synctestRun(t, "COMP-16 where one device is known the ping goes out right behind the message", func(t *testing.T) {
		c := online(t)
		c.says(julietName, "1", "hello")
		sent := c.session.sent
		if len(sent) != 2 || sent[0].Kind != stanza.Message || !isPing(sent[1]) || sent[1].To != aliceJID+"/phone" || sent[1].From != julietJID {
			t.Fatalf("sent %+v", sent)
		}
		c.routed(c.session.seq)
		if n := len(c.pingsTo()); n != 1 || kept(c) != 1 {
			t.Errorf("%d pings after it was routed, %d are kept", n, kept(c))
		}
		c.pong()
		if kept(c) != 0 || c.colleagues[aliceJID].underWay != 0 || len(c.arrivals) != 0 {
			t.Errorf("%d are kept, %d under way, %d arrivals", kept(c), c.colleagues[aliceJID].underWay, len(c.arrivals))
		}
	})
	synctestRun(t, "COMP-16 an answer is about its own way, whichever comes first", func(t *testing.T) {
		c := online(t)
		c.says(romeoName, "r", "hello") // behind this one there is a ping as well
		c.says(julietName, "1", "hello")
		pings := c.pingsTo()
		c.routed(c.session.seq)
		c.hears(result(pings[1]))
		if len(c.arrivals) != 1 || kept(c) != 1 {
			t.Errorf("%d arrivals, %d are kept, want Romeo's", len(c.arrivals), kept(c))
		}
		c.hears(result(pings[0]))
		if kept(c) != 0 || len(c.arrivals) != 0 || c.colleagues[aliceJID].underWay != 0 {
			t.Errorf("%d are kept, %d arrivals", kept(c), len(c.arrivals))
		}
	})
	synctestRun(t, "COMP-16 in a stream a ping goes out behind each 16 messages, and all are asked for in the end", func(t *testing.T) {
		c := online(t)
		for i := range 45 {
			c.says(julietName, fmt.Sprint(i), fmt.Sprint("line ", i))
		}
		behind, n := []int(nil), 0
		for _, s := range c.session.sent {
			if s.Kind == stanza.Message {
				n++
			} else if isPing(s) {
				behind = append(behind, n)
			}
		}
		if fmt.Sprint(behind) != "[1 17]" || n != arrivalWindow {
			t.Fatalf("pings behind %v of %d", behind, n)
		}
		c.hears(result(c.pingsTo()[1])) // 15 are still under way, and the window slides
		if n, under := len(messagesIn(c.session.sent)), c.colleagues[aliceJID].underWay; n != 45 || under != 28 {
			t.Errorf("%d are written after the first half arrived, %d under way", n, under)
		}
		answered := 2
		for len(c.pingsTo()) > answered {
			c.hears(result(c.pingsTo()[answered]))
			answered++
			if under := c.colleagues[aliceJID].underWay; under > arrivalWindow {
				t.Fatalf("%d are under way", under)
			}
			c.routed(c.session.seq)
		}
		if kept(c) != 0 || len(c.pingsTo()) > 6 {
			t.Errorf("%d are kept after %d pings", kept(c), answered)
		}
	})
	synctestRun(t, "COMP-16 what was asked for and is not routed is not forgotten, by time, by want of room or at the end", func(t *testing.T) {
		c := online(t)
		c.says(julietName, "1", "hello")
		c.says(romeoName, "2", "hello")
		c.routed(c.written[0].seq) // Juliet's
		c.rest(arrivalWait)
		if kept(c) != 1 {
			t.Fatalf("%d are kept, want Romeo's", kept(c))
		}
		c.colleagues[aliceJID].silent = true
		c.trustServer()
		if kept(c) != 1 || c.makeWay(queueUpstream+aliceJID, &outbox.Full{Bound: outbox.BoundRecipient}) {
			t.Errorf("%d are kept", kept(c))
		}
		c.routed(c.session.seq)
		c.rest(arrivalWait - time.Millisecond)
		if kept(c) != 1 {
			t.Error("forgotten too early")
		}
		c.rest(time.Millisecond)
		if kept(c) != 0 {
			t.Error("kept for ever")
		}
	})
	synctestRun(t, "COMP-16 COMP-19 somebody whom no session lets us ask is not waited for", func(t *testing.T) {
		c := online(t)
		c.unbearable.note(offenceOf(c.arrivalPing(way{julietJID, aliceJID}, "")), "", time.Now())
		for i := range 2 * arrivalWindow {
			c.says(julietName, fmt.Sprint(i), fmt.Sprint("line ", i))
		}
		c.routed(c.session.seq)
		c.rest(arrivalPatience)
		c.routed(c.session.seq)
		if n := len(messagesIn(c.session.sent)); n != 2*arrivalWindow || len(c.pingsTo()) != 0 {
			t.Errorf("%d messages are written, %d questions", n, len(c.pingsTo()))
		}
	})
	synctestRun(t, "COMP-16 either of two questions for the same is answer enough", func(t *testing.T) {
		for second := range 2 {
			c := online(t)
			for i := range arrivalWindow + 1 {
				c.says(julietName, fmt.Sprint(i), fmt.Sprint("line ", i))
			}
			c.routed(c.session.seq)
			first := c.pingsTo()
			c.rest(arrivalPatience - arrivalGrace)
			all := c.pingsTo()
			if len(all) != len(first)+1 || all[len(all)-1].ID == first[0].ID {
				t.Fatalf("pings %+v, then %+v", first, all)
			}
			c.hears(result([]stanza.Stanza{first[0], all[len(all)-1]}[second]))
			if n := len(messagesIn(c.session.sent)); n != arrivalWindow+1 {
				t.Errorf("answer %d: %d messages are written", second, n)
			}
		}
	})
	synctestRun(t, "COMP-16 a session that ends after the question and before the answer repeats the message", func(t *testing.T) {
		c := online(t)
		c.says(julietName, "1", "hello")
		stale := c.pingsTo()[0]
		c.down(upstream.Down{})
		c.session.take()
		c.Gateway.up(c.session)
		if n := len(messagesIn(c.session.sent)); n != 1 {
			t.Errorf("%d are sent again", n)
		}
		c.hears(result(stale))
		if kept(c) != 1 {
			t.Errorf("%d are kept", kept(c))
		}
	})
	synctestRun(t, "COMP-16 what is known of devices from before the last authentication does not count", func(t *testing.T) {
		c := start(t)
		c.hears(pres(aliceJID+"/phone", component, ""))
		c.down(upstream.Down{})
		c.up()
		c.says(julietName, "1", "hello")
		c.routed(c.session.seq)
		if pings := c.pingsTo(); len(pings) != 1 || pings[0].To != aliceJID {
			t.Errorf("pings %+v", pings)
		}
	})
	synctestRun(t, "COMP-16 one ping for all that went the same way, and its answer speaks for no other way", func(t *testing.T) {
		c := start(t)
		for i := range 10 {
			c.says(julietName, fmt.Sprint(i), fmt.Sprint("line ", i))
		}
		c.says(romeoName, "r", "hello")
		c.routed(c.session.seq)
		pings := c.pingsTo()
		if len(pings) != 2 || kept(c) != 11 {
			t.Fatalf("%d pings, %d are kept", len(pings), kept(c))
		}
		c.hears(result(pings[0]))
		if kept(c) != 1 {
			t.Errorf("%d are kept", kept(c))
		}
	})
	synctestRun(t, "COMP-16 the answer to a later ping proves what went before it the same way", func(t *testing.T) {
		c := start(t)
		for i, who := range []string{julietName, romeoName, julietName} {
			c.says(who, fmt.Sprint(i), "hello")
			c.routed(c.session.seq)
		}
		pings := c.pingsTo()
		c.hears(result(pings[len(pings)-1]))
		if kept(c) != 1 {
			t.Errorf("%d are kept, want Romeo's", kept(c))
		}
		c.hears(result(pings[1]))
		if kept(c) != 0 {
			t.Errorf("%d are kept", kept(c))
		}
	})
	synctestRun(t, "COMP-16 from a recipient who answers no pings: forgotten 60 s after it was routed, no repeat", func(t *testing.T) {
		c := start(t)
		c.says(julietName, "1", "hello")
		c.routed(c.session.seq)
		c.rest(30 * time.Second)
		c.says(julietName, "2", "hello again")
		c.routed(c.session.seq)
		c.rest(30*time.Second - time.Millisecond)
		if kept(c) != 2 {
			t.Errorf("%d are kept before 60 s", kept(c))
		}
		c.rest(time.Millisecond)
		if kept(c) != 1 {
			t.Errorf("%d are kept after 60 s, want the second", kept(c))
		}
		c.rest(30 * time.Second)
		if kept(c) != 0 || len(c.mesh.take()) != 0 {
			t.Errorf("%d are kept after 90 s", kept(c))
		}
		c.down(upstream.Down{})
		c.up()
		if list := messagesIn(c.session.sent); len(list) != 0 {
			t.Errorf("sent again: %+v", list)
		}
	})
	synctestRun(t, "COMP-16 COMP-14 what was routed and not seen to arrive is sent again with its id, once, with the time", func(t *testing.T) {
		c := start(t)
		c.says(julietName, "", "hello")
		first := messagesIn(c.session.take())
		c.routed(c.session.seq)
		stale := c.pingsTo()[0]
		c.rest(5 * time.Second)
		c.down(upstream.Down{})
		c.session.take()
		c.Gateway.up(c.session)
		again := messagesIn(c.session.sent)
		if len(again) != 1 || again[0].ID != first[0].ID || again[0].Child(stanza.NSDelay, "delay") == nil ||
			again[0].Child("urn:xmpp:sid:0", "origin-id").Attr("id") != first[0].ID {
			t.Fatalf("first %+v\nagain %+v", first, again)
		}
		c.hears(result(stale)) // an answer out of the past proves nothing of the repeat
		if kept(c) != 1 {
			t.Errorf("%d are kept", kept(c))
		}
		c.routed(c.session.seq)
		if asked := c.pong(); len(asked) != 1 || kept(c) != 0 {
			t.Errorf("asked %v, %d are kept", asked, kept(c))
		}
	})
	synctestRun(t, "COMP-16 a ping for which there is no room goes out when there is", func(t *testing.T) {
		c := start(t)
		c.says(julietName, "1", "hello")
		c.session.room = -1
		c.routed(c.session.seq)
		if n := len(c.pingsTo()); n != 0 {
			t.Fatalf("%d pings", n)
		}
		c.session.room = 0
		c.routed(c.session.seq)
		if asked := c.pong(); len(asked) != 1 || kept(c) != 0 {
			t.Errorf("asked %v, %d are kept", asked, kept(c))
		}
	})
	for name, limit := range map[string]func(*config.Config){
		"for the recipient": func(cfg *config.Config) { cfg.Outbox.PerRecipient = 3 },
		"in all":            func(cfg *config.Config) { cfg.Outbox.Total = 3 },
	} {
		synctestRun(t, "COMP-16 COMP-14 what was only not seen to arrive gives way when there is no room "+name, func(t *testing.T) {
			c := newCoreRig(t, limit)
			c.up()
			c.peer(julietName, "pronto")
			for i := range 3 {
				c.says(julietName, fmt.Sprint(i), "routed")
			}
			c.routed(c.session.seq)
			for i := range 4 {
				c.says(julietName, fmt.Sprint("n", i), "not routed")
			}
			if n := len(c.mesh.sent); n != 2 { // the fourth is refused, by an error and in words
				t.Errorf("Juliet is told %d times", n)
			}
			c.mesh.deliver(c)
			if n := len(messagesIn(c.session.sent)); n != 6 || kept(c) != 3 {
				t.Errorf("%d messages sent, %d are kept", n, kept(c))
			}
		})
	}
	scene(t, "COMP-16 with a server that answers nothing is kept and nothing is repeated", func(o *office) {
		alice, juliet := o.together()
		for i := range 50 {
			juliet.writes(aliceInstance, fmt.Sprint("line ", i))
		}
		o.pass(time.Second)
		if n := len(alice.reads()); n != 50 {
			o.Errorf("Alice reads %d", n)
		}
		o.server.Disconnect()
		o.pass(10 * time.Second)
		if again := alice.reads(); len(again) != 0 {
			o.Errorf("again: %v", again)
		}
	})
}
