//go:build linux

package e2e

import "testing"

// TestEjabberd is a short day with the other server: what TestFirstLight and
// TestServerKilled show at length with Prosody.
func TestEjabberd(t *testing.T) {
	s := newScene(t, both, racing, onEjabberd)
	t.Run("roster", s.testRoster)
	t.Run("status both ways", s.testStatus)
	t.Run("messages", s.testMessages)
	t.Run("many and large", s.testVolume)
	t.Run("COMP-11 COMP-12 COMP-14 a message of the outage arrives, and nobody was withdrawn", s.testOutage)
	t.Run("COMP-16 killed in the middle of a flood, nothing is lost", s.testFlood)
	t.Run("sign-off", s.testLeaving)
	t.Run("at the end", s.testEnd)
}

func (s *scene) testStatus(t *testing.T) {
	alices, juliets := s.alice.events.now(), s.juliet.events.now()
	s.juliet.setStatus(t, "dnd", "R&D, back at 5")
	s.alice.do(t, "presence", "show", "away", "status", "in the garden")
	alices.await(t, soon, "Alice sees Juliet's", status(julietJID, "dnd", "R&D, back at 5"))
	juliets.await(t, soon, "Juliet sees Alice's", showsStatus(aliceInstance, "available", "in the garden"))
}

func (s *scene) testLeaving(t *testing.T) {
	t.Run("GW-19 Juliet leaves and Alice hears of it once", func(t *testing.T) {
		alices := s.alice.events.now()
		s.julietLeaves(t)
		alices.await(t, soon, "she is gone", presence(julietJID, "unavailable"))
		s.julietComes(t)
		alices.await(t, soon, "she is back", presence(julietJID, ""))
		s.juliet.events.start().await(t, soon, "and sees Alice", signedOn(aliceInstance))
	})
	t.Run("GW-7 Alice leaves and is withdrawn", func(t *testing.T) {
		juliets := s.juliet.events.now()
		s.alice.logout(t)
		juliets.await(t, later, "she is gone", signedOff(aliceInstance))
	})
}
