//go:build linux

package e2e

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A host is a computer on the LAN, with a system bus and an Avahi of its own.
type host struct {
	*namespace
	office *office
	dir    string
	v4     netip.Addr // zero on a LAN without IPv4
	avahi  *process
}

// busConfig is a system bus on which everybody may do everything.
const busConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=%s</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/><allow own="*"/>
    <allow send_type="method_call"/><allow send_type="signal"/>
    <allow send_type="method_return"/><allow send_type="error"/>
    <allow receive_type="method_call"/><allow receive_type="signal"/>
    <allow receive_type="method_return"/><allow receive_type="error"/>
  </policy>
</busconfig>
`

const avahiConfig = `[server]
host-name=%s
use-ipv4=%s
use-ipv6=%s
allow-interfaces=eth0
enable-dbus=yes
[publish]
publish-hinfo=no
publish-workstation=no
`

// newHost puts a computer on the LAN and starts its bus and Avahi.
func (o *office) newHost(t testing.TB, name string) *host {
	t.Helper()
	h := &host{namespace: o.plug(t, name), office: o, dir: filepath.Join(o.dir, name)}
	if o.family.v4() {
		h.v4 = netip.AddrFrom4([4]byte{10, 77, 2, byte(10 + len(o.roles))})
		h.ip(t, "addr", "add", h.v4.String()+"/24", "dev", "eth0")
		h.ip(t, "route", "add", "default", "via", routerLAN)
	}
	mkdir(t, h.dir)
	write(t, h.path("bus.conf"), fmt.Sprintf(busConfig, h.path("bus")), 0o644)
	write(t, h.path("avahi.conf"), fmt.Sprintf(avahiConfig, name, yes(o.family.v4()), yes(o.family.v6())), 0o644)
	h.start(t, o.logs, command{name: name + ".dbus", argv: []string{
		"dbus-daemon", "--nofork", "--nopidfile", "--config-file=" + h.path("bus.conf")}})
	eventually(t, 10*time.Second, "the system bus of "+name, func() bool {
		_, err := os.Stat(h.path("bus"))
		return err == nil
	})
	h.startAvahi(t)
	return h
}

// startAvahi starts the host's Avahi.
func (h *host) startAvahi(t testing.TB) {
	t.Helper()
	// Avahi's own folder in /run is compiled in: each host has its own /run.
	p := h.run(t, "avahi", nil, "sh", "-ec",
		`mount -t tmpfs -o mode=755 tmpfs /run; exec avahi-daemon --no-drop-root --no-chroot --no-rlimits -f "$0"`,
		h.path("avahi.conf"))
	p.lines.start().await(t, 15*time.Second, h.role+"'s Avahi is up", has("Server startup complete"))
	h.avahi = p
}

func (h *host) path(name string) string { return filepath.Join(h.dir, name) }

// run starts a program on the host, with the host's bus.
func (h *host) run(t testing.TB, name string, each func(string), argv ...string) *process {
	t.Helper()
	return h.start(t, h.office.logs, command{
		name: h.role + "." + name,
		argv: argv,
		env:  []string{"DBUS_SYSTEM_BUS_ADDRESS=unix:path=" + h.path("bus")},
		line: each,
	})
}

// publish announces a service instance through the host's Avahi for as long as
// the process lives, and waits until Avahi says that the name is held.
func (h *host) publish(t testing.TB, instance string, port int, txt ...string) *process {
	t.Helper()
	argv := append([]string{"avahi-publish", "-s", instance, "_presence._tcp", fmt.Sprint(port)}, txt...)
	p := h.run(t, "publish-"+strings.Map(plain, instance), nil, argv...)
	p.lines.start().await(t, 10*time.Second, instance+" is published", has("Established under name"))
	return p
}

// plain keeps file names plain.
func plain(r rune) rune {
	if strings.ContainsRune(`/\ `, r) {
		return '_'
	}
	return r
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func mkdir(t testing.TB, path string) {
	t.Helper()
	if err := os.MkdirAll(path, 0o755); err != nil {
		t.Fatal(err)
	}
}

func write(t testing.TB, path, content string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
}
