//go:build linux

package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// TestFirstLight is the ordinary day: Juliet and Alice come, go, change status
// and chat. Its parts share one office and build on each other.
func TestFirstLight(t *testing.T) {
	s := newScene(t, both, racing, onProsody)
	t.Run("roster", s.testRoster)
	t.Run("Juliet's sign-on and status", s.testJulietsStatus)
	t.Run("Alice's status", s.testAlicesStatus)
	t.Run("messages", s.testMessages)
	t.Run("many and large", s.testVolume)
	t.Run("sign-off", s.testSignOff)
	t.Run("stop and start", s.testStopAndStart)
	t.Run("killed bridge", s.testKilledBridge)
	t.Run("at the end", s.testEnd)
}

func asked(e clientEvent) bool { return e.Ev == "presence" && e.Type == "subscribe" }

func (s *scene) testRoster(t *testing.T) {
	t.Run("GW-4 GW-25 the component asks Alice once and nobody else does", func(t *testing.T) {
		if n := count(s.alice.events.all(), asked); n != 1 {
			t.Errorf("Alice got %d subscription requests, want the component's one", n)
		}
	})
	t.Run("GW-8 her subscription to Juliet is accepted at once, with presence", func(t *testing.T) {
		if n := count(s.alice.events.all(), presence(julietJID, "subscribed")); n != 1 {
			t.Errorf("%d times subscribed, want once", n)
		}
	})
	t.Run("GW-11 MAP-P1 Juliet is available, from her bare proxy JID", func(t *testing.T) {
		e, _ := s.alice.last(julietJID)
		if e.From != julietJID || e.Type != "" || e.Show != "" {
			t.Errorf("Juliet's presence is %s", e.XML)
		}
	})
	t.Run("PRIV-5 LL-4-8 INJ-7 Juliet's list has Alice and the gateway, by nick, and nobody else", func(t *testing.T) {
		s.juliet.events.start().await(t, soon, "the gateway", signedOn(gatewayInstance))
		var got []string
		for _, e := range s.juliet.list(t) {
			got = append(got, e.Name+" "+e.Alias+" "+e.Status)
		}
		slices.Sort(got)
		compare(t, got, []string{aliceInstance + " Alice available", gatewayInstance + " Gateway available"})
	})
	t.Run("LL-4-9 PRIV-1 Alice's record is marked and names no more than it must", func(t *testing.T) {
		keys := map[string]string{}
		for _, kv := range s.tap.txt(aliceInstance) {
			k, v, _ := strings.Cut(kv, "=")
			keys[strings.ToLower(k)] = v
		}
		if keys["gw"] != "0abf8254" || keys["nick"] != "Alice" {
			t.Errorf("TXT is %v, want gw=0abf8254 and nick=Alice", keys)
		}
		for _, k := range []string{"1st", "last", "email", "jid"} {
			if v, ok := keys[k]; ok {
				t.Errorf("TXT publishes %s=%s", k, v)
			}
		}
	})
}

func (s *scene) testJulietsStatus(t *testing.T) {
	alices := s.alice.events.now()
	s.julietLeaves(t)
	alices.await(t, soon, "Juliet is gone", presence(julietJID, "unavailable"))
	t.Run("sign-on reaches Alice within 2 s of the announcement", func(t *testing.T) {
		heard := s.tap.heard.now()
		s.julietComes(t)
		told := heard.await(t, soon, "Juliet's announcement", announces(julietInstance))
		seen := alices.await(t, soon, "Alice sees her", presence(julietJID, ""))
		took := seen.at.Sub(told.at)
		t.Logf("MEASURED sign-on: first announcement on the wire to Alice's client: %v", took)
		if took > 2*time.Second {
			t.Errorf("it took %v", took)
		}
	})
	for _, c := range []struct{ name, word, show, text string }{
		{"MAP-P3 MAP-P4 dnd with a text", "dnd", "dnd", "R&D, back at 5"},
		{"MAP-P2 away with a text", "away", "away", "gone fishing"},
		{"LL-5-2 another text alone", "away", "away", "still fishing"},
		{"MAP-P1 available again", "avail", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			alices, heard, changed := s.alice.events.now(), s.tap.heard.now(), time.Now()
			s.juliet.setStatus(t, c.word, c.text)
			e := alices.await(t, soon, "Alice sees it", status(julietJID, c.show, c.text))
			t.Logf("MEASURED status: command to Alice's client: %v", e.at.Sub(changed))
			s.settle(t, heard, julietInstance, dns.TypeTXT)
		})
	}
	s.juliet.events.start().await(t, soon, "Juliet sees Alice again", signedOn(aliceInstance))
}

// settle waits until a record of an instance was announced twice on IPv4 and
// IPv6 each, as RFC 6762 section 8.3 asks: from then on everybody has it. A
// change in between upsets Avahi 0.8: it takes its own older packet for a
// conflict and falls silent about the instance.
func (s *scene) settle(t *testing.T, wire *cursor[heard], instance string, kind uint16) {
	t.Helper()
	times := map[bool]int{}
	wire.await(t, soon, instance+" is settled", func(h heard) bool {
		if h.response && h.instance == instance && h.rr.Header().Rrtype == kind && h.rr.Header().Ttl > 0 {
			times[h.from.Is4()]++
		}
		return times[true] >= 2 && times[false] >= 2
	})
}

func (s *scene) testAlicesStatus(t *testing.T) {
	for _, c := range []struct{ name, show, text, status, message, txt string }{
		{"MAP-T2 MAP-T5 away with a text is Available in libpurple, away in the record", "away", "in the garden", "available", "in the garden", "status=away"},
		{"MAP-T3 MAP-T12 dnd without a text is Away, with the gateway's words", "dnd", "", "away", "Do not disturb", "status=dnd"},
		{"MAP-T1 available again", "", "", "available", "", "status=avail"},
	} {
		t.Run(c.name, func(t *testing.T) {
			juliets, changed := s.juliet.events.now(), time.Now()
			s.alice.do(t, "presence", "show", c.show, "status", c.text)
			e := juliets.await(t, soon, "Juliet sees it", showsStatus(aliceInstance, c.status, c.message))
			t.Logf("MEASURED status: command to Juliet's list: %v", e.at.Sub(changed))
			if txt := s.tap.txt(aliceInstance); !slices.Contains(txt, c.txt) {
				t.Errorf("TXT is %q, without %s", txt, c.txt)
			}
			if e.Alias != "Alice" {
				t.Errorf("the alias became %q", e.Alias)
			}
		})
	}
}

// texts are 20 awkward messages and a plain one, which shows that nothing
// follows the twentieth.
func texts(who string) []string {
	var all []string
	for i, text := range append(slices.Clone(awkward), "that is all") {
		all = append(all, numbered(who, i, text))
	}
	return all
}

func (s *scene) testMessages(t *testing.T) {
	t.Run("INJ-14 20 of Juliet's arrive once each, in order, unchanged", func(t *testing.T) {
		want, alices := texts("J"), s.alice.events.now()
		for _, text := range want {
			s.juliet.send(t, aliceInstance, text)
		}
		alices.await(t, soon, "the last one", body(julietJID, want[len(want)-1]))
		compare(t, s.alice.received(julietJID), want)
	})
	t.Run("MAP-M16 MAP-M17 MAP-M18 each has an id, no html, and goes to the bare JID", func(t *testing.T) {
		ids := map[string]bool{}
		for _, e := range s.alice.events.all() {
			if e.Ev != "message" || e.From != julietJID {
				continue
			}
			m := parsed(t, e.XML)
			if _, ok := m.child("html"); ok {
				t.Errorf("html came through: %s", e.XML)
			}
			if e.ID == "" || ids[e.ID] || e.To != aliceJID {
				t.Errorf("no id of its own, or not to %s: %s", aliceJID, e.XML)
			}
			ids[e.ID] = true
		}
	})
	t.Run("MAP-M1 MAP-M16 20 of Alice's arrive once each, in order, shown literally", func(t *testing.T) {
		want, juliets := texts("A"), s.juliet.events.now()
		for i, text := range want {
			s.alice.do(t, "message", "to", julietJID, "body", text, "id", fmt.Sprint("m", i))
		}
		juliets.await(t, soon, "the last one", gets(aliceInstance, want[len(want)-1]))
		compare(t, s.juliet.received(aliceInstance), want)
	})
	t.Run("after Juliet closed the window both go on", func(t *testing.T) {
		s.juliet.write(t, "close "+aliceInstance)
		s.bothTalk(t, "after the window was closed")
	})
}

// compare reports how two lists of messages differ.
func compare(t *testing.T, got, want []string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			t.Errorf("message %d is missing: %q", i, want[i])
		case i >= len(want):
			t.Errorf("one too many: %q", got[i])
		case got[i] != want[i]:
			t.Errorf("message %d is %q, want %q", i, got[i], want[i])
		}
	}
}

func (s *scene) testSignOff(t *testing.T) {
	for _, c := range []struct {
		name  string
		leave func()
	}{
		{"GW-19 MAP-P12 a sign-off is one unavailable, 2 to 3 s after the goodbye", func() { s.julietLeaves(t) }},
		{"GW-19 MAP-P12 so is a client killed with -9", func() { s.juliet.kill(t) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			alices, heard := s.alice.events.now(), s.tap.heard.now()
			all := *alices
			c.leave()
			bye := heard.await(t, soon, "the goodbye on the wire", withdraws(julietInstance))
			e := alices.await(t, soon, "Alice sees her go", presence(julietJID, "unavailable"))
			took := e.at.Sub(bye.at)
			t.Logf("MEASURED sign-off: goodbye to Alice's client: %v", took)
			if took < 1900*time.Millisecond || took > 3*time.Second {
				t.Errorf("it took %v", took)
			}
			s.julietComes(t)
			alices.await(t, soon, "Juliet is back", presence(julietJID, ""))
			if n := count(all.rest(), presence(julietJID, "unavailable")); n != 1 {
				t.Errorf("%d times unavailable", n)
			}
			s.juliet.events.start().await(t, soon, "she sees Alice", signedOn(aliceInstance))
		})
	}
	t.Run("GW-7 MAP-T4 Alice's log-out withdraws her after 10 s", func(t *testing.T) {
		juliets, heard := s.juliet.events.now(), s.tap.heard.now()
		left := time.Now()
		s.alice.logout(t)
		bye := heard.await(t, later, "Alice's goodbye", withdraws(aliceInstance))
		if gone := bye.at.Sub(left); gone < 9*time.Second || gone > 13*time.Second {
			t.Errorf("the goodbye came %v after she left, want about 10 s", gone)
		}
		juliets.await(t, soon, "she is gone from Juliet's list", signedOff(aliceInstance))
		s.aliceComes(t)
		juliets.await(t, soon, "she is back", signedOn(aliceInstance))
		s.alice.events.start().await(t, soon, "she sees Juliet", presence(julietJID, ""))
	})
}

func (s *scene) testEnd(t *testing.T) {
	t.Run("GW-25 still no other subscription request", func(t *testing.T) {
		n := 0
		for _, a := range s.alices {
			n += count(a.events.all(), asked)
		}
		if n != 1 {
			t.Errorf("%d in all of Alice's sessions, want the component's one", n)
		}
	})
	t.Run("PRIV-6 no text of messages or status in the log", func(t *testing.T) {
		for _, p := range s.logs.named("bridge") {
			for _, l := range p.lines.all() {
				for _, word := range []string{"bold", "that is all", "fishing", "garden", "after the kill", "back at 5"} {
					if strings.Contains(l.text, word) {
						t.Errorf("%q stands in the log: %s", word, l.text)
					}
				}
			}
		}
	})
	t.Run("no data race and no panic", func(t *testing.T) {
		for _, p := range s.logs.named("bridge") {
			for _, l := range p.lines.all() {
				if has("DATA RACE")(l) || has("panic:")(l) {
					t.Errorf("the log says: %s", l.text)
				}
			}
		}
	})
}
