//go:build linux

package e2e

import (
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// gatewayInstance is the gateway itself on the LAN.
const gatewayInstance = "gateway@office"

// TestGatewayContact is Juliet's talk with the gateway, typed into libpurple, on a
// bridge that admits whoever has an account on the server.
func TestGatewayContact(t *testing.T) {
	s := newScene(t, both, racing, func(t testing.TB, o *office) (server, setup) {
		admitting := ordinary
		admitting.more = "access:\n  domains: [example.org]\n"
		return o.newProsody(t, o.inSrv()), admitting
	})
	s.juliet.events.start().await(t, soon, "the gateway on her list", signedOn(gatewayInstance))
	t.Run("SEC-3 the first message warns both, the next do not", s.testWarning)
	t.Run("MAP-M13 the gateway answers words", s.testWords)
	t.Run("INJ-27 a code that Alice reads links her account", s.testLink)
	t.Run("MAP-M13 block and unblock", s.testBlock)
	t.Run("MAP-M13 invite", s.testInvite)
	t.Run("MAP-E5 COMP-12 an outage in words", s.testOutageInWords)
	t.Run("what was said and proved is known after a restart", s.testRemembered)
}

// warnings lists how often each side was warned.
func (s *scene) warnings() (alice, juliet int) {
	for _, a := range s.alices {
		for _, text := range a.received(domain) {
			if strings.Contains(text, "not encrypted") {
				alice++
			}
		}
	}
	for _, text := range s.juliet.shown(aliceInstance) {
		if strings.HasPrefix(text, aside) && strings.Contains(text, "not encrypted") {
			juliet++
		}
	}
	return alice, juliet
}

func (s *scene) expectWarnings(t *testing.T, want int) {
	t.Helper()
	if a, j := s.warnings(); a != want || j != want {
		t.Errorf("Alice was warned %d times and Juliet %d times, want %d", a, j, want)
	}
}

func (s *scene) testWarning(t *testing.T) {
	s.bothTalk(t, "first")
	eventually(t, soon, "both are warned", func() bool { a, j := s.warnings(); return a > 0 && j > 0 })
	s.bothTalk(t, "second")
	s.expectWarnings(t, 1)
}

// tell types something into the chat with the gateway and waits for an answer that
// has a text in it.
func (s *scene) tell(t *testing.T, text, want string) string {
	t.Helper()
	c := s.juliet.events.now()
	s.juliet.send(t, gatewayInstance, text)
	return c.await(t, soon, "an answer to "+text+" with "+want, func(e bonjourEvent) bool {
		return e.Ev == "message" && e.From == gatewayInstance && strings.Contains(e.Seen, want)
	}).Seen
}

func (s *scene) testWords(t *testing.T) {
	s.tell(t, "Help", "invite ADDRESS")
	s.tell(t, "who?", "Alice ("+aliceJID+"): available")
	s.tell(t, "status", "The chat server can be reached.")
	s.tell(t, "stauts", "Did you mean status?")
	c := s.alice.events.now()
	s.tell(t, "status", "I know you as "+julietInstance)
	c.absent(t, time.Second, "anything of that at Alice's", func(e clientEvent) bool { return e.Ev == "message" })
}

var codeForm = regexp.MustCompile(`(?m)^[A-Z2-7]{4}-[A-Z2-7]{4}$`)

func (s *scene) testLink(t *testing.T) {
	alices := s.alice.events.now()
	s.tell(t, "link "+aliceJID, "I have sent a code")
	letter := alices.await(t, soon, "the code", func(e clientEvent) bool { return e.Ev == "message" && codeForm.MatchString(e.Body) })
	if letter.From != domain || !strings.Contains(letter.Body, julietInstance) {
		t.Errorf("it came from %s: %s", letter.From, letter.Body)
	}
	s.tell(t, "aaaa-aaaa", "That is not the code")
	s.tell(t, strings.ToLower(codeForm.FindString(letter.Body)), aliceJID+" is yours")
	s.tell(t, "status", "You have proved that the account "+aliceJID+" is yours.")
}

func (s *scene) testBlock(t *testing.T) {
	s.tell(t, "block alice", "Messages of Alice do not reach you any more.")
	alices, juliets := s.alice.events.now(), s.juliet.events.now()
	s.alice.do(t, "message", "to", julietJID, "body", "are you there?", "id", "b1")
	alices.await(t, soon, "a refusal", func(e clientEvent) bool { return e.Ev == "message" && e.Type == "error" && e.ID == "b1" })
	s.tell(t, "unblock alice", "Messages of Alice reach you again.")
	s.bothTalk(t, "after the block")
	for _, e := range juliets.rest() {
		if e.Ev == "message" && strings.Contains(e.Seen, "are you there?") {
			t.Error("a message of somebody blocked was shown")
		}
	}
}

func (s *scene) testInvite(t *testing.T) {
	bob := s.login(t, "bob")
	bobs := bob.events.now()
	s.tell(t, "invite xmpp:"+account("bob"), "I have invited "+account("bob"))
	bobs.await(t, soon, "the invitation", func(e clientEvent) bool {
		return e.Ev == "message" && e.From == domain && strings.Contains(e.Body, julietJID)
	})
	s.tell(t, "invite "+account("bob"), "has been invited already")
	bob.logout(t)
}

func (s *scene) testOutageInWords(t *testing.T) {
	s.arrive(t)
	juliets := s.juliet.events.now()
	s.server.kill(t)
	s.juliet.send(t, aliceInstance, "into the outage")
	said := juliets.await(t, 40*time.Second, "that it is kept, and until when", func(e bonjourEvent) bool {
		return e.Ev == "message" && e.From == aliceInstance && strings.HasPrefix(e.Seen, aside+"The chat server cannot be reached.")
	})
	if !strings.Contains(said.Seen, "kept here until "+time.Now().Add(168*time.Hour).Format("Monday 2 January")) {
		t.Errorf("she reads %q", said.Seen)
	}
	s.tell(t, "status", "1 message of yours waiting to go out: 1 for Alice.")
	log := s.bridge.lines.now()
	s.server.up(t)
	log.await(t, later, "the bridge is back", has("msg=authenticated"))
	s.aliceReturns(t)
	s.alice.events.start().await(t, later, "the message", body(julietJID, "into the outage"))
	s.tell(t, "status", "The chat server can be reached.")
}

func (s *scene) testRemembered(t *testing.T) {
	juliets := s.juliet.events.now()
	s.bridge.signal(t, syscall.SIGTERM)
	s.bridge.awaitEnd(t, soon)
	juliets.await(t, soon, "the gateway says goodbye", signedOff(gatewayInstance))
	s.restart(t)
	juliets.await(t, soon, "the gateway is back", signedOn(gatewayInstance))
	s.tell(t, "status", "You have proved that the account "+aliceJID+" is yours.")
	s.bothTalk(t, "after the restart")
	s.expectWarnings(t, 1)
}
