//go:build linux

package e2e

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

func (s *scene) testStopAndStart(t *testing.T) {
	t.Run("LL-9-1 SIGTERM empties both lists and ends in good order", func(t *testing.T) {
		alices, juliets, heard := s.alice.events.now(), s.juliet.events.now(), s.tap.heard.now()
		begun := time.Now()
		s.bridge.signal(t, syscall.SIGTERM)
		alices.await(t, soon, "Juliet goes from Alice's roster", presence(julietJID, "unavailable"))
		heard.await(t, soon, "Alice's goodbye on the wire", withdraws(aliceInstance))
		if code := s.bridge.awaitEnd(t, soon); code != 0 {
			t.Errorf("exit code %d", code)
		}
		t.Logf("MEASURED stop: SIGTERM to exit: %v", time.Since(begun))
		juliets.await(t, soon, "Alice goes from Juliet's list", signedOff(aliceInstance))
		if list := s.juliet.list(t); len(list) != 0 {
			t.Errorf("Juliet's list still has %+v", list)
		}
	})
	t.Run("start fills them again", func(t *testing.T) {
		s.restart(t)
		s.bothTalk(t, "after a stop")
	})
}

// restart starts the bridge and waits until both see each other.
func (s *scene) restart(t *testing.T) {
	t.Helper()
	alices, juliets := s.alice.events.now(), s.juliet.events.now()
	s.bridge.up(t)
	s.bridge.ready(t)
	alices.await(t, soon, "Alice sees Juliet", presence(julietJID, ""))
	juliets.await(t, soon, "Juliet sees Alice", signedOn(aliceInstance))
}

func (s *scene) testKilledBridge(t *testing.T) {
	t.Run("killed with -9 and back: both still there, both can talk", func(t *testing.T) {
		juliets, alices := s.juliet.events.now(), s.alice.events.now()
		s.bridge.kill(t)
		s.bridge.up(t)
		s.bridge.ready(t)
		alices.await(t, soon, "Juliet's presence comes anew", presence(julietJID, ""))
		t.Logf("MEASURED restart: Juliet had to type %d times", s.julietInsists(t, "after the kill"))
		s.bothTalk(t, "after the kill")
		if n := count(juliets.rest(), signedOff(aliceInstance)); n != 0 {
			t.Errorf("Alice went from Juliet's list %d times", n)
		}
		if e, _ := s.alice.last(julietJID); e.Type != "" {
			t.Errorf("Alice's last news of Juliet is %s", e.XML)
		}
	})
	t.Run("COMP-20 Juliet leaves while it is down: Alice hears within 5 s of its return", func(t *testing.T) {
		alices := s.alice.events.now()
		s.bridge.kill(t)
		s.julietLeaves(t)
		s.bridge.up(t)
		ready := s.bridge.begun.Add(s.bridge.ready(t))
		e := alices.await(t, soon, "Juliet is unavailable", presence(julietJID, "unavailable"))
		t.Logf("MEASURED ghost: ready to unavailable: %v", e.at.Sub(ready))
		if e.at.Sub(ready) > 5*time.Second {
			t.Errorf("it took %v", e.at.Sub(ready))
		}
		s.julietComes(t)
		alices.await(t, soon, "Juliet is back", presence(julietJID, ""))
		s.juliet.events.start().await(t, soon, "she sees Alice", signedOn(aliceInstance))
	})
	t.Run("Alice logs off while it is down: she goes from Juliet's list", func(t *testing.T) {
		juliets, heard := s.juliet.events.now(), s.tap.heard.now()
		s.bridge.kill(t)
		s.alice.logout(t)
		s.bridge.up(t)
		s.bridge.ready(t)
		heard.await(t, later, "her goodbye", withdraws(aliceInstance))
		e := juliets.await(t, later, "Alice goes from Juliet's list", signedOff(aliceInstance))
		t.Logf("MEASURED ghost: exec to Juliet's list: %v", e.at.Sub(s.bridge.begun))
		s.aliceComes(t)
		juliets.await(t, soon, "Alice is back", signedOn(aliceInstance))
		s.alice.events.start().await(t, soon, "she sees Juliet", presence(julietJID, ""))
		s.bothTalk(t, "after her return")
	})
}

// julietInsists sends until a message arrives, and returns how often she had to.
// Her client may refuse while it has an old address of Alice; she sees that and
// types again. What it did not refuse must arrive.
func (s *scene) julietInsists(t *testing.T, text string) int {
	t.Helper()
	refused := func(e bonjourEvent) bool { return e.Ev == "notice" && strings.HasPrefix(e.Raw, "Unable to send") }
	for tries := 1; tries <= 20; tries++ {
		alices, juliets := s.alice.events.now(), s.juliet.events.now()
		try := numbered("try", tries, text)
		s.juliet.send(t, aliceInstance, try)
		if _, ok := alices.find(500*time.Millisecond, body(julietJID, try)); ok {
			return tries
		}
		if count(juliets.rest(), refused) == 0 {
			alices.await(t, soon, "what her client accepted", body(julietJID, try))
			return tries
		}
	}
	t.Fatal("Juliet's client cannot send any more")
	return 0
}
