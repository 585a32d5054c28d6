//go:build linux

package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestServerKilled kills Prosody twice and lets it come back.
func TestServerKilled(t *testing.T) {
	s := newScene(t, both, racing, onProsody)
	s.bothTalk(t, "before it all")
	t.Run("COMP-11 COMP-12 COMP-14 a message of the outage arrives, and nobody was withdrawn", s.testOutage)
	t.Run("COMP-16 killed in the middle of a flood, nothing is lost", s.testFlood)
	t.Run("COMP-18 who left during the outage is told as gone", s.testDeparture)
}

// arrive has Juliet write, and waits until the bridge knows that it has arrived: the
// answer to the ping behind it comes to the bridge before what Alice writes after it.
// Otherwise it would be written again (COMP-16).
func (s *scene) arrive(t *testing.T) {
	t.Helper()
	alices, juliets := s.alice.events.now(), s.juliet.events.now()
	s.juliet.send(t, aliceInstance, "the last before the outage")
	alices.await(t, soon, "her message", body(julietJID, "the last before the outage"))
	alices.await(t, soon, "the ping behind it", func(e clientEvent) bool {
		return e.Ev == "iq" && e.From == julietJID && e.Type == "get"
	})
	s.alice.do(t, "message", "to", julietJID, "body", "I have it")
	juliets.await(t, soon, "Alice's message", gets(aliceInstance, "I have it"))
}

func (s *scene) testOutage(t *testing.T) {
	s.arrive(t)
	heard, juliets := s.tap.heard.now(), s.juliet.events.now()
	s.server.kill(t)
	s.juliet.setStatus(t, "dnd", "alone at home")
	for _, text := range []string{"are you there?", "are you <still> there?"} {
		s.juliet.send(t, aliceInstance, text)
	}
	heard.absent(t, 4*time.Second, "Alice was withdrawn", withdraws(aliceInstance))

	log := s.bridge.lines.now()
	s.server.up(t)
	log.await(t, later, "the bridge is back", has("msg=authenticated"))
	s.aliceReturns(t)
	alices := s.alice.events.start()
	alices.await(t, later, "the first message of the outage", body(julietJID, "are you there?"))
	e := alices.await(t, soon, "the second", body(julietJID, "are you <still> there?"))
	if !delayedBy(parsed(t, e.XML), domain) {
		t.Errorf("no delay stamp of the component: %s", e.XML)
	}
	s.alice.events.start().await(t, later, "Juliet's new status", status(julietJID, "dnd", "alone at home"))
	s.bothTalk(t, "after the outage")
	compare(t, s.alice.received(julietJID), []string{"are you there?", "are you <still> there?", "to Alice after the outage"})
	if n := count(juliets.rest(), signedOff(aliceInstance)); n != 0 || !s.juliet.sees(t, aliceInstance) {
		t.Errorf("Alice went from Juliet's list (%d times)", n)
	}
	if e, _ := s.alice.last(julietJID); e.Type != "" {
		t.Errorf("Alice's last news of Juliet: %s", e.XML)
	}
}

// aliceReturns has Alice come when all that the bridge had kept is in the server's
// own store. In the first moment after its start ejabberd 23.01 takes 100 ms to
// store a message; for somebody who becomes available meanwhile it stores it after
// it has read the store for them, and delivers it when they come the next time.
func (s *scene) aliceReturns(t testing.TB) {
	t.Helper()
	s.alice = s.login(t, "alice", "--quiet")
	s.alices = append(s.alices, s.alice)
	answers := s.alice.events.now()
	s.alice.do(t, "raw", "xml", fmt.Sprintf(`<iq to="%s" type="get" id="behind"><ping xmlns="urn:xmpp:ping"/></iq>`, domain))
	answers.await(t, soon, "an answer that comes behind it", func(e clientEvent) bool { return e.ID == "behind" })
	s.alice.do(t, "presence")
}

// testFlood kills the server while Juliet's messages stream through it.
func (s *scene) testFlood(t *testing.T) {
	const n = 150 // the outbox keeps 200 for one recipient
	first := s.alice
	seen, alices := len(first.received(julietJID)), first.events.now()
	for i := range n {
		s.juliet.send(t, aliceInstance, numbered("flood", i, "of many"))
	}
	alices.await(t, soon, "the flood has reached Alice", body(julietJID, numbered("flood", n/10, "of many")))
	s.server.kill(t)
	log := s.bridge.lines.now()
	s.server.up(t)
	log.await(t, later, "the bridge is back", has("msg=authenticated"))
	s.aliceReturns(t)
	s.alice.events.start().await(t, later, "the last of the flood", body(julietJID, numbered("flood", n-1, "of many")))
	first.awaitEnd(t, soon)
	compareSessions(t, first.received(julietJID)[seen:], s.alice, "flood", n)
}

// window is how many messages to one colleague may be under way at once.
const window = 32

// compareSessions holds what came before the server was killed, and what came to
// Alice's next session, against a series that Juliet typed. What was on its way
// may have come both before and after, since nobody can know.
func compareSessions(t *testing.T, before []string, next *client, who string, n int) {
	t.Helper()
	var after []string
	for _, text := range next.received(julietJID) {
		if strings.HasPrefix(text, who) {
			after = append(after, text)
		}
	}
	twice := len(before) + len(after) - n
	t.Logf("MEASURED killed server: of %d messages %d came before, %d after, %d of them twice", n, len(before), len(after), twice)
	if twice < 0 || twice > window {
		t.Errorf("%d are lost, or more than a window of %d came twice", -twice, window)
	}
	want := series(who, n)
	compare(t, before, want[:min(n, len(before))])
	compare(t, after, want[max(0, n-len(after)):])
}

// delayedBy reports whether a message bears a delay stamp of who.
func delayedBy(n node, who string) bool {
	for _, c := range n.Nodes {
		if c.XMLName.Space == "urn:xmpp:delay" && c.attr("from") == who && c.attr("stamp") != "" {
			return true
		}
	}
	return false
}

func (s *scene) testDeparture(t *testing.T) {
	s.server.kill(t)
	s.julietLeaves(t)
	s.server.up(t)
	s.aliceComes(t)
	s.alice.events.start().await(t, 65*time.Second, "Alice hears that Juliet is gone", presence(julietJID, "unavailable"))
	s.julietComes(t)
	s.alice.events.start().await(t, soon, "Juliet is back", presence(julietJID, ""))
	s.juliet.events.start().await(t, soon, "and sees Alice", signedOn(aliceInstance))
}
