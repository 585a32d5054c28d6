//go:build linux

package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// testVolume sends more at once, and larger, than people do.
func (s *scene) testVolume(t *testing.T) {
	t.Run("100 messages each way at once arrive once each, in order", s.testHundred)
	t.Run("MAP-M16 60 kB of < arrive both ways", s.testLarge)
}

func (s *scene) testHundred(t *testing.T) {
	const n = 100
	heardA, heardJ := len(s.alice.received(julietJID)), len(s.juliet.received(aliceInstance))
	alices, juliets := s.alice.events.now(), s.juliet.events.now()
	begun := time.Now()
	for i := range n {
		s.juliet.send(t, aliceInstance, numbered("up", i, "of many"))
		s.alice.do(t, "message", "to", julietJID, "body", numbered("down", i, "of many"))
	}
	alices.await(t, later, "Juliet's last", body(julietJID, numbered("up", n-1, "of many")))
	juliets.await(t, later, "Alice's last", gets(aliceInstance, numbered("down", n-1, "of many")))
	t.Logf("MEASURED %d messages each way: %v", n, time.Since(begun))
	s.bothTalk(t, "after many")
	compare(t, s.alice.received(julietJID)[heardA:], append(series("up", n), "to Alice after many"))
	compare(t, s.juliet.received(aliceInstance)[heardJ:], append(series("down", n), "to Juliet after many"))
}

// series are texts that differ by their number.
func series(who string, n int) []string {
	var all []string
	for i := range n {
		all = append(all, numbered(who, i, "of many"))
	}
	return all
}

// testLarge sends what becomes largest when it is escaped: libpurple writes it
// twice, as body and as html, with four bytes for each; so do we.
func (s *scene) testLarge(t *testing.T) {
	large := strings.Repeat("<", 60_000)
	alices, juliets := s.alice.events.now(), s.juliet.events.now()
	s.juliet.send(t, aliceInstance, large)
	alices.await(t, later, "Juliet's", body(julietJID, large))
	s.alice.do(t, "message", "to", julietJID, "body", large)
	juliets.await(t, later, "Alice's", gets(aliceInstance, large))
	s.bothTalk(t, fmt.Sprintf("after %d bytes", len(large)))
}
