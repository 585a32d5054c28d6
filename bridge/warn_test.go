package bridge

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"meshbridge/bridge/config"
	"meshbridge/bridge/store"
	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
)

// warned counts the warnings that both sides got since the last time.
func (c *coreRig) warnedBoth() (alice, juliet int) {
	for _, s := range messagesIn(c.session.take()) {
		if s.From == component && s.To == aliceJID && strings.Contains(bodyOf(s), "not encrypted") {
			alice++
		}
	}
	for _, d := range c.mesh.take() {
		if d.Proxy == aliceJID && strings.HasPrefix(shown(d.Stanza), "[gateway] What you and Alice write to each other is not encrypted") {
			juliet++
		}
		if d.Token != 0 {
			c.delivered(linklocal.Delivered{Token: d.Token})
		}
	}
	return alice, juliet
}

func (c *coreRig) expectWarned(when string, want int) {
	c.t.Helper()
	if a, j := c.warnedBoth(); a != want || j != want {
		c.t.Errorf("%s: Alice was warned %d times and Juliet %d times, want %d", when, a, j, want)
	}
}

func warning1(cfg *config.Config) { cfg.Access.WarnUnencrypted = true }

func TestWarning(t *testing.T) {
	up := func(c *coreRig, n int) {
		c.fromMesh(linklocal.Received{Peer: julietName, Proxy: aliceJID, Stanza: chat("", fmt.Sprint("u", n), "hello")})
	}
	rig := func(t *testing.T, change ...func(*config.Config)) *coreRig {
		c := newCoreRig(t, append([]func(*config.Config){warning1}, change...)...)
		c.up()
		c.peer(julietName, "pronto")
		c.mesh.take()
		return c
	}
	again := func(t *testing.T, c *coreRig) *coreRig {
		next := newCoreRig(t, warning1)
		next.floor = c.floor
		next.store.State = c.store.copy()
		next.store.Messages = nil // all have arrived
		next.recall(next.store.copy())
		next.up()
		next.peer(julietName, "pronto")
		return next
	}
	synctestRun(t, "SEC-3 the first message warns both sides, the second does not, nor does a restart", func(t *testing.T) {
		c := rig(t)
		var log logbook
		c.log = slog.New(slog.NewTextHandler(&log, nil))
		up(c, 1)
		sent := messagesIn(c.session.sent)
		if len(sent) != 2 || sent[0].From != julietJID || sent[1].From != component {
			t.Fatalf("sent: %v", sent)
		}
		c.expectWarned("first message", 1)
		up(c, 2)
		c.hears(chat(aliceJID+"/phone", "d1", "hi"))
		c.expectWarned("second message", 0)
		if n := log.times("SEC-3"); n != 1 {
			t.Errorf("%d log lines", n)
		}
		if s := log.String(); strings.Contains(s, "juliet") || strings.Contains(s, "alice") {
			t.Errorf("PRIV-6: %s", s)
		}
		c.rest(time.Hour)
		c = again(t, c)
		up(c, 3)
		c.expectWarned("after a restart", 0)
		c.rest(23*time.Hour + time.Second)
		up(c, 4)
		c.expectWarned("a day later, in another run", 1)
		c.rest(24 * time.Hour)
		up(c, 5)
		c.expectWarned("a day later, in the same run", 1)
	})
	synctestRun(t, "SEC-3 so does a first message from Alice, behind which the warning waits for a peer who is away", func(t *testing.T) {
		c := rig(t)
		c.peerGone(julietName, "")
		c.hears(chat(aliceJID+"/phone", "d1", "hi"))
		if n := len(c.mesh.take()); n != 0 {
			t.Errorf("%d deliveries to nobody", n)
		}
		c.peer(julietName, "pronto")
		var read []string
		for _, d := range c.mesh.sent {
			read = append(read, bodyOf(d.Stanza))
		}
		if len(read) != 2 || read[0] != "hi" || !strings.HasPrefix(read[1], "[gateway]") {
			t.Errorf("Juliet reads %q", read)
		}
		c.expectWarned("Alice wrote", 1)
	})
	synctestRun(t, "SEC-3 it says that nobody vouches for a peer only where nobody does", func(t *testing.T) {
		const doubt = "nothing but that network vouches for who they are"
		for _, approved := range []bool{false, true} {
			c := rig(t)
			c.recognised(linklocal.Recognised{Peer: julietName, Machine: prontoAt})
			if approved {
				c.approve(c.theJuliet(), aliceJID)
			}
			c.session.take()
			c.speaks(prontoAt, aliceJID, "hello")
			c.routed(c.session.seq)
			letters := strings.Join(c.lettersTo(aliceJID), "\n")
			if !strings.Contains(letters, "not encrypted") || strings.Contains(letters, doubt) == approved {
				t.Errorf("approved %v: %q", approved, letters)
			}
		}
	})
	synctestRun(t, "SEC-3 each two who write are told, and warn_unencrypted: false tells nobody", func(t *testing.T) {
		c := rig(t)
		up(c, 1)
		c.expectWarned("Juliet", 1)
		c.peer(romeoName, "forza")
		c.fromMesh(linklocal.Received{Peer: romeoName, Proxy: aliceJID, Stanza: chat("", "r", "hello")})
		c.expectWarned("Romeo", 1)
		c = rig(t, func(cfg *config.Config) { cfg.Access.WarnUnencrypted = false })
		up(c, 1)
		c.hears(chat(aliceJID+"/phone", "d1", "hi"))
		c.expectWarned("off", 0)
		if len(c.store.Facts[store.Notices]) != 0 {
			t.Error("noted")
		}
	})
	synctestRun(t, "SEC-3 what carries no words warns nobody", func(t *testing.T) {
		c := rig(t)
		c.fromMesh(linklocal.Received{Peer: julietName, Proxy: aliceJID, Stanza: stanza.Stanza{Kind: stanza.Message, Type: "chat",
			Payload: []*stanza.Element{stanza.New(stanza.NSChatStates, "composing")}}})
		c.expectWarned("typing", 0)
		up(c, 1)
		c.expectWarned("a word", 1)
	})
	synctestRun(t, "SEC-3 a message of an outage warns when it goes out", func(t *testing.T) {
		c := rig(t)
		c.down(upstream0())
		up(c, 1)
		c.expectWarned("meanwhile", 0)
		c.Gateway.up(c.session)
		c.expectWarned("afterwards", 1)
	})
	synctestRun(t, "SEC-3 GW-24 without a clock: once in a run; one that is set forward or back an hour changes nothing", func(t *testing.T) {
		c := rig(t)
		c.floor = clockFloor // virtual time is before it
		up(c, 1)
		c.expectWarned("first run", 1)
		c.rest(time.Hour)
		up(c, 2)
		c.expectWarned("first run, again", 0)
		c = again(t, c)
		up(c, 3)
		c.expectWarned("second run", 1)
		c.floor = time.Time{} // now it is set, to years later
		c.rest(time.Hour)
		up(c, 4)
		c.expectWarned("once it is set", 0)

		key := noteKey(warning, store.Pair{Colleague: aliceJID, Local: `juliet\40pronto`})
		for _, jump := range []time.Duration{time.Hour, -time.Hour} {
			c.store.Facts[store.Notices][key] = fmt.Sprint(time.Now().Add(jump).Unix())
			c = again(t, c)
			up(c, 5)
			c.expectWarned(fmt.Sprint("noted ", jump, " from now"), 0)
		}
		c.store.Facts[store.Notices][key] = "of an unknown form"
		c = again(t, c)
		up(c, 6)
		c.expectWarned("noted who knows when", 1)
	})
	synctestRun(t, "SEC-3 strangers by the thousand do not fill the store", func(t *testing.T) {
		c := rig(t)
		c.setFact(store.Notices, "another kind", "1")
		for n := range maxNotes + 10 {
			who := fmt.Sprintf("p%d@pc%d", n, n)
			c.peer(who, fmt.Sprint("pc", n))
			c.fromMesh(linklocal.Received{Peer: who, Proxy: aliceJID, Stanza: chat("", "m", "x")})
			c.routed(c.session.seq)
			c.pong()
			c.session.take()
			c.mesh.deliver(c)
		}
		if n := len(c.store.Facts[store.Notices]); n != maxNotes+1 {
			t.Errorf("%d notes", n)
		}
		if c.fact(store.Notices, "another kind") == "" {
			t.Error("somebody else's is gone")
		}
	})
}
