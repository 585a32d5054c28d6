//go:build linux

package e2e

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Addresses of the office. Each office has them anew in namespaces of its own.
const (
	routerWAN = "10.77.1.1"
	serverWAN = "10.77.1.2"
	routerLAN = "10.77.2.1"
	lanDevice = "br-lan"
	domain    = "lan.example.org" // the component
	aliceJID  = "alice@example.org"
	// aliceInstance is Alice's proxy instance on machine "office".
	aliceInstance = `alice\40example.org@office`
	// julietJID is the proxy JID of juliet@pronto.
	julietJID = `juliet\40pronto@` + domain
	// julietInstance is what libpurple announces on host pronto.
	julietInstance = "juliet@pronto"
	secret         = "moonshine-and-a-balcony"
)

// A family says which IP versions a LAN has. The way to the server is always
// IPv4.
type family int

const (
	both family = iota
	onlyV4
	onlyV6
)

func (f family) v4() bool { return f != onlyV6 }
func (f family) v6() bool { return f != onlyV4 }

// An office is a server and a router with a LAN behind it.
type office struct {
	dir    string
	number int64
	family family
	logs   *logbook
	srv    *namespace
	router *namespace
	tap    *tap
	roles  []string // who is plugged in
	signer *authority
}

// newOffice builds the empty office: cables, addresses, and the tap.
func newOffice(t testing.TB, f family) *office {
	t.Helper()
	o := &office{dir: folder(t), number: officeCount.Add(1), family: f, logs: &logbook{}}
	t.Cleanup(func() { o.report(t) })
	o.srv = newNamespace(t, o.number, "srv")
	o.router = newNamespace(t, o.number, "router")
	connect(t, o.router, "wan", o.srv, "eth0")
	o.router.ip(t, "addr", "add", routerWAN+"/24", "dev", "wan")
	o.srv.ip(t, "addr", "add", serverWAN+"/24", "dev", "eth0")
	o.makeLAN(t)
	o.capture(t)
	o.tap = newTap(t, o)
	return o
}

// makeLAN makes the router's LAN device, with nothing plugged in.
func (o *office) makeLAN(t testing.TB) {
	t.Helper()
	// As on a router: a bridge with a fixed address of its own, no waiting.
	o.router.ip(t, "link", "add", lanDevice, "address", "02:4d:42:00:00:01", "type", "bridge",
		"forward_delay", "0", "mcast_snooping", "0")
	if !o.family.v6() {
		o.router.sysctl(t, "net/ipv6/conf/"+lanDevice+"/disable_ipv6", "1")
	}
	if o.family.v4() {
		o.router.ip(t, "addr", "add", routerLAN+"/24", "dev", lanDevice)
	}
	o.router.ip(t, "link", "set", lanDevice, "up")
}

// folder gives the office a folder that goes with the test, unless E2E_KEEP
// asks to keep it.
func folder(t testing.TB) string {
	if os.Getenv("E2E_KEEP") == "" {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp("", "meshbridge-e2e-")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("E2E_KEEP: everything is kept in %s", dir)
	return dir
}

// report prints the logs after a failure.
func (o *office) report(t testing.TB) {
	if os.Getenv("E2E_KEEP") != "" {
		if err := errors.Join(o.logs.save(o.dir), o.tap.save(o.dir)); err != nil {
			t.Errorf("keeping the logs: %v", err)
		}
	}
	if t.Failed() {
		o.logs.dump(t)
		o.tap.dump(t)
	}
}

// plug adds a namespace whose eth0 hangs on the LAN.
func (o *office) plug(t testing.TB, role string) *namespace {
	t.Helper()
	n := newNamespace(t, o.number, role)
	o.roles = append(o.roles, role)
	connect(t, n, "eth0", o.router, "lan-"+role)
	if !o.family.v6() {
		n.sysctl(t, "net/ipv6/conf/eth0/disable_ipv6", "1")
	}
	o.router.ip(t, "link", "set", "lan-"+role, "master", lanDevice)
	return n
}

// capture writes what the router hears on the LAN to E2E_CAPTURE, if set.
func (o *office) capture(t testing.TB) {
	to := os.Getenv("E2E_CAPTURE")
	if to == "" {
		return
	}
	mkdir(t, to)
	file := filepath.Join(to, strings.ReplaceAll(t.Name(), "/", "_")+".pcap")
	p := o.router.start(t, o.logs, command{name: "tcpdump", argv: []string{
		"tcpdump", "-U", "-i", "any", "-w", file}})
	p.lines.start().await(t, 10*time.Second, "capture to "+file, has("listening on"))
}

// lanAddress is the IPv6 link-local address of the LAN device of n.
func (n *namespace) linkLocal(t testing.TB, device string) (ip net.IP, zone string) {
	t.Helper()
	var found net.IP
	eventually(t, 10*time.Second, "the IPv6 address of "+n.role, func() bool {
		_ = n.do(func() error {
			i, err := net.InterfaceByName(device)
			if err != nil {
				return err
			}
			addrs, err := i.Addrs()
			for _, a := range addrs {
				if p, ok := a.(*net.IPNet); ok && p.IP.IsLinkLocalUnicast() && p.IP.To4() == nil {
					found = p.IP
				}
			}
			return err
		})
		return found != nil
	})
	return found, device
}
