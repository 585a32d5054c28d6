//go:build linux

package e2e

import (
	"testing"
	"time"
)

// TestTwin lets a second program with the same secret connect as the same
// component.
func TestTwin(t *testing.T) {
	t.Run("ejabberd gives each of the two a part", testSplit)
	t.Run("prosody as deployed kicks the old one", testKickOld)
	t.Run("prosody may kick the new one", testKickNew)
}

// noticed is how long a twin may stay unnoticed (COMP-17).
const noticed = 65 * time.Second

func testSplit(t *testing.T) {
	s := newScene(t, onlyV4, racing, onEjabberd)
	twin := s.newStandIn(t)
	go twin.swallow()
	begun := time.Now()
	t.Run("COMP-17 it is noticed within 65 s, with the reason", func(t *testing.T) {
		said := s.bridge.lines.now().await(t, noticed+soon, "the reason", has("another connection serves this component as well", domain))
		t.Logf("MEASURED twin: noticed after %v", said.at.Sub(begun))
		if said.at.Sub(begun) > noticed {
			t.Errorf("it took %v", said.at.Sub(begun))
		}
	})
	s.juliet.setStatus(t, "dnd", "who else is here?")
	// So many that the twin gets some, the last one more likely than not.
	for _, show := range []string{"away", "", "away", "", "dnd"} {
		s.alice.do(t, "presence", "show", show, "status", "seeing double")
	}
	t.Run("COMP-17 when it leaves all is well again, and both see how the other is now", func(t *testing.T) {
		alices, juliets, log := s.alice.events.now(), s.juliet.events.start(), s.bridge.lines.now()
		left := time.Now()
		twin.Close()
		said := log.await(t, later, "the all-clear", has("alone again"))
		t.Logf("MEASURED twin: healthy %v after it left", said.at.Sub(left))
		alices.await(t, soon, "Juliet's presence, once more", status(julietJID, "dnd", "who else is here?"))
		juliets.await(t, soon, "Alice's status", showsStatus(aliceInstance, "away", "seeing double"))
		s.bothTalk(t, "alone again")
	})
}

func testKickOld(t *testing.T) {
	s := newScene(t, onlyV4, racing, onProsody)
	t.Run("COMP-5 the twin takes over, the reason is in the log, and the bridge takes back", func(t *testing.T) {
		log := s.bridge.lines.now()
		twin := s.newStandIn(t)
		log.await(t, soon, "the reason", has("conflict", "another connection holds "+domain))
		log.await(t, soon, "a new session", has("msg=authenticated"))
		if _, err := nextNode(twin.d); err != nil {
			t.Errorf("the twin ended with %v before it was told why", err)
		}
		s.juliet.setStatus(t, "dnd", "that was odd")
		s.alice.events.now().await(t, soon, "Juliet's status", status(julietJID, "dnd", "that was odd"))
		s.bothTalk(t, "after the twin")
	})
}

func testKickNew(t *testing.T) {
	o := newOffice(t, onlyV4)
	place := o.inSrv()
	place.kick = "kick_new"
	o.newProsody(t, place)
	o.newStandIn(t)
	b := o.newBridge(t, racing, ordinary)
	t.Run("COMP-5 who comes second is refused, three times, and pauses", func(t *testing.T) {
		log := b.lines.start()
		for range 3 {
			log.await(t, soon, "the reason", has("conflict", "another connection holds "+domain))
		}
		log.await(t, soon, "the long pause", has("waiting before the next attempt", "wait=5m0s"))
	})
}
