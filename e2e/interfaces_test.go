//go:build linux

package e2e

import (
	"os/exec"
	"slices"
	"strings"
	"syscall"
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

// TestTwoPorts has the bridge on a computer with two cables to the LAN, beside an Avahi.
func TestTwoPorts(t *testing.T) {
	s := &scene{office: newOffice(t, both)}
	box := s.newHost(t, "box")
	connect(t, box.namespace, "eth1", s.router, "lan-box1")
	s.router.ip(t, "link", "set", "lan-box1", "master", lanDevice)
	box.ip(t, "addr", "add", "10.77.2.99/24", "dev", "eth1")
	s.cableToServer(t, box)
	server, way := onProsody(t, s.office)
	s.server, way.interfaces = server, "eth0, eth1"
	s.aliceComes(t)
	s.pronto = s.newHost(t, "pronto")
	s.julietComes(t)
	s.bridge = s.at(box.namespace).newBridge(t, racing, way)
	s.bridge.ready(t)
	s.juliet.events.start().await(t, soon, "Juliet sees Alice", signedOn(aliceInstance))
	s.alice.do(t, "subscribe", "to", julietJID)
	s.alice.events.start().await(t, soon, "Alice sees Juliet", presence(julietJID, ""))
	t.Run("LL-11.3-2 Avahi on the same machine first, then the bridge: neither renames, and both are heard", func(t *testing.T) {
		s.bothTalk(t, "beside Avahi")
		s.neitherRenames(t, box)
	})
	t.Run("LL-11.3-2 the bridge first, then Avahi", func(t *testing.T) {
		box.avahi.signal(t, syscall.SIGTERM)
		box.avahi.awaitEnd(t, soon)
		box.startAvahi(t)
		heard := s.tap.heard.now()
		box.publish(t, "porter@box", 5298, "txtvers=1", "status=avail")
		heard.await(t, soon, "Avahi's announcement", announces("porter@box"))
		s.alice.events.now().absent(t, 2*time.Second, "the bridge has changed something", presence(julietJID, "unavailable"))
		s.bothTalk(t, "beside a new Avahi")
		s.neitherRenames(t, box)
	})
	t.Run("LL-11.1-1 LL-11.1-2 two interfaces on one LAN: one contact, and one of them pulled: the chat goes on", func(t *testing.T) {
		if n := count(s.juliet.list(t), func(e bonjourEvent) bool { return e.Name == aliceInstance }); n != 1 {
			t.Errorf("Juliet has %d contacts for Alice", n)
		}
		alices, juliets, log := s.alice.events.now(), s.juliet.events.now(), s.bridge.lines.now()
		everything := *alices
		device, socket := box.carries(t)
		s.router.ip(t, "link", "del", socket)
		log.await(t, time.Second, "the kernel's word", has("interface left", device))
		at := time.Now()
		s.alice.do(t, "message", "to", julietJID, "body", "was that the cable?")
		// The kernel answers ARP for both addresses on both cables: the first try may lead to the one that is gone.
		juliets.await(t, later, "what Alice wrote", gets(aliceInstance, "was that the cable?"))
		t.Logf("MEASURED over the other cable after %v", time.Since(at))
		s.bothTalk(t, "over the other cable")
		if n := count(everything.rest(), presence(julietJID, "unavailable")); n != 0 {
			t.Errorf("Juliet went %d times", n)
		}
	})
}

// cableToServer gives a computer a way to the server that is not the LAN.
func (o *office) cableToServer(t testing.TB, h *host) {
	t.Helper()
	connect(t, h.namespace, "uplink", o.srv, "eth1")
	h.ip(t, "addr", "add", "10.77.3.2/24", "dev", "uplink")
	o.srv.ip(t, "addr", "add", "10.77.3.1/24", "dev", "eth1")
	h.ip(t, "route", "add", serverWAN+"/32", "via", "10.77.3.1")
}

// carries tells over which of its two cables a computer chats, and how to pull that one.
func (h *host) carries(t testing.TB) (device, socket string) {
	t.Helper()
	out, err := exec.Command("ip", "netns", "exec", h.name, "ss", "-Htn", "state", "established", "sport = :5298 or dport = :5298").Output()
	if err != nil {
		t.Fatal(err)
	}
	streams := strings.Split(strings.TrimSpace(string(out)), "\n")
	on := map[bool]int{}
	for _, s := range streams {
		on[strings.Contains(s, "%eth1") || strings.Contains(s, "10.77.2.99:")]++
	}
	t.Logf("streams: %d on eth0, %d on eth1", on[false], on[true])
	if on[true] > 0 {
		return "eth1", "lan-box1"
	}
	return "eth0", "lan-box"
}

// at is the office with the bridge on another machine.
func (o *office) at(machine *namespace) *office {
	moved := *o
	moved.router = machine
	return &moved
}

// neitherRenames fails if Avahi or the bridge has taken another name.
func (s *scene) neitherRenames(t testing.TB, h *host) {
	t.Helper()
	for _, p := range []*process{h.avahi, s.bridge.process} {
		for _, l := range p.lines.all() {
			if strings.Contains(l.text, "onflict") || strings.Contains(l.text, "taken by another") {
				t.Errorf("%s: %s", p.name, l.text)
			}
		}
	}
}
