//go:build linux

package e2e

import (
	"strings"
	"testing"
	"time"
)

// TestGhosts pulls the cable of Juliet's computer, which tells nobody: no goodbye, no end
// of a connection.
func TestGhosts(t *testing.T) {
	s := newScene(t, both, racing, onProsody)
	pull := func() time.Time {
		s.router.ip(t, "link", "set", "lan-pronto", "down")
		return time.Now()
	}
	plug := func() { s.router.ip(t, "link", "set", "lan-pronto", "up") }

	t.Run("LL-9-6 gone for Alice within 10 s of her first message, which Juliet gets when she is back", func(t *testing.T) {
		s.bothTalk(t, "before the cable is pulled")
		alices, juliets := s.alice.events.now(), s.juliet.events.now()
		pull()
		sent := time.Now()
		s.alice.do(t, "message", "to", julietJID, "body", "are you there?")
		e := alices.await(t, later, "Juliet is gone", presence(julietJID, "unavailable"))
		took := e.at.Sub(sent)
		t.Logf("MEASURED vanished, from the message to Alice's client: %v", took)
		if took > 10*time.Second {
			t.Errorf("it took %v", took)
		}
		plug()
		alices.await(t, 2*time.Minute, "Juliet is back", presence(julietJID, ""))
		juliets.await(t, 2*time.Minute, "the message", func(e bonjourEvent) bool {
			return strings.Contains(e.Seen, "are you there?")
		})
	})
	t.Run("watched: gone for Alice within 60 s without any traffic", func(t *testing.T) {
		alices := s.alice.events.now()
		pulled := pull()
		e := alices.await(t, 90*time.Second, "Juliet is gone", presence(julietJID, "unavailable"))
		took := e.at.Sub(pulled)
		t.Logf("MEASURED vanished, from the cable to Alice's client: %v", took)
		if took > 60*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}
