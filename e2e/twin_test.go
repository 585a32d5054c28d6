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
	twin, taken, begun := s.newStandIn(t), newJournal[node](), time.Now()
	go twin.swallow(taken)
	t.Run("COMP-17 it is noticed within 65 s, with the reason", func(t *testing.T) {
		said := s.bridge.lines.now().await(t, noticed+soon, "the reason", has("another connection serves this component as well", domain))
		t.Logf("MEASURED twin: noticed after %v", said.at.Sub(begun))
		if said.at.Sub(begun) > noticed {
			t.Errorf("it took %v", said.at.Sub(begun))
		}
	})
	alices := s.alice.events.now()
	s.juliet.setStatus(t, "dnd", "who else is here?")
	alices.await(t, soon, "Juliet's status, which no server splits", status(julietJID, "dnd", "who else is here?"))
	text := s.aliceUnheard(t, taken)
	t.Run("COMP-17 when it leaves all is well again, and both see how the other is now", func(t *testing.T) {
		log, left := s.bridge.lines.now(), time.Now()
		twin.Close()
		said := log.await(t, later, "the all-clear", has("alone again"))
		t.Logf("MEASURED twin: healthy %v after it left", said.at.Sub(left))
		alices.await(t, soon, "Juliet's presence, once more", status(julietJID, "dnd", "who else is here?"))
		s.juliet.events.start().await(t, soon, "Alice's status", showsStatus(aliceInstance, "away", text))
		s.bothTalk(t, "alone again")
	})
}

// aliceUnheard has Alice change her status until the twin gets the news, and
// returns the text that the bridge has not heard.
func (s *scene) aliceUnheard(t *testing.T, taken *journal[node]) string {
	t.Helper()
	for i := range 30 {
		text, twins := numbered("double", i, "vision"), taken.now()
		s.alice.do(t, "presence", "show", "dnd", "status", text)
		if _, ok := twins.find(300*time.Millisecond, func(n node) bool { return n.text("status") == text }); ok {
			return text
		}
	}
	t.Fatal("the server gives the twin nothing")
	return ""
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
