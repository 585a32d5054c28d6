//go:build linux

package e2e

import (
	"slices"
	"testing"
	"time"
)

// TestMadeAnewIPv6 and TestMadeAnewIPv4 have the router's bridge device deleted and made
// again while Juliet and Alice chat, as netifd does when its configuration is loaded: same
// name and addresses, another number. To that number link-local addresses are bound.
func TestMadeAnewIPv6(t *testing.T) { madeAnew(t, onlyV6, "LL-3-27 LL-11.1-6 IPv6 only") }
func TestMadeAnewIPv4(t *testing.T) { madeAnew(t, onlyV4, "LL-3-27 IPv4 only") }

func madeAnew(t *testing.T, f family, name string) {
	s := newScene(t, f, racing, onProsody)
	t.Run(name+": nothing is lost, nobody leaves, and the chat goes on", func(t *testing.T) {
		s.bothTalk(t, "before it all")
		alices, juliets, log := s.alice.events.now(), s.juliet.events.now(), s.bridge.lines.now()
		s.router.ip(t, "link", "del", lanDevice)
		log.await(t, time.Second, "the kernel's word", has("interface left"))
		s.alice.do(t, "message", "to", julietJID, "body", "are you there?")
		s.addLAN(t)
		back := time.Now()
		log.await(t, 3*time.Second, "the kernel's word", has("interface joined"))
		juliets.await(t, later, "what Alice wrote meanwhile", gets(aliceInstance, "are you there?"))
		t.Logf("MEASURED delivered %v after the interface was back", time.Since(back))
		s.bothTalk(t, "over the new one")
		if n := count(alices.rest(), presence(julietJID, "unavailable")); n != 0 {
			t.Errorf("Juliet went %d times", n)
		}
		// What was said less than a second before is said again: nobody confirmed it.
		compare(t, slices.Compact(s.juliet.received(aliceInstance)), []string{"to Juliet before it all", "are you there?", "to Juliet over the new one"})
	})
}

// addLAN makes the LAN device again, as it was.
func (o *office) addLAN(t testing.TB) {
	t.Helper()
	o.makeLAN(t)
	for _, role := range o.roles {
		o.router.ip(t, "link", "set", "lan-"+role, "master", lanDevice)
	}
}

// TestLinkDown takes the router's bridge device down, for a moment and for longer.
func TestLinkDown(t *testing.T) {
	s := newScene(t, both, racing, onProsody)
	s.bothTalk(t, "before it all")
	t.Run("LL-3-27 down for three seconds: what both write meanwhile arrives, and nobody leaves", func(t *testing.T) {
		alices, juliets := s.alice.events.now(), s.juliet.events.now()
		everything := *alices
		s.router.ip(t, "link", "set", lanDevice, "down")
		s.juliet.send(t, aliceInstance, "can you hear me?")
		s.alice.do(t, "message", "to", julietJID, "body", "and you me?")
		<-time.After(3 * time.Second) // the outage
		s.router.ip(t, "link", "set", lanDevice, "up")
		alices.await(t, later, "what Juliet wrote", body(julietJID, "can you hear me?"))
		juliets.await(t, later, "what Alice wrote", gets(aliceInstance, "and you me?"))
		s.bothTalk(t, "afterwards")
		if n := count(everything.rest(), presence(julietJID, "unavailable")); n != 0 {
			t.Errorf("Juliet went %d times", n)
		}
	})
	t.Run("LL-3-27 LL-11.1-3 renumbered: the chat goes on at the new address", func(t *testing.T) {
		heard := s.tap.heard.now()
		s.router.ip(t, "addr", "del", routerLAN+"/24", "dev", lanDevice)
		s.router.ip(t, "addr", "add", "10.77.2.3/24", "dev", lanDevice)
		heard.await(t, 2*time.Second, "the new address", tells("10.77.2.3"))
		juliets := s.juliet.events.now()
		s.alice.do(t, "message", "to", julietJID, "body", "from elsewhere")
		juliets.await(t, soon, "what Alice wrote", gets(aliceInstance, "from elsewhere"))
		s.bothTalk(t, "at the new address")
	})
}
