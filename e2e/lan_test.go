//go:build linux

package e2e

import (
	"testing"
	"time"

	"github.com/miekg/dns"
)

// TestIPv6Only and TestIPv4Only let Juliet and Alice meet over a LAN of one IP
// version.
func TestIPv6Only(t *testing.T) { oneVersion(t, onlyV6, "LL-11.1-8 IPv6 only", dns.TypeA) }
func TestIPv4Only(t *testing.T) { oneVersion(t, onlyV4, "LL-11.1-8 IPv4 only", dns.TypeAAAA) }

func oneVersion(t *testing.T, f family, name string, lacks uint16) {
	s := newScene(t, f, racing, onProsody)
	t.Run(name+": presence, a message both ways, goodbye", func(t *testing.T) {
		s.bothTalk(t, "on one IP version")
		for _, h := range s.tap.heard.all() {
			if h.response && h.rr.Header().Rrtype == lacks {
				t.Errorf("an address of the other version is published: %v", h)
			}
		}
		alices, heard := s.alice.events.now(), s.tap.heard.now()
		s.julietLeaves(t)
		alices.await(t, soon, "Juliet's departure", presence(julietJID, "unavailable"))
		s.alice.logout(t)
		heard.await(t, later, "Alice's goodbye", withdraws(aliceInstance))
	})
}

// TestNumbers prints how large and how quick the program is, built without the
// race detector, and compares with the project's budgets.
func TestNumbers(t *testing.T) {
	s := newScene(t, both, plainly, onProsody)
	idle := s.bridge.rss(t)
	s.bothTalk(t, "to open both conversations")
	busy := s.bridge.rss(t)
	t.Logf("MEASURED exec to ready: %v", s.took)
	t.Logf("MEASURED RSS idle: %d KiB; with both conversations open: %d KiB", idle, busy)
	if s.took > 2*time.Second {
		t.Errorf("the start took %v, the budget is 2 s", s.took)
	}
	if idle > 16<<10 {
		t.Errorf("RSS idle is %d KiB, the budget is 16 MiB", idle)
	}
}
