//go:build linux

package e2e

import (
	"fmt"
	"io"
	"log"
	"net"
	"strings"
	"testing"
	"time"

	hashi "github.com/hashicorp/mdns"
	"github.com/miekg/dns"
)

// A feud is an office where real programs publish names that the bridge has or wants.
type feud struct {
	*mesh
	pronto       *host // with Avahi
	attic        *host // with an Avahi for which that is the computer's name, on another network at first
	snake, cobra *stranger
}

// The colleagues whose names are wanted: by which program, and who comes first.
// python3-zeroconf takes a dot in a name for the end of a label, and can only have names
// without.
const (
	avahiFirst, pythonFirst, hashiFirst = "avahi1@example.org", "python1@localhost", "hashi1@example.org"
	avahiLater, pythonLater, hashiLater = "avahi2@example.org", "python2@localhost", "hashi2@example.org"
	pythonKnows                         = "python3@localhost"  // it has seen ours before
	joined                              = "joined@example.org" // both have it when two networks become one
)

var coveted = []string{avahiFirst, pythonFirst, hashiFirst, avahiLater, pythonLater, hashiLater, pythonKnows, joined}

func held(jid string) string    { return instanceFor(jid) }
func renamed(jid string) string { return strings.Replace(held(jid), "@", "-1@", 1) }

// TestCollisions has names collide with those of Avahi, python3-zeroconf and hashicorp's
// server. It is always the bridge that takes another.
func TestCollisions(t *testing.T) {
	t.Parallel()
	if _, err := racing(); err != nil {
		t.Fatal(err)
	}
	all := t // what comes in a part of the test stays
	f := &feud{mesh: &mesh{office: newOffice(t, both)}}
	f.server = f.newRecorder(t, accepts)
	f.pronto, f.attic = f.newHost(t, "pronto"), f.newHost(t, "office")
	f.snake, f.cobra = f.newStranger(t, "snake"), f.newStranger(t, "cobra")
	f.router.ip(t, "link", "set", "lan-office", "nomaster")
	natives := []*process{f.pronto.publish(t, held(avahiFirst), 5299, "txtvers=1"), f.attic.publish(t, held(joined), 5299, "txtvers=1")}
	f.claims(t, pythonFirst, "snake")
	f.cobra.serves(t, held(hashiFirst))
	with := ordinary
	with.colleagues = nil
	for _, jid := range coveted {
		with.more += fmt.Sprintf("  - {uri: %q}\n", "xmpp:"+jid)
	}
	heard := f.tap.heard.now()
	f.bridge = f.newBridge(t, racing, with)
	f.bridge.ready(t)
	f.appear(t)
	f.hears(t, *heard, held(avahiLater), held(pythonLater), held(hashiLater), held(pythonKnows), held(joined))

	t.Run("LL-3-13 LL-3-14 they first: we take another name", func(t *testing.T) {
		f.hears(t, *heard, renamed(avahiFirst), renamed(pythonFirst), renamed(hashiFirst))
	})
	t.Run("LL-3-14 we first: who probes gets the name", func(t *testing.T) {
		heard := f.tap.heard.now()
		natives = append(natives, f.pronto.publish(t, held(avahiLater), 5299, "txtvers=1"))
		f.claims(t, pythonLater, "snake")
		f.cobra.serves(all, held(hashiLater)) // does not probe, nor speak to all: it is noticed at our next start
		f.hears(t, *heard, renamed(avahiLater), renamed(pythonLater))
	})
	t.Run("LL-3-14 python3-zeroconf that has seen the name refuses it by itself, and we keep it", func(t *testing.T) {
		heard := f.tap.heard.now()
		p := f.snake.python(t, "claim", held(pythonKnows), "snake", f.snake.v4.String(), "5299", "look")
		e := f.snake.shown.start().await(t, later, "what came of it", func(e shown) bool { return e.Instance == held(pythonKnows) && e.Ev != "seen" })
		if e.Ev != "taken" {
			t.Errorf("it is %s", e.Ev)
		}
		p.kill(t)
		heard.absent(t, time.Second, "another name", announces(renamed(pythonKnows)))
	})
	t.Run("LL-3-10 LL-3-14 two networks become one where both have an instance and a host name", func(t *testing.T) {
		heard := f.tap.heard.now()
		f.router.ip(t, "link", "set", "lan-office", "master", lanDevice)
		f.asks(t, fqdn(held(joined)), dns.TypeSRV)
		f.hears(t, *heard, renamed(joined))
		f.asks(t, "office.local.", dns.TypeA)
		for range 2 { // announcements
			heard.await(t, soon, "where the bridge is now", f.bridgeAt("office-1.local."))
		}
		<-time.After(2 * time.Second) // a name that is being announced is no name to be asked for
	})
	t.Run("LL-3-10 a computer comes that has our host name", func(t *testing.T) {
		heard := f.tap.heard.now()
		f.newHost(all, "office-1")
		heard.await(t, soon, "where the bridge is now", f.bridgeAt("office-2.local."))
	})
	t.Run("LL-3-10 LL-3-11 LL-3-13 LL-3-14 all of them are there when we start", func(t *testing.T) {
		f.bridge.signal(t, 15)
		f.bridge.awaitEnd(t, soon)
		heard := f.tap.heard.now()
		f.bridge.up(t)
		f.bridge.ready(t)
		f.appear(t)
		f.hears(t, *heard, renamed(avahiFirst), renamed(avahiLater), renamed(pythonFirst), renamed(pythonLater), renamed(hashiFirst), renamed(hashiLater), renamed(joined))
		heard.await(t, soon, "where the bridge is now", f.bridgeAt("office-2.local."))
	})
	t.Run("LL-3-14 no native client was silenced, and all can be found beside us", func(t *testing.T) {
		for _, p := range append(natives, f.logs.named("pronto.avahi")...) {
			unharmed(t, p)
		}
		for _, name := range []string{"office.avahi", "office-1.avahi"} {
			for _, p := range f.logs.named(name) {
				unharmed(t, p)
			}
		}
		found := f.pronto.avahiBrowse(t)
		for name, host := range map[string]string{
			held(avahiFirst): "pronto.local", held(avahiLater): "pronto.local", held(pythonFirst): "snake.local", held(pythonLater): "snake.local",
			held(hashiFirst): "cobra.local", held(hashiLater): "cobra.local", held(joined): "office.local",
			renamed(avahiFirst): "office-2.local", renamed(avahiLater): "office-2.local", renamed(pythonFirst): "office-2.local", renamed(joined): "office-2.local",
		} {
			if found[name].Host != host {
				t.Errorf("%s is at %+v, want %s", name, found[name], host)
			}
		}
	})
}

// unharmed fails when an Avahi has given up a name.
func unharmed(t *testing.T, p *process) {
	t.Helper()
	for _, l := range p.lines.all() {
		if text := strings.ToLower(l.text); strings.Contains(text, "collision") || strings.Contains(text, "conflict") || strings.Contains(text, "withdrawing") {
			t.Errorf("%s: %s", p.name, l.text)
		}
	}
}

// appear lets colleagues come online.
func (f *feud) appear(t *testing.T) {
	t.Helper()
	for _, jid := range coveted {
		f.server.send(t, fmt.Sprintf(`<presence from="%[1]s" to="%[2]s" type="subscribed"/><presence from="%[1]s/phone" to="%[2]s"/>`, jid, domain))
	}
}

// hears waits until all these instances are announced.
func (f *feud) hears(t *testing.T, since cursor[heard], instances ...string) {
	t.Helper()
	for _, i := range instances {
		each := since
		each.await(t, soon, i, announces(i))
	}
}

// bridgeAt matches an announcement that the bridge is at a host.
func (f *feud) bridgeAt(host string) func(heard) bool {
	return func(h heard) bool {
		srv, ok := h.rr.(*dns.SRV)
		return ok && h.response && strings.HasSuffix(h.instance, "@office") && srv.Target == host && srv.Hdr.Ttl > 0
	}
}

// claims has python3-zeroconf publish a colleague's name.
func (f *feud) claims(t *testing.T, name, host string) {
	t.Helper()
	f.snake.python(t, "claim", held(name), host, f.snake.v4.String(), "5299")
	e := f.snake.shown.start().await(t, later, "what came of it", func(e shown) bool { return e.Instance == held(name) })
	if e.Ev != "claimed" {
		t.Errorf("%s is %s", name, e.Ev)
	}
}

// serves publishes an instance with hashicorp's server.
func (s *stranger) serves(t *testing.T, instance string) {
	t.Helper()
	buf := make([]byte, 256)
	n, err := dns.PackDomainName(fqdn(instance), buf, 0, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	name, _, err := dns.UnpackDomainName(buf[:n], 0) // as it will see it asked for
	if err != nil {
		t.Fatal(err)
	}
	service, err := hashi.NewMDNSService(strings.TrimSuffix(name, "."+serviceName), "_presence._tcp", "local.", s.role+".local.", 5299,
		[]net.IP{s.v4.AsSlice()}, []string{"txtvers=1"})
	if err != nil {
		t.Fatal(err)
	}
	err = s.do(func() error {
		ni, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		server, err := hashi.NewServer(&hashi.Config{Zone: service, Iface: ni, Logger: log.New(io.Discard, "", 0)})
		if err == nil {
			t.Cleanup(func() { _ = server.Shutdown() })
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// asks has somebody ask everybody for records.
func (f *feud) asks(t *testing.T, name string, typ uint16) {
	t.Helper()
	m := new(dns.Msg)
	m.SetQuestion(name, typ)
	m.Id, m.RecursionDesired = 0, false
	q, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	err = f.snake.do(func() error {
		ni, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		group := &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: mdnsPort}
		conn, err := net.ListenMulticastUDP("udp4", ni, group)
		if err != nil {
			return err
		}
		defer conn.Close()
		_, err = conn.WriteToUDP(q, group)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
