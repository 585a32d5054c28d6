package mdns_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	hashi "github.com/hashicorp/mdns"
	"github.com/miekg/dns"

	"meshbridge/linklocal/mdns"
	"meshbridge/linklocal/mdns/mdnstest"
)

// The tests here use real sockets on the loopback interface, and real time. Others may be
// talking there, the same tests of another run included: names bear the process.

// ours is the name of a host that no other process has.
func ours(host string) string { return fmt.Sprint(host, "-", os.Getpid()) }

// realEngine starts an engine on lo.
func realEngine(t *testing.T, host string) *mdns.Engine {
	t.Helper()
	return runReal(t, mdns.Config{Interfaces: []string{loopback(t)}, Host: host})
}

// runReal starts an engine in real time and stops it with the test.
func runReal(t *testing.T, cfg mdns.Config) *mdns.Engine {
	t.Helper()
	e, err := mdns.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return e
}

func loopback(t *testing.T) string {
	t.Helper()
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range all {
		if i.Flags&net.FlagLoopback != 0 {
			return i.Name
		}
	}
	t.Fatal("no loopback interface")
	return ""
}

// published publishes an instance and waits until it is announced.
func published(t *testing.T, e *mdns.Engine, instance string) *mdns.Publication {
	t.Helper()
	announced := make(chan mdns.Status, 8)
	p := e.Publish(mdns.Service{
		Type: presence, Instance: instance, Port: 5562, TXT: []string{"txtvers=1", `b=c\d`},
		Notify: func(s mdns.Status) { announced <- s },
	})
	for {
		select {
		case s := <-announced:
			if s.State == mdns.Announced {
				return p
			}
		case <-time.After(10 * time.Second):
			t.Fatal("not announced")
		}
	}
}

func TestLoopback(t *testing.T) {
	host := ours("mb-test-a")
	instance := "o'hara.x@" + host
	a, b := realEngine(t, host), realEngine(t, ours("mb-test-b"))
	events := make(chan mdns.Event, 16)
	b.Browse(presence, func(ev mdns.Event) {
		if ev.Instance == instance {
			events <- ev
		}
	})
	p := published(t, a, instance)
	next := func(kind mdns.EventKind) mdns.Event {
		t.Helper()
		select {
		case ev := <-events:
			if ev.Kind != kind {
				t.Fatalf("got %v, want %v", ev.Kind, kind)
			}
			return ev
		case <-time.After(10 * time.Second):
			t.Fatalf("no %v event", kind)
		}
		return mdns.Event{}
	}
	t.Run("LL-11.3-2 two engines share port 5353 and find each other", func(t *testing.T) {
		ev := next(mdns.Added)
		wantAll(t, "TXT", ev.TXT, "txtvers=1", `b=c\d`)
		want(t, "host", ev.Host, host)
		want(t, "source", ev.Source.String(), "127.0.0.1")
	})
	t.Run("resolves over the loopback", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		ep, err := b.Resolve(ctx, presence, instance, b.Interfaces()[0].Index, true)
		if err != nil {
			t.Fatal(err)
		}
		want(t, "port", ep.Port, 5562)
		want(t, "address", ep.Addrs[0].String(), "127.0.0.1")
	})
	t.Run("a foreign one-shot client sees us", func(t *testing.T) { foreignClient(t, `o\'hara\.x\@`+host+".") })
	p.Withdraw()
	next(mdns.Removed)
}

// foreignClient asks with hashicorp's client, from a port of its own: a legacy question.
func foreignClient(t *testing.T, instance string) {
	ni, err := net.InterfaceByName(loopback(t))
	if err != nil {
		t.Fatal(err)
	}
	// Past the last announcement, so that only an answer can be seen. Its client forgets all
	// but the last instance of a packet, and others may be talking on the loopback: one
	// question in five has to do.
	<-time.After(2 * time.Second)
	for range 5 {
		if sees(t, ni, instance) {
			return
		}
	}
	t.Error("not seen")
}

// sees asks once and reports whether an instance with port 5562 was found.
func sees(t *testing.T, ni *net.Interface, instance string) bool {
	t.Helper()
	entries := make(chan *hashi.ServiceEntry, 64)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	err := hashi.QueryContext(ctx, &hashi.QueryParam{
		Service: presence, Domain: "local", Interface: ni, Entries: entries, DisableIPv6: true,
		Timeout: time.Second, Logger: log.New(discard{}, "", 0),
	})
	if err != nil {
		t.Fatal(err)
	}
	for len(entries) > 0 {
		if e := <-entries; strings.HasPrefix(e.Name, instance) && e.Port == 5562 {
			return true
		}
	}
	return false
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func TestZone(t *testing.T) {
	host := ours("mb-test-z")
	e := realEngine(t, host)
	published(t, e, "juliet@"+host)
	var zone hashi.Zone = e
	t.Run("the engine is a Zone", func(t *testing.T) {
		rrs := zone.Records(dns.Question{Name: "_presence._tcp.local.", Qtype: dns.TypePTR, Qclass: dns.ClassINET})
		var types []uint16
		for _, r := range rrs {
			types = append(types, r.Header().Rrtype)
		}
		wantAll(t, "types", types, dns.TypePTR, dns.TypeSRV, dns.TypeTXT, dns.TypeA)
	})
	t.Run("LL-3-21 asked in either presentation form", func(t *testing.T) {
		for _, n := range []string{"juliet@" + host, `juliet\@` + host, "JULIET@" + host} {
			rrs := zone.Records(dns.Question{Name: n + "._presence._tcp.local.", Qtype: dns.TypeTXT, Qclass: dns.ClassINET})
			if !slices.ContainsFunc(rrs, func(r dns.RR) bool { return strings.Contains(r.String(), `"b=c\\d"`) }) {
				t.Errorf("%s: %v", n, rrs)
			}
		}
	})
}

// TestForeignServer lets hashicorp's server on the loopback serve what an engine publishes
// that itself is on a LAN in memory and cannot answer there.
func TestForeignServer(t *testing.T) {
	host := ours("mb-test-y")
	h := mdnstest.New().Host(host, "10.2.1.1")
	e := runReal(t, mdns.Config{Interfaces: []string{"eth0"}, Host: host, Network: h})
	published(t, e, "nurse@"+host)
	ni, err := net.InterfaceByName(loopback(t))
	if err != nil {
		t.Fatal(err)
	}
	s, err := hashi.NewServer(&hashi.Config{Zone: e, Iface: ni, Logger: log.New(discard{}, "", 0)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Shutdown(); err != nil {
			t.Error(err)
		}
	}()
	for range 5 {
		if sees(t, ni, `nurse\@`+host+".") {
			return
		}
	}
	t.Error("not seen")
}
