package bridge

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"meshbridge/bridge/config"
	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
)

func TestRestore(t *testing.T) {
	t.Run("COMP-14 COMP-16 what was accepted before a crash goes out after it, in order, with its id and a stamp", func(t *testing.T) {
		c := withJuliet(t)
		for i := range 3 {
			c.says(julietName, fmt.Sprint("p", i), fmt.Sprint("up ", i))
			c.hears(chat(aliceJID+"/desk", fmt.Sprint("a", i), fmt.Sprint("down ", i)))
		}
		before := messagesIn(c.session.take())
		c = c.restarted()
		if u := c.box.Usage(); u.Entries != 6 {
			t.Fatalf("%d are taken over", u.Entries)
		}
		c.Gateway.up(c.session)
		after := messagesIn(c.session.take())
		if len(after) != 3 {
			t.Fatalf("%d went up", len(after))
		}
		for i, s := range after {
			if s.ID != before[i].ID || bodyOf(s) != bodyOf(before[i]) || s.Child(stanza.NSDelay, "delay") == nil {
				t.Errorf("%d: %+v", i, s)
			}
		}
		if got := len(c.mesh.take()); got != 0 {
			t.Errorf("%d went to a peer who is not here", got)
		}
		c.peer(julietName, "pronto")
		down := deliveries(c.mesh.take())
		if got := strings.Join(bodiesIn(down), ","); got != "down 0,down 1,down 2" || down[0].ID != "a0" || down[0].Child(stanza.NSDelay, "delay") == nil {
			t.Errorf("%s: %+v", got, down)
		}
	})
	t.Run("COMP-14 new messages queue up behind the old ones, under ids of their own", func(t *testing.T) {
		c := withJuliet(t)
		c.peerGone(julietName, "")
		c.hears(chat(aliceJID+"/desk", "a1", "old"))
		c = c.restarted()
		c.up()
		c.hears(chat(aliceJID+"/desk", "a2", "new"))
		if len(c.store.mail) != 2 {
			t.Errorf("%d are kept", len(c.store.mail))
		}
		c.mesh.take()
		c.peer(julietName, "pronto")
		if got := strings.Join(bodiesIn(deliveries(c.mesh.take())), ","); got != "old,new" {
			t.Errorf("Juliet is told %q", got)
		}
	})
	t.Run("COMP-14 what was accepted before the peer's host was known, and after, is one queue after a restart", func(t *testing.T) {
		c := withJuliet(t)
		c.hears(chat(aliceJID+"/desk", "a1", "to nobody in particular"))
		c.hears(chat(aliceJID+"/desk", "a2", "to pronto"))
		first := c.store.mail[1]
		first.Host = ""
		c.store.mail[1] = first
		c = c.restarted()
		c.up()
		c.hears(chat(aliceJID+"/desk", "a3", "new"))
		c.mesh.take()
		c.peer(julietName, "pronto")
		if got := strings.Join(bodiesIn(deliveries(c.mesh.take())), ","); got != "to nobody in particular,to pronto,new" {
			t.Errorf("Juliet is told %q", got)
		}
	})
	t.Run("INJ-26 what was for a peer on one host is not for one on another, across a restart", func(t *testing.T) {
		c := withJuliet(t)
		c.peerGone(julietName, "")
		c.hears(chat(aliceJID+"/desk", "a1", "secret"))
		c = c.restarted()
		c.up()
		c.peer(julietName, "elsewhere")
		if got := c.mesh.take(); len(got) != 0 {
			t.Errorf("%d went to another host", len(got))
		}
		c.peerGone(julietName, "")
		c.peer(julietName, "Pronto")
		if got := c.mesh.take(); len(got) != 1 {
			t.Errorf("%d went home", len(got))
		}
	})
	t.Run("MAP-M9 an error for a message of a former run finds its sender", func(t *testing.T) {
		c := withJuliet(t)
		c.says(julietName, "purple1", "up")
		c = c.restarted()
		c.up()
		c.peer(julietName, "pronto")
		c.routed(c.session.seq)
		c.hears(stanza.Stanza{Kind: stanza.Message, Type: "error", ID: c.store.mail[1].Stanza.ID, From: aliceJID, To: julietJID,
			Payload: []*stanza.Element{stanza.Error{Type: "cancel", Condition: "service-unavailable"}.Element()}})
		if got := errorsIn(deliveries(c.mesh.take())); len(got) != 1 {
			t.Errorf("Juliet is told %v", got)
		}
	})
	t.Run("MAP-M19 a repeat of a message of a former run is known as one", func(t *testing.T) {
		c := withJuliet(t)
		c.peerGone(julietName, "")
		c.hears(chat(aliceJID+"/desk", "a1", "once"))
		c = c.restarted()
		c.up()
		c.hears(chat(aliceJID+"/desk", "a1", "once"))
		if n := c.box.Usage().Entries; n != 1 {
			t.Errorf("%d are kept", n)
		}
	})
	t.Run("COMP-14 lower bounds do not lose what is kept already", func(t *testing.T) {
		c := withJuliet(t)
		c.peerGone(julietName, "")
		for i := range 5 {
			c.hears(chat(aliceJID+"/desk", fmt.Sprint("a", i), "x"))
		}
		c = c.restarted(func(cfg *config.Config) { cfg.Outbox.PerRecipient, cfg.Outbox.Total = 2, 2 })
		if n := c.box.Usage().Entries; n != 5 {
			t.Errorf("%d of 5 are kept", n)
		}
	})
	t.Run("COMP-14 after a change to memory what is on disk is delivered, and leaves it", func(t *testing.T) {
		c := withJuliet(t)
		c.says(julietName, "1", "up")
		c = c.restarted(inMemoryOnly)
		c.up()
		c.routed(c.session.seq)
		for _, ping := range c.pingsTo() {
			c.hears(result(ping))
		}
		if len(c.store.mail) != 0 || c.box.Usage().Entries != 0 {
			t.Errorf("%d on disk, %+v", len(c.store.mail), c.box.Usage())
		}
	})
	t.Run("INJ-9 who may not talk any more is told so, and nothing crosses", func(t *testing.T) {
		c := newCoreRig(t, friends)
		c.up()
		c.peer(julietName, "pronto")
		c.hears(pres("x@friends.example", julietJID, "subscribe"))
		c.peerGone(julietName, "")
		c.hears(chat("x@friends.example/r", "x1", "hello"))
		if len(c.store.mail) != 1 {
			t.Fatalf("%d are kept", len(c.store.mail))
		}
		c = c.restarted()
		c.Gateway.up(c.session)
		if got, want := strings.Join(errorsIn(c.session.take()), ","), julietJID+" forbidden"; got != want {
			t.Errorf("told %q, want %q", got, want)
		}
		c.peer(julietName, "pronto")
		if len(c.mesh.take()) != 0 || len(c.store.mail) != 0 || c.box.Usage().Entries != 0 {
			t.Error("it is delivered, or still kept")
		}
	})
	t.Run("INJ-9 nor may a peer write to them, who is told by the gateway itself once that is possible", func(t *testing.T) {
		c := withJuliet(t)
		c.says(julietName, "1", "hello")
		c = c.restarted(func(cfg *config.Config) { cfg.Colleagues = nil })
		c.listening = time.Now()
		c.Gateway.up(c.session)
		c.peer(julietName, "pronto")
		if got := c.mesh.take(); len(got) != 0 || len(c.store.mail) != 1 || len(messagesIn(c.session.take())) != 0 {
			t.Fatalf("%d said, %d kept", len(got), len(c.store.mail))
		}
		c.proxyChanged(linklocal.ProxyChanged{Proxy: contactKey, Instance: "gateway@office", Announced: true})
		got := c.mesh.take()
		if len(got) != 1 || got[0].Proxy != contactKey || !strings.Contains(bodyOf(got[0].Stanza), aliceJID) || len(c.store.mail) != 0 {
			t.Errorf("said %+v, %d kept", got, len(c.store.mail))
		}
	})
	t.Run("COMP-14 what cannot be answered yet keeps its number from what is accepted meanwhile", func(t *testing.T) {
		c := withJuliet(t)
		c.says(julietName, "1", "hello")
		c = c.restarted(func(cfg *config.Config) { cfg.Colleagues = []config.Colleague{{JID: mustJID("bob@example.org")}} })
		c.listening = time.Now()
		c.up()
		c.hears(chat("bob@example.org/desk", "b1", "for later"))
		if len(c.store.mail) != 2 {
			t.Fatalf("%d are kept", len(c.store.mail))
		}
		c.proxyChanged(linklocal.ProxyChanged{Proxy: contactKey, Instance: "gateway@office", Announced: true})
		c.peer(julietName, "pronto") // is told now that Alice did not get it
		if len(c.store.mail) != 1 || c.box.Usage().Entries != 1 {
			t.Errorf("%d on disk, %+v", len(c.store.mail), c.box.Usage())
		}
	})
}

func TestClock(t *testing.T) {
	ten := func(t *testing.T, c *coreRig) {
		c.peerGone(julietName, "")
		for i := range 10 {
			c.hears(chat(aliceJID+"/desk", fmt.Sprint("a", i), fmt.Sprint(i)))
		}
	}
	delivered := func(t *testing.T, c *coreRig, stamped bool) {
		t.Helper()
		c.up()
		c.expire(time.Now().Add(time.Minute))
		c.peer(julietName, "pronto")
		got := deliveries(c.mesh.take())
		if len(got) != 10 {
			t.Errorf("%d of 10 are delivered", len(got))
		}
		for _, s := range got {
			if (s.Child(stanza.NSDelay, "delay") != nil) != stamped {
				t.Errorf("stamp: %v", !stamped)
			}
		}
	}
	t.Run("GW-24 1970 becomes now: ten kept messages are delivered, without stamps of 1970", func(t *testing.T) {
		c := withJuliet(t)
		c.floor = time.Now().Add(time.Hour) // the clock is before it
		ten(t, c)
		for id, m := range c.store.mail {
			if !m.Accepted.IsZero() {
				t.Errorf("%d is dated %v", id, m.Accepted)
			}
		}
		delivered(t, c.restarted(), false)
	})
	t.Run("GW-24 now becomes 1970 with the restart: the same, with the stamps they had", func(t *testing.T) {
		c := withJuliet(t)
		ten(t, c)
		again := newCoreRig(t)
		again.floor = time.Now().Add(time.Hour)
		again.recall(c.store.copy())
		delivered(t, again, true)
	})
	for name, by := range map[string]time.Duration{"forward by twenty years": -20 * 365 * 24 * time.Hour, "back by an hour": time.Hour} {
		t.Run("GW-24 the clock is set "+name+": nothing expires on that account", func(t *testing.T) {
			c := withJuliet(t)
			ten(t, c)
			for id, m := range c.store.mail {
				m.Accepted = m.Accepted.Add(by)
				c.store.mail[id] = m
			}
			delivered(t, c.restarted(), true)
		})
	}
	synctestRun(t, "GW-24 ages survive a restart: what is too old is answered once it had its chance", func(t *testing.T) {
		c := withJuliet(t)
		ten(t, c)
		<-time.After(c.cfg.Outbox.MaxAge - 30*time.Minute)
		c = c.restarted()
		c.up()
		c.rest(29 * time.Minute)
		c.expire(time.Now())
		if n := len(errorsIn(c.session.take())); n != 0 {
			t.Errorf("%d answered too early", n)
		}
		c.rest(2 * time.Minute)
		c.expire(time.Now())
		if n := len(errorsIn(c.session.take())); n != 0 {
			t.Errorf("%d answered within the hour after the start", n)
		}
		c.rest(30 * time.Minute)
		c.expire(time.Now())
		if n := len(errorsIn(c.session.take())); n != 10 || len(c.store.mail) != 0 {
			t.Errorf("%d of 10 answered, %d still kept", n, len(c.store.mail))
		}
	})
}
