//go:build linux

package e2e

import (
	"strings"
	"testing"
)

// lettingUsWrite is an ejabberd that lets the bridge write into rosters, as deploy/ejabberd
// says how.
func lettingUsWrite(t testing.TB, o *office) (server, setup) {
	t.Helper()
	s := o.inSrv()
	s.generous = true
	return o.newEjabberd(t, s), ordinary
}

// failingToWrite is the same as ejabberd 23.01 is: it says that it lets us, and fails.
func failingToWrite(t testing.TB, o *office) (server, setup) {
	t.Helper()
	s := o.inSrv()
	s.generous, s.broken = true, true
	return o.newEjabberd(t, s), ordinary
}

// newDay is a scene in which Alice has done nothing yet.
func newDay(t *testing.T, raise backend) *scene {
	t.Helper()
	if _, err := racing(); err != nil {
		t.Fatal(err)
	}
	s := &scene{office: newOffice(t, both)}
	var way setup
	s.server, way = raise(t, s.office)
	way.more = "access:\n  warn_unencrypted: false\n" // no other word of the component
	s.aliceComes(t)
	s.pronto = s.newHost(t, "pronto")
	s.julietComes(t)
	s.tap.heard.start().await(t, soon, "Juliet is announced", announces(julietInstance))
	s.bridge = s.newBridge(t, racing, way)
	s.bridge.ready(t)
	return s
}

// fromComponent matches what the component itself says.
func fromComponent(e clientEvent) bool { return e.Ev == "message" && e.From == domain }

// TestRosterRefused is her first day with one that cannot do what it promises.
func TestRosterRefused(t *testing.T) {
	s := newDay(t, failingToWrite)
	t.Run("GW-17 GW-25 she is told once how to find people, and finds them", func(t *testing.T) {
		alices := s.alice.events.start()
		e := alices.await(t, later, "the welcome", fromComponent)
		if !strings.Contains(e.Body, domain) {
			t.Errorf("she reads %q", e.Body)
		}
		s.alice.do(t, "message", "to", domain, "body", "help", "id", "h")
		e = alices.await(t, soon, "help", fromComponent)
		if !strings.Contains(e.Body, julietJID) {
			t.Errorf("she reads %q", e.Body)
		}
		s.alice.do(t, "subscribe", "to", julietJID)
		alices.await(t, soon, "Alice sees Juliet", presence(julietJID, ""))
		s.bothTalk(t, "after all")
		if n := count(s.alice.events.all(), fromComponent); n != 2 {
			t.Errorf("%d messages of the component", n)
		}
	})
}

// TestRoster is Alice's first day with a server that has people written into her
// roster: she does nothing, and finds Juliet there.
func TestRoster(t *testing.T) {
	s := newDay(t, lettingUsWrite)
	alices := s.alice.events.start()
	t.Run("GW-17 GW-25 Juliet stands in Alice's roster, in a group, and is shown", func(t *testing.T) {
		e := alices.await(t, later, "the server says so", inRoster(julietJID, "none"))
		for _, part := range []string{">office<", `name="Juliet Capulet"`} {
			if !strings.Contains(e.XML, part) {
				t.Errorf("no %s in %s", part, e.XML)
			}
		}
		s.alice.events.start().await(t, soon, "Alice sees her", presence(julietJID, ""))
		s.juliet.events.start().await(t, soon, "Juliet sees Alice", signedOn(aliceInstance))
		s.bothTalk(t, "right away")
	})
	t.Run("GW-17 who comes later stands there too", func(t *testing.T) {
		s.newHost(t, "forza").newRawPeer(t, forzaName, "status=away", "nick=Romeo")
		s.alice.events.start().await(t, later, "the server says so", inRoster(forzaJID, "none"))
		s.alice.events.start().await(t, soon, "Alice sees him", presence(forzaJID, ""))
	})
	t.Run("GW-25 taken out by hand, and not put back when the bridge starts anew", func(t *testing.T) {
		removed := s.alice.events.now()
		s.alice.do(t, "raw", "xml", `<iq type="set" id="out"><query xmlns="jabber:iq:roster"><item jid="`+quoted(forzaJID)+`" subscription="remove"/></query></iq>`)
		removed.await(t, soon, "he is out", inRoster(forzaJID, "remove"))
		s.bridge.kill(t)
		s.bridge.up(t)
		s.bridge.ready(t)
		news := s.alice.events.now()
		s.newHost(t, "verona").newRawPeer(t, "tybalt@verona", "status=avail")
		news.await(t, later, "the next one is written", inRoster(`tybalt\40verona@`+domain, "none"))
		if _, back := s.alice.events.now().find(0, inRoster(forzaJID, "none")); back {
			t.Error("he is back")
		}
	})
	t.Run("GW-25 nobody asked her but the component, and nobody told her how to find people", func(t *testing.T) {
		if n := count(s.alice.events.all(), asked); n != 1 {
			t.Errorf("%d subscription requests", n)
		}
		if n := count(s.alice.events.all(), fromComponent); n != 0 {
			t.Errorf("%d messages of the component", n)
		}
	})
}

// inRoster matches the server's news of a contact.
func inRoster(jid, subscription string) func(clientEvent) bool {
	return func(e clientEvent) bool {
		return e.Ev == "iq" && strings.Contains(e.XML, `"jabber:iq:roster"`) && strings.Contains(e.XML, `"`+jid+`"`) &&
			strings.Contains(e.XML, `subscription="`+subscription+`"`)
	}
}
