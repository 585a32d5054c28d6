//go:build linux

package e2e

import (
	"path/filepath"
	"strings"
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

// annexDomain is the component of a second bridge.
const annexDomain = "annex.example.org"

// TestTwoBridges has a second bridge on the LAN, for another component of the same server.
func TestTwoBridges(t *testing.T) {
	s := newScene(t, both, racing, onProsody)
	annex := s.newHost(t, "annex")
	s.cableToServer(t, annex)
	way := ordinary
	way.interfaces, way.machine, way.domain = "eth0", "annex", annexDomain
	elsewhere := s.at(annex.namespace)
	elsewhere.dir = filepath.Join(s.dir, "second")
	mkdir(t, elsewhere.dir)
	elsewhere.newBridge(t, racing, way).ready(t)
	s.juliet.events.start().await(t, soon, "Juliet sees Alice at the annex", signedOn(`alice\40example.org@annex`))
	s.alice.do(t, "subscribe", "to", `juliet\40pronto@`+annexDomain)
	s.alice.events.start().await(t, soon, "Alice sees Juliet there", presence(`juliet\40pronto@`+annexDomain, ""))
	t.Run("LL-4-9 RES-3860-2 each mirrors Juliet and nobody a mirror, and a message crosses once", func(t *testing.T) {
		alices := s.alice.events.now()
		for _, d := range []string{domain, annexDomain} {
			for _, machine := range []string{"office", "annex"} {
				s.alice.do(t, "subscribe", "to", `alice\5c40example.org\40`+machine+"@"+d)
			}
		}
		s.bothTalk(t, "through the office")
		s.alice.events.now().absent(t, 5*time.Second, "a second copy", func(e clientEvent) bool { return e.Ev == "message" && e.Body != "" })
		mirrored := func(e clientEvent) bool {
			return e.Ev == "presence" && e.Type == "" && strings.HasPrefix(e.From, `alice\5c40`)
		}
		if n := count(alices.rest(), mirrored); n != 0 {
			t.Errorf("%d presences of a mirror of a mirror", n)
		}
		compare(t, s.juliet.received(`alice\40example.org@annex`), nil)
	})
}
