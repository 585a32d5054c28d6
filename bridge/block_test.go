package bridge

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"meshbridge/bridge/policy"
	"meshbridge/bridge/store"
	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
	"meshbridge/upstream"
)

var aliceAndJuliet = store.Pair{Colleague: aliceJID, Local: localOf(julietName)}

// acquainted is a gateway with a session, on whose mesh Juliet and Romeo are, both
// watched by Alice.
func acquainted(t *testing.T) *coreRig {
	c := newCoreRig(t)
	c.routing = true
	c.up()
	c.peer(julietName, "pronto")
	c.peer(romeoName, "forza")
	for _, who := range []string{julietJID, romeoJID} {
		c.hears(pres(aliceJID, who, "subscribe"))
	}
	c.rest(10 * time.Second)
	c.session.take()
	c.mesh.take()
	return c
}

// toldWords lists what peers read since the last time: whose proxy says it, and what.
func (c *coreRig) toldWords() (words []string) {
	for _, d := range c.mesh.take() {
		if body := bodyOf(d.Stanza); body != "" {
			words = append(words, d.Peer+" "+body)
		} else if e, ok := stanza.ErrorOf(d.Stanza); ok {
			words = append(words, d.Peer+" "+e.Condition)
		}
	}
	return words
}

func wantWords(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

func TestBlock(t *testing.T) {
	synctestRun(t, "whom a colleague has blocked cannot reach her, and is told no more than that; others can", func(t *testing.T) {
		c := acquainted(t)
		c.setBlock(aliceAndJuliet, byColleague, true)
		wantWords(t, "Alice sees", presencesIn(c.session.take()), julietJID+" unavailable")
		c.says(julietName, "1", "hello")
		c.fromMesh(linklocal.Received{Peer: julietName, Proxy: aliceJID, Stanza: iq("get", "q", "", stanza.New(stanza.NSPing, "ping"))})
		wantWords(t, "Juliet is told", c.toldWords(), julietName+" service-unavailable",
			julietName+" [gateway] Your message to Alice was not delivered: they cannot receive it now. Try again when they are online.",
			julietName+" service-unavailable")
		c.says(romeoName, "2", "hello")
		c.rest(time.Second)
		wantWords(t, "Alice reads", senders(c.session.take()), romeoJID)
		if n := c.drops.of(policy.RuleBlock); n != 2 {
			t.Errorf("counted %d times", n)
		}
	})
	synctestRun(t, "who has blocked a peer is told so when she writes to him all the same", func(t *testing.T) {
		c := acquainted(t)
		c.setBlock(aliceAndJuliet, byColleague, true)
		c.session.take()
		c.hears(chat(aliceJID+"/desk", "1", "hello"))
		c.hears(stanza.Stanza{Kind: stanza.IQ, Type: "get", ID: "q", From: aliceJID + "/desk", To: julietJID, Payload: []*stanza.Element{query(stanza.NSDiscoInfo)}})
		got := c.session.take()
		wantWords(t, "Alice is told", errorsIn(got), julietJID+" not-acceptable", julietJID+" not-acceptable")
		if e, _ := stanza.ErrorOf(got[0]); !strings.Contains(e.Text, "blocked") {
			t.Errorf("%+v", e)
		}
		if n := len(c.mesh.take()); n != 0 {
			t.Errorf("%d stanzas went to the mesh", n)
		}
	})
	synctestRun(t, "whom a peer has blocked cannot reach her; she herself is told in words", func(t *testing.T) {
		c := acquainted(t)
		c.setBlock(aliceAndJuliet, byPeer, true)
		wantWords(t, "Alice sees", presencesIn(c.session.take()), julietJID+" unavailable")
		c.hears(chat(aliceJID+"/desk", "1", "hello"))
		wantWords(t, "Alice is told", errorsIn(c.session.take()), julietJID+" service-unavailable")
		c.says(julietName, "2", "hello")
		wantWords(t, "Juliet is told", c.toldWords(), julietName+" not-acceptable",
			julietName+" [gateway] Your message to Alice was not delivered: you have blocked them. Unblock them first.")
	})
	synctestRun(t, "PRIV-3 of whom a colleague has blocked she sees nothing until she unblocks", func(t *testing.T) {
		c := acquainted(t)
		c.setBlock(aliceAndJuliet, byColleague, true)
		c.session.take()
		c.peerChanged(linklocal.Peer{Instance: julietName, Host: "pronto", Profile: linklocal.Profile{Status: linklocal.Away, Message: "Lunch"}})
		c.peerGone(julietName, "")
		c.peer(julietName, "pronto")
		c.down(upstream.Down{})
		c.Gateway.up(c.session)
		c.rest(10 * time.Second)
		if got := presencesFrom(c.session.take(), julietJID); len(got) != 0 {
			t.Errorf("Alice sees %q", got)
		}
		c.hears(pres(aliceJID, julietJID, "probe"))
		wantWords(t, "a probe", presencesFrom(c.session.take(), julietJID), julietJID+" unavailable")
		c.setBlock(aliceAndJuliet, byColleague, false)
		wantWords(t, "unblocked", presencesFrom(c.session.take(), julietJID), julietJID+" available")
	})
	synctestRun(t, "COMP-20 an unavailable that the server did not take is told after the next authentication", func(t *testing.T) {
		c := acquainted(t)
		c.listening = time.Now()
		c.rest(absentGrace)
		c.session.take()
		c.routing = false
		c.setBlock(aliceAndJuliet, byColleague, true)
		c.session.take()
		c.down(upstream.Down{})
		c.Gateway.up(c.session)
		c.rest(time.Second)
		wantWords(t, "Alice sees", presencesFrom(c.session.take(), julietJID), julietJID+" unavailable")
	})
	synctestRun(t, "what waits between the two is answered, on both ways, and nothing else is", func(t *testing.T) {
		c := acquainted(t)
		c.peerGone(julietName, "")
		c.peerGone(romeoName, "")
		c.hears(chat(aliceJID+"/desk", "1", "for Juliet"))
		toRomeo := chat(aliceJID+"/desk", "2", "for Romeo")
		toRomeo.To = romeoJID
		c.hears(toRomeo)
		c.session.take()
		c.setBlock(aliceAndJuliet, byPeer, true)
		wantWords(t, "Alice is told", errorsIn(c.session.take()), julietJID+" service-unavailable")
		if n := len(c.routes); n != 1 {
			t.Errorf("%d routes", n)
		}
		c.setBlock(aliceAndJuliet, byPeer, false)
		c.peer(julietName, "pronto")
		c.mesh.take()
		c.session.room = -1
		c.says(julietName, "3", "for Alice")
		c.says(julietName, "4", "for Alice")
		c.mesh.take()
		c.setBlock(aliceAndJuliet, byColleague, true)
		wantWords(t, "Juliet is told", c.toldWords(),
			julietName+" [gateway] Your message to Alice was not delivered: they cannot receive it now. Try again when they are online.")
		if n := c.box.Waiting(queueUpstream + aliceJID); n != 0 {
			t.Errorf("%d still wait", n)
		}
	})
	synctestRun(t, "a block of one side leaves that of the other, and both survive a restart", func(t *testing.T) {
		c := acquainted(t)
		c.setBlock(aliceAndJuliet, byColleague, true)
		c.setBlock(aliceAndJuliet, byPeer, true)
		c.setBlock(aliceAndJuliet, byColleague, false)
		c.session.take()
		next := newCoreRig(t)
		next.recall(c.store.copy())
		if !next.blockedBy(aliceAndJuliet, byPeer) || next.blockedBy(aliceAndJuliet, byColleague) {
			t.Errorf("remembered as %v", next.facts[store.Blocks])
		}
		next.setBlock(aliceAndJuliet, byPeer, false)
		if n := len(next.facts[store.Blocks]); n != 0 {
			t.Errorf("%d facts are left", n)
		}
	})
	synctestRun(t, "nobody can fill the store with blocks, and nobody takes the room of others", func(t *testing.T) {
		c := acquainted(t)
		for i := range maxBlocksEach + 1 {
			ok := c.setBlock(store.Pair{Colleague: fmt.Sprint(i, "@example.org"), Local: aliceAndJuliet.Local}, byPeer, true)
			if ok != (i < maxBlocksEach) {
				t.Fatalf("block %d: %v", i, ok)
			}
		}
		if !c.setBlock(aliceAndJuliet, byColleague, true) {
			t.Error("there is no room for Alice")
		}
		c.forgetBlocks(aliceJID)
		if c.blocks(aliceAndJuliet) != 0 || len(c.facts[store.Blocks]) != maxBlocksEach {
			t.Errorf("%d blocks are left", len(c.facts[store.Blocks]))
		}
	})
}

// presencesFrom lists the presences from one address.
func presencesFrom(list []stanza.Stanza, from string) []string {
	return slices.DeleteFunc(presencesIn(list), func(s string) bool { return !strings.HasPrefix(s, from+" ") })
}

// senders lists who messages are from.
func senders(list []stanza.Stanza) (who []string) {
	for _, s := range messagesIn(list) {
		who = append(who, s.From)
	}
	return who
}
