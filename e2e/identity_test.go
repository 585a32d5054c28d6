//go:build linux

package e2e

import (
	"fmt"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A mesh is an office whose Bonjour clients and server are played by the test,
// to do what good programs do not do.
type mesh struct {
	*office
	server *recorder
	bridge *bridge
	juliet *rawPeer // juliet@pronto
	romeo  *rawPeer // romeo@forza, another host
}

// TestStrangers plays the identity table of V-9 and the hostile XML of V-12
// against the program.
func TestStrangers(t *testing.T) {
	if _, err := racing(); err != nil {
		t.Fatal(err)
	}
	m := &mesh{office: newOffice(t, both)}
	m.server = m.newRecorder(t, accepts)
	m.juliet = m.newHost(t, "pronto").newRawPeer(t, julietInstance, "status=avail")
	m.romeo = m.newHost(t, "forza").newRawPeer(t, "romeo@forza", "status=avail")
	heard := m.tap.heard.now()
	m.bridge = m.newBridge(t, racing, ordinary)
	m.bridge.ready(t)
	heard.await(t, soon, "Alice's announcement", announces(aliceInstance))
	m.sendsEventually(t)

	t.Run("identity", m.testIdentity)
	t.Run("what may cross", m.testPass)
	t.Run("from the server", m.testDownstream)
	t.Run("hostile XML", m.testHostile)
	t.Run("stop", m.testStop)
}

// sendsEventually waits until the bridge knows Juliet.
func (m *mesh) sendsEventually(t *testing.T) {
	t.Helper()
	crossed := m.server.stanzas.now()
	s := m.open(t)
	s.say("%s", chat(julietInstance, aliceInstance, "knock knock"))
	crossed.await(t, soon, "a first message", message("knock knock"))
	s.hangUp()
}

// open dials Alice's proxy instance as Juliet, and waits for the answer to the
// header.
func (m *mesh) open(t *testing.T) *meshStream {
	t.Helper()
	s := m.juliet.call(t)
	s.header(m.juliet.instance, aliceInstance)
	s.await(t, soon, "<stream:stream")
	return s
}

// onlyThisCrosses sends a message on a new stream, waits for it at the server,
// and fails if any other message or iq of a peer came since the cursor was
// set. What was forwarded of earlier streams would have come before it.
func (m *mesh) onlyThisCrosses(t *testing.T, since *cursor[stanzaIn], text string) {
	t.Helper()
	all, s := *since, m.open(t)
	s.say("%s", chat(m.juliet.instance, aliceInstance, text))
	since.await(t, soon, "the message on the next stream", message(text))
	s.hangUp()
	for _, n := range all.rest() {
		kind := n.XMLName.Local
		if (kind == "message" || kind == "iq" && n.attr("to") != domain && !ping(n)) && n.text("body") != text {
			t.Errorf("this crossed: %s", n.raw)
		}
		if from := n.attr("from"); from != domain && !strings.HasSuffix(from, "@"+domain) {
			t.Errorf("INJ-3: not from the component's domain: %s", n.raw)
		}
	}
}

// ping tells the gateway's own arrival pings (COMP-16) from what a peer sent.
func ping(n stanzaIn) bool {
	_, ok := n.child("ping")
	return ok && n.attr("type") == "get"
}

// refused awaits the end of s and compares the stream error.
func refused(t *testing.T, s *meshStream, want string) {
	t.Helper()
	said := s.end(t, soon)
	if got := streamError(said); got != want {
		t.Errorf("the stream error is %q, want %s; it said %q", got, want, said)
	}
}

func (m *mesh) testIdentity(t *testing.T) {
	const j, r = julietInstance, "romeo@forza"
	t.Run("V-9 row 1 INJ-3 MAP-M17 from Juliet's host, as Juliet: crosses under her proxy JID", func(t *testing.T) {
		crossed, s := m.server.stanzas.now(), m.open(t)
		s.say("%s", chat(j, aliceInstance, "row 1"))
		n := crossed.await(t, soon, "row 1", message("row 1"))
		if n.attr("from") != julietJID || n.attr("to") != aliceJID || n.attr("id") == "" {
			t.Errorf("it crossed as %s", n.raw)
		}
		s.hangUp()
	})
	// Rows that end the stream: who dials, as whom in the header, what then.
	for _, c := range []struct {
		name, from, stanza, want string
		host                     *host
	}{
		{"V-9 row 2 INJ-4 Juliet's name from Romeo's host", j, "", "invalid-from", m.romeo.host},
		{"V-9 row 3 INJ-5 Romeo's name on Juliet's stream", j, chat(r, aliceInstance, "row 3"), "invalid-from", m.juliet.host},
		{"INJ-5 her own name with a resource", j, chat(j+"/x", aliceInstance, "resource"), "invalid-from", m.juliet.host},
		{"V-9 row 5 INJ-4 a name that nobody announced", "admin@example.com", "", "invalid-from", m.juliet.host},
		{"V-9 row 14 INJ-6 no name in the header, Juliet's in the stanza, from Romeo's host", "", chat(j, aliceInstance, "row 14"), "invalid-from", m.romeo.host},
	} {
		t.Run(c.name, func(t *testing.T) {
			crossed, s := m.server.stanzas.now(), c.host.call(t)
			s.header(c.from, aliceInstance)
			s.say("%s", c.stanza)
			refused(t, s, c.want)
			m.onlyThisCrosses(t, crossed, "after "+c.name)
		})
	}
	t.Run("no name in the header", m.testNameless)
	t.Run("V-9 row 11 from an address off the link: refused without a word", m.testOffLink)
	t.Run("INJ-7 a stream to a name that is not here", func(t *testing.T) {
		crossed, s := m.server.stanzas.now(), m.juliet.call(t)
		s.header(j, "nobody@office")
		refused(t, s, "host-unknown")
		m.onlyThisCrosses(t, crossed, "after host-unknown")
	})
}

// testNameless opens streams whose header does not say who is there.
func (m *mesh) testNameless(t *testing.T) {
	const j = julietInstance
	t.Run("V-9 row 6 INJ-6 no name anywhere is refused", func(t *testing.T) {
		crossed, s := m.server.stanzas.now(), m.juliet.call(t)
		s.header("", aliceInstance)
		s.say("%s", chat("", aliceInstance, "row 6"))
		if said := s.end(t, soon); streamError(said) == "" {
			t.Errorf("no stream error: %q", said)
		}
		m.onlyThisCrosses(t, crossed, "after row 6")
	})
	t.Run("V-9 row 13 INJ-6 no name in the header, Juliet's in the first stanza: bound by it", func(t *testing.T) {
		crossed, s := m.server.stanzas.now(), m.juliet.call(t)
		s.header("", aliceInstance)
		s.say("%s", chat(j, aliceInstance, "row 13"))
		n := crossed.await(t, soon, "row 13", message("row 13"))
		if n.attr("from") != julietJID || n.attr("to") != aliceJID {
			t.Errorf("it crossed as %s", n.raw)
		}
		s.hangUp()
	})
}

// testOffLink gives Juliet's computer an address that is not of this LAN, and
// a way back to it.
func (m *mesh) testOffLink(t *testing.T) {
	const foreign = "203.0.113.9"
	crossed := m.server.stanzas.now()
	m.juliet.ip(t, "addr", "add", foreign+"/32", "dev", "lo")
	m.router.ip(t, "route", "add", foreign+"/32", "via", m.juliet.v4.String(), "dev", lanDevice)
	s, err := m.juliet.dial(m.lineTo(t, aliceInstance), netip.MustParseAddr(foreign))
	if err == nil {
		s.header(julietInstance, aliceInstance)
		s.say("%s", chat(julietInstance, aliceInstance, "row 11"))
		if said := s.end(t, soon); said != "" {
			t.Errorf("it was answered: %q", said)
		}
	}
	m.onlyThisCrosses(t, crossed, "after row 11")
}

func (m *mesh) testPass(t *testing.T) {
	const j = julietInstance
	// Stanzas that are answered with an error on the stream, which stays.
	for _, c := range []struct{ name, stanza, want string }{
		{"V-9 row 7 INJ-7 a stanza to a real address instead of an instance", chat(j, aliceJID, "row 7"), "item-not-found"},
		{"INJ-11 a stanza to another peer", chat(j, "romeo@forza", "transit"), "item-not-found"},
		{"INJ-18 a roster set", fmt.Sprintf(`<iq from='%s' to='%s' type='set' id='r1'><query xmlns='jabber:iq:roster'><item jid='x@y'/></query></iq>`, j, quoted(aliceInstance)), "service-unavailable"},
	} {
		t.Run(c.name, func(t *testing.T) {
			crossed, s := m.server.stanzas.now(), m.open(t)
			s.say("%s", c.stanza)
			s.await(t, soon, "</error>")
			for _, n := range stanzas(s.text()) {
				e, ok := n.child("error")
				if _, body := n.child("body"); !ok || e.condition() != c.want || body {
					t.Errorf("the answer is %+v, want %s without a body", n, c.want)
				}
			}
			s.say("%s", chat(j, aliceInstance, "goes on after "+c.want))
			crossed.await(t, soon, "the next message of the same stream", message("goes on after "+c.want))
			s.hangUp()
		})
	}
	t.Run("V-9 row 12 INJ-13 LL-STR-28 a forged subscribed is dropped, the stream lives", func(t *testing.T) {
		crossed, s := m.server.stanzas.now(), m.open(t)
		all := *crossed
		s.say(`<presence from='%s' to='%s' type='subscribed'/>%s`, j, quoted(aliceInstance), chat(j, aliceInstance, "row 12"))
		crossed.await(t, soon, "the next message", message("row 12"))
		for _, n := range all.rest() {
			if n.XMLName.Local == "presence" && n.attr("type") == "subscribed" {
				t.Errorf("it crossed: %s", n.raw)
			}
		}
		s.hangUp()
	})
	t.Run("INJ-8 INJ-15 INJ-16 payloads that bear authority are left behind", func(t *testing.T) {
		crossed, s := m.server.stanzas.now(), m.open(t)
		s.say(`<message from='%s' to='%s' type='chat'><addresses xmlns='http://jabber.org/protocol/address'><address type='to' jid='victim@example.org'/></addresses>`+
			`<x xmlns='urn:unknown'><body>EVIL</body></x><sent xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='ceo@example.org'><body>EVIL</body></message></forwarded></sent>`+
			`<body>good</body><privilege xmlns='urn:xmpp:privilege:2'/><delay xmlns='urn:xmpp:delay' from='%s' stamp='2002-09-10T23:08:25Z'/></message>`, j, quoted(aliceInstance), domain)
		n := crossed.await(t, soon, "the message", message("good"))
		for _, bad := range []string{"EVIL", "victim", "carbons", "privilege", "urn:unknown", "2002-09"} {
			if strings.Contains(n.raw, bad) {
				t.Errorf("%s crossed: %s", bad, n.raw)
			}
		}
		s.hangUp()
	})
}

// testStop ends the bridge and looks at the order of things.
func (m *mesh) testStop(t *testing.T) {
	t.Run("COMP-13 LL-9-1 unavailable, end of the stream, then goodbyes", func(t *testing.T) {
		heard, last := m.tap.heard.now(), m.server.current(t)
		m.bridge.signal(t, syscall.SIGTERM)
		bye := heard.await(t, soon, "Alice's goodbye", withdraws(aliceInstance))
		if code := m.bridge.awaitEnd(t, soon); code != 0 {
			t.Errorf("exit code %d", code)
		}
		said := last.end(t, time.Second)
		if !strings.HasSuffix(strings.TrimSpace(said), "</stream:stream>") {
			t.Errorf("the stream was not closed: …%q", said[max(0, len(said)-300):])
		}
		closed, _ := last.when("</stream:stream>")
		if bye.at.Before(closed) {
			t.Errorf("the goodbye came %v before the end of the stream", closed.Sub(bye.at))
		}
	})
}
