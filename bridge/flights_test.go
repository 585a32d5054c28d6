package bridge

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"meshbridge/bridge/config"
	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
	"meshbridge/upstream"
)

func TestFlights(t *testing.T) {
	from := func(c *coreRig, id, body string) {
		c.fromMesh(linklocal.Received{Peer: julietName, Proxy: aliceJID, Stanza: chat("", id, body)})
	}
	start := func(t *testing.T) *coreRig {
		c := newCoreRig(t)
		c.up()
		c.peer(julietName, "pronto")
		return c
	}
	synctestRun(t, "a message that turns out too big is answered, and those behind it go on", func(t *testing.T) {
		for _, err := range []error{upstream.ErrTooBig, upstream.ErrIncomplete, upstream.ErrForeignFrom} {
			c := start(t)
			c.session.err, c.session.bad = err, func(s stanza.Stanza) bool { return s.ID == "bad" }
			from(c, "1", "one")
			from(c, "bad", "two")
			from(c, "3", "three")
			var got []string
			for _, s := range messagesIn(c.session.take()) {
				got = append(got, bodyOf(s))
			}
			expectWords(t, got, []string{"one", "three"})
			list := c.mesh.take()
			if len(list) != 1 || !strings.HasPrefix(bodyOf(list[0].Stanza), "[gateway] ") {
				t.Errorf("Juliet got %+v", list)
			}
			c.routed(c.session.seq)
			if n := c.box.Waiting(queueUpstream + aliceJID); n != 0 || len(c.written) != 0 {
				t.Errorf("%d wait, %d are in flight", n, len(c.written))
			}
		}
	})
	synctestRun(t, "the delay stamp does not push a message over the limit", func(t *testing.T) {
		c := newCoreRig(t, func(cfg *config.Config) { cfg.Upstream.MaxStanza = 16 << 10 })
		c.peer(julietName, "pronto")
		biggest := 0
		for size := 15 << 10; size < 17<<10; size++ {
			from(c, fmt.Sprint(size), strings.Repeat("x", size))
			if c.box.Waiting(queueUpstream+aliceJID) > 0 {
				biggest = size
				for _, e := range c.box.Discard(queueUpstream + aliceJID) {
					e.Accepted = e.Accepted.Add(-time.Hour)
					if n := len(stanza.Append(nil, stanza.Component, c.stamped(e))); n > 16<<10 {
						t.Fatalf("%d octets with the stamp", n)
					}
				}
			}
		}
		if biggest < 15<<10 {
			t.Errorf("nothing over %d octets is let through", biggest)
		}
	})
	synctestRun(t, "a full session keeps messages waiting, in order, and takes no more than the window", func(t *testing.T) {
		c := newCoreRig(t, func(cfg *config.Config) { cfg.Outbox.PerRecipient = 1000 })
		c.up()
		c.peer(julietName, "pronto")
		c.colleagues[aliceJID].silent = true // so that no other window counts
		c.session.room = 3
		for i := range 150 {
			from(c, fmt.Sprint("a", i), fmt.Sprint(i))
		}
		if n := len(c.session.sent); n != 3 || len(c.written) != 3 {
			t.Fatalf("%d were sent", n)
		}
		c.session.room = 0
		c.routed(c.session.seq)
		c.pong()
		c.colleagues[aliceJID].silent = true
		c.pumpUpstream()
		if n := len(messagesIn(c.session.take())); n != 150 || len(c.written) != 147 {
			t.Fatalf("%d were sent, %d are in flight", n, len(c.written))
		}
		for i := range 150 {
			from(c, fmt.Sprint("b", i), fmt.Sprint(i))
		}
		if len(c.written) != upWindow {
			t.Errorf("%d are in flight", len(c.written))
		}
		c.down(upstream.Down{})
		if n := c.box.Waiting(queueUpstream + aliceJID); n != 297 {
			t.Errorf("%d wait", n)
		}
	})
	synctestRun(t, "COMP-14 what waits upstream for too long is told to the peer in words, also when she is back later", func(t *testing.T) {
		c := start(t)
		c.session.room = -1
		from(c, "1", "one")
		c.peerGone(julietName, "")
		c.rest(8 * 24 * time.Hour)
		c.expire(time.Now())
		if c.box.Waiting(queueUpstream+aliceJID) != 0 || len(c.mesh.take()) != 0 {
			t.Error("not expired, or told to nobody")
		}
		c.peer(julietName, "pronto")
		list := c.mesh.take()
		if len(list) != 1 || list[0].Token == 0 || !strings.HasPrefix(bodyOf(list[0].Stanza), "[gateway] ") {
			t.Errorf("Juliet got %+v", list)
		}
	})
	t.Run("an error of a peer that is not taken is not answered", func(t *testing.T) {
		c := start(t)
		c.hears(chat(aliceJID+"/r", "1", "hello"))
		c.mesh.take()
		c.session.err, c.session.bad = upstream.ErrTooBig, func(s stanza.Stanza) bool { return s.Type == "error" }
		bad := chat("", "1", "")
		bad.Type, bad.Payload = "error", []*stanza.Element{stanza.Error{Type: "cancel", Condition: "gone"}.Element()}
		c.fromMesh(linklocal.Received{Peer: julietName, Proxy: aliceJID, Stanza: bad})
		if list := c.mesh.take(); len(list) != 0 {
			t.Errorf("answered with %+v", list)
		}
	})
}
