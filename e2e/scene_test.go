//go:build linux

package e2e

import (
	"testing"
	"time"
)

// How long things may take before a test calls them lost. What a rule limits
// is measured and compared on its own.
const (
	soon  = 10 * time.Second // what happens at once on a good day
	later = 30 * time.Second // what waits for a retry
)

// A scene is an office in which everybody is in place: the server, Alice with
// her client, Juliet with hers, and the program under test between them.
type scene struct {
	*office
	server server
	alice  *client
	alices []*client // every session she had
	pronto *host
	juliet *bonjour
	bridge *bridge
	took   time.Duration // from exec to ready
}

// newScene raises the curtain: when it returns, Alice and Juliet see each
// other.
func newScene(t testing.TB, f family, build func() (string, error), raise backend) *scene {
	t.Helper()
	if _, err := build(); err != nil {
		t.Fatal(err)
	}
	s := &scene{office: newOffice(t, f)}
	var way setup
	s.server, way = raise(t, s.office)
	s.aliceComes(t)
	s.pronto = s.newHost(t, "pronto")
	s.julietComes(t)
	s.tap.heard.start().await(t, soon, "Juliet is announced", announces(julietInstance))
	s.bridge = s.newBridge(t, build, way)
	s.took = s.bridge.ready(t)
	s.alice.events.start().await(t, soon, "Alice is asked by the component", presence(domain, "subscribe"))
	s.juliet.events.start().await(t, soon, "Juliet sees Alice", signedOn(aliceInstance))
	s.alice.do(t, "subscribe", "to", julietJID)
	alices := s.alice.events.start()
	alices.await(t, soon, "Alice's subscription is accepted", presence(julietJID, "subscribed"))
	s.alice.events.start().await(t, soon, "Alice sees Juliet", presence(julietJID, ""))
	return s
}

// aliceComes starts a new session of Alice.
func (s *scene) aliceComes(t testing.TB) {
	t.Helper()
	s.alice = s.login(t, "alice")
	s.alices = append(s.alices, s.alice)
}

// julietComes signs Juliet on.
func (s *scene) julietComes(t testing.TB) {
	t.Helper()
	s.juliet = s.pronto.newBonjour(t, "juliet", "Juliet", "Capulet")
}

// julietLeaves signs Juliet off and waits for her client to be gone.
func (s *scene) julietLeaves(t testing.TB) {
	t.Helper()
	s.juliet.write(t, "quit")
	s.juliet.awaitEnd(t, soon)
}

// bothTalk sends one message each way and waits for both.
func (s *scene) bothTalk(t testing.TB, what string) {
	t.Helper()
	alices, juliets := s.alice.events.now(), s.juliet.events.now()
	s.juliet.send(t, aliceInstance, "to Alice "+what)
	alices.await(t, soon, "Juliet's message", body(julietJID, "to Alice "+what))
	s.alice.do(t, "message", "to", julietJID, "body", "to Juliet "+what)
	juliets.await(t, soon, "Alice's message", gets(aliceInstance, "to Juliet "+what))
}

// count tells how many events match.
func count[E any](events []E, match func(E) bool) int {
	n := 0
	for _, e := range events {
		if match(e) {
			n++
		}
	}
	return n
}
