package bridge

import (
	"strings"
	"testing"
	"time"

	"meshbridge/bridge/config"
	"meshbridge/bridge/store"
	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
)

func TestCourtesy(t *testing.T) {
	const kept = aliceInstance + ": [gateway] The chat server cannot be reached. Your message to Alice is kept here until "
	scene(t, "MAP-E5 COMP-12 in an outage Juliet is told once that her message is kept, and until when", func(o *office) {
		alice, juliet := o.together()
		juliet.writes(aliceInstance, "before")
		o.server.Stop()
		o.pass(10 * time.Second)
		juliet.writes(aliceInstance, "one")
		o.pass(15 * time.Second)
		o.expect("within the grace she reads", juliet.reads())
		o.pass(10 * time.Second)
		day := time.Now().Add(72 * time.Hour)
		got := juliet.reads()
		if len(got) != 1 || !strings.HasPrefix(got[0], kept+day.Format("Monday ")) {
			o.Errorf("she reads %q", got)
		}
		juliet.writes(aliceInstance, "two")
		o.pass(time.Minute)
		o.expect("of a second message she reads", juliet.reads())
		o.pass(10 * time.Minute)
		juliet.writes(aliceInstance, "three")
		o.pass(time.Second)
		if got := juliet.reads(); len(got) != 1 || !strings.HasPrefix(got[0], kept) {
			o.Errorf("ten minutes later she reads %q", got)
		}
		o.must(o.server.Start())
		alice.Available("", "")
		o.pass(time.Minute)
		o.expect("Alice reads", alice.reads(), julietJID+": before", julietJID+": one", julietJID+": two", julietJID+": three")
	}, func(o *office) { o.cfg.Outbox.MaxAge = 72 * time.Hour })
	scene(t, "MAP-E5 an outage of ten seconds is not worth a word", func(o *office) {
		alice, juliet := o.together()
		o.server.Stop()
		juliet.writes(aliceInstance, "one")
		o.pass(10 * time.Second)
		o.must(o.server.Start())
		alice.Available("", "At my desk")
		o.pass(5 * time.Minute)
		o.expect("Juliet reads", juliet.reads())
		o.expect("Alice reads", alice.reads(), julietJID+": one")
	})
	scene(t, "MAP-E5 Alice is offline: her server has the message, and Juliet is told so once", func(o *office) {
		alice, juliet := o.together()
		juliet.writes(aliceInstance, "here?")
		o.expect("while she is online", juliet.reads())
		alice.Unavailable()
		o.pass(time.Second) // she is on the LAN for ten seconds more
		juliet.writes(aliceInstance, "still here?")
		juliet.writes(aliceInstance, "hello?")
		o.pass(time.Second)
		o.expect("Juliet reads", juliet.reads(),
			aliceInstance+": [gateway] Alice is offline. Your message is with their server, which keeps it until they are back, or sends it back here.")
	})
	synctestRun(t, "of whom nobody knows whether they are online nothing is said", func(t *testing.T) {
		c := newCoreRig(t)
		c.up()
		c.peer(julietName, "pronto")
		c.says(julietName, "1", "hello")
		if got := c.mesh.take(); len(got) != 0 {
			t.Errorf("%+v", got)
		}
		c.relate(store.Pair{Colleague: aliceJID}, store.Watched, 0) // her server has not answered the probe
		c.says(julietName, "2", "hello")
		if got := c.mesh.take(); len(got) != 0 {
			t.Errorf("%+v", got)
		}
		c.rest(unknownGrace)
		typing := stanza.Stanza{Kind: stanza.Message, Type: "chat", Payload: []*stanza.Element{stanza.New(stanza.NSChatStates, "composing")}}
		c.fromMesh(linklocal.Received{Peer: julietName, Proxy: aliceJID, Stanza: typing})
		if got := c.mesh.take(); len(got) != 0 {
			t.Errorf("of typing: %+v", got)
		}
		c.says(julietName, "3", "hello")
		if got := c.mesh.take(); len(got) != 1 || !strings.Contains(shown(got[0].Stanza), "Alice is offline") {
			t.Errorf("%+v", got)
		}
	})
	synctestRun(t, "GW-15 who writes to a sleeping peer without seeing that is told once; who sees it, and GW-24 whoever has no clock, no day", func(t *testing.T) {
		c := newCoreRig(t, func(cfg *config.Config) {
			cfg.Colleagues = append(cfg.Colleagues, config.Colleague{JID: mustJID("bob@example.org")})
		})
		c.up()
		c.peer(julietName, "pronto")
		c.hears(pres(aliceJID, julietJID, "subscribe"))
		c.peerGone(julietName, "")
		c.rest(time.Minute)
		c.session.take()
		c.floor = clockFloor
		receipt := chat("bob@example.org/phone", "r", "")
		receipt.Payload = []*stanza.Element{stanza.New("urn:xmpp:receipts", "received").With("id", "1")}
		c.hears(receipt)
		if got := messagesIn(c.session.take()); len(got) != 0 {
			t.Errorf("of a receipt: %+v", got)
		}
		for _, from := range []string{aliceJID, "bob@example.org", "bob@example.org"} {
			c.hears(chat(from+"/phone", newID(), "hello"))
		}
		got := messagesIn(c.session.take())
		want := "juliet@pronto (" + julietJID + ") is not on the local network at the moment. Your message is kept here for up to 7 days and arrives when they are back."
		if len(got) != 1 || got[0].To != "bob@example.org" || got[0].From != component || bodyOf(got[0]) != want {
			t.Errorf("%+v", got)
		}
		c.peer(julietName, "pronto")
		if n := len(c.mesh.take()); n != 4 {
			t.Errorf("%d messages were kept", n)
		}
	})
}
