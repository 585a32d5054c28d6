package bridge

import (
	"strings"
	"testing"
	"time"

	"meshbridge/bridge/config"
	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
	"meshbridge/upstream"
)

func TestSuspect(t *testing.T) {
	again := func(c *coreRig, alone uint64) {
		c.down(upstream.Down{Alone: alone})
		c.session.take()
		c.session.seq = 0
		c.Gateway.up(c.session)
	}
	numberOf := func(c *coreRig, id string) uint64 {
		for i, s := range c.session.sent {
			if s.ID == id {
				return c.session.seq - uint64(len(c.session.sent)-1-i)
			}
		}
		return 0
	}
	synctestRun(t, "COMP-19 a message on which two sessions ended is answered not-acceptable, and the rest goes on", func(t *testing.T) {
		c := withJuliet(t)
		for _, id := range []string{"1", "bad", "3"} {
			c.says(julietName, id, "text "+id)
		}
		again(c, numberOf(c, "bad"))
		if list := messagesIn(c.session.sent); len(list) != 3 || len(c.mesh.take()) != 0 {
			t.Fatalf("after the first time: %+v", list)
		}
		again(c, numberOf(c, "bad"))
		if list := messagesIn(c.session.sent); len(list) != 2 || list[0].ID != "1" || list[1].ID != "3" {
			t.Errorf("after the second time: %+v", list)
		}
		var told []stanza.Stanza
		for _, d := range c.mesh.take() {
			if d.Proxy != aliceJID || d.Peer != julietName {
				t.Errorf("to %+v", d)
			}
			told = append(told, d.Stanza)
		}
		if len(told) != 2 || told[0].Type != "error" || told[0].ID != "bad" || told[0].Child("", "body") != nil ||
			!strings.HasPrefix(bodyOf(told[1]), "[gateway] ") {
			t.Fatalf("Juliet is told %+v", told)
		}
		if e, _ := stanza.ErrorOf(told[0]); e.Condition != "not-acceptable" {
			t.Errorf("condition %q", e.Condition)
		}
		if c.drops.of("COMP-19") != 1 {
			t.Errorf("counted %d times", c.drops.of("COMP-19"))
		}
	})
	synctestRun(t, "COMP-19 two messages on which one session ended each are both innocent", func(t *testing.T) {
		c := withJuliet(t)
		c.says(julietName, "1", "one")
		c.says(julietName, "2", "two")
		again(c, numberOf(c, "1"))
		again(c, numberOf(c, "2"))
		again(c, 0)
		if list := messagesIn(c.session.sent); len(list) != 2 {
			t.Errorf("%+v", list)
		}
	})
	synctestRun(t, "COMP-19 a presence on which two sessions ended is not sent again until it changes", func(t *testing.T) {
		c := withJuliet(t)
		c.hears(pres(aliceJID, julietJID, "subscribe"))
		says := func(message string) {
			c.peerChanged(linklocal.Peer{Instance: julietName, Host: "pronto",
				Profile: linklocal.Profile{Status: linklocal.Available, Message: message}})
		}
		shown := func() (n uint64) { // the number of her presence to Alice
			for i, s := range c.session.sent {
				if s.Kind == stanza.Presence && s.From == julietJID && s.Type == "" {
					n = c.session.seq - uint64(len(c.session.sent)-1-i)
				}
			}
			return n
		}
		says("\u2028 poison")
		for range 2 {
			if shown() == 0 {
				t.Fatal("not sent")
			}
			again(c, shown())
		}
		if shown() != 0 {
			t.Error("sent a third time")
		}
		says("better")
		if shown() == 0 {
			t.Error("another one is not sent")
		}
	})
	synctestRun(t, "COMP-19 what the server routed between two sessions that ended on it is innocent", func(t *testing.T) {
		c := withJuliet(t)
		c.hears(pres(aliceJID, julietJID, "subscribe"))
		c.says(julietName, "1", "one")
		presence := func() (n uint64) {
			for i, s := range c.session.sent {
				if s.Kind == stanza.Presence && s.From == julietJID && s.Type == "" {
					n = c.session.seq - uint64(len(c.session.sent)-1-i)
				}
			}
			return n
		}
		for range 3 {
			for _, alone := range []uint64{numberOf(c, "1"), presence()} {
				if alone == 0 {
					t.Fatal("not sent")
				}
				again(c, alone)
				c.routed(c.session.seq)
				again(c, 0)
			}
		}
		if list := messagesIn(c.session.sent); len(list) != 1 || len(c.unbearable.seen) != 0 || len(c.mesh.take()) != 0 {
			t.Errorf("%+v, %d are condemned", list, len(c.unbearable.seen))
		}
	})
	scene(t, "COMP-19 a server that ends the stream on a word: one error, all others delivered, and in order", func(o *office) {
		s := o.dialled
		s.pongs = true
		juliet := o.juliet()
		o.start()
		s.comesOnline("phone", "")
		o.pass(3 * time.Second)
		s.got()
		s.allergy = "POISON"
		want := []string{"one", "two", "three", "four", "five", "six"}
		for i, text := range want {
			if i == 3 {
				juliet.writes(aliceInstance, "POISON")
			}
			juliet.writes(aliceInstance, text)
		}
		o.pass(time.Minute)
		var got []string
		seen := map[string]bool{}
		for _, m := range messagesIn(s.got()) {
			if !seen[m.ID] {
				got = append(got, bodyOf(m))
			}
			seen[m.ID] = true
		}
		o.expect("the server got", got, want...)
		told := stanzas(juliet.got())
		o.expect("Juliet is told", errorsIn(told), aliceInstance+" not-acceptable")
		if n := len(messagesIn(told)) - 1; n != 1 {
			o.Errorf("%d notices", n)
		}
		if !strings.Contains(o.log.String(), "the server ended the stream twice when it was given this stanza") {
			o.Error("no word of it in the log")
		}
		juliet.writes(aliceInstance, "and on")
		o.expect("the server got", bodiesIn(s.got()), "and on")
	}, welcomed, standInHere)
}

// bodiesIn lists the bodies of messages.
func bodiesIn(list []stanza.Stanza) (words []string) {
	for _, s := range messagesIn(list) {
		words = append(words, bodyOf(s))
	}
	return words
}

func TestShared(t *testing.T) {
	synctestRun(t, "COMP-17 when a twin is gone everybody is asked and told anew", func(t *testing.T) {
		c := withJuliet(t)
		c.hears(pres(aliceJID, component, "subscribed"))
		c.hears(pres(aliceJID, julietJID, "subscribe"))
		c.session.take()
		upstreamEvent{upstream.Shared{On: true}}.apply(c.Gateway)
		if list := c.session.take(); len(list) != 0 {
			t.Errorf("while it is there: %+v", list)
		}
		upstreamEvent{upstream.Shared{On: false}}.apply(c.Gateway)
		got := strings.Join(presencesIn(c.session.take()), ", ")
		if want := component + " probe, " + julietJID + " available"; got != want {
			t.Errorf("said %q, want %q", got, want)
		}
	})
}

// withJuliet is an authenticated gateway with Juliet on the mesh.
func withJuliet(t *testing.T, change ...func(*config.Config)) *coreRig {
	c := newCoreRig(t, change...)
	c.up()
	c.peer(julietName, "pronto")
	c.session.take()
	return c
}
