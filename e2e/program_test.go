//go:build linux

package e2e

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// bridgeYAML is the whole configuration of the program under test, but for its
// colleagues.
const bridgeYAML = `state: %s
control: {socket: "%s"}
linklocal:
  interfaces: [%s]
  machine: %s
upstream:
  domain: %s
  secret_file: %s
%scolleagues:
`

// A setup is what differs between the bridges of the scenes.
type setup struct {
	secret     string
	upstream   string   // the lines that say where the server is and how to trust it
	colleagues []string // their names on the server
	control    string   // the socket that answers status; "" is none
	more       string   // what else the configuration says
	interfaces string   // "" for the router's
	machine    string   // "" for "office"
	domain     string   // of the component; "" for the usual one
}

// plaintext is the way to a server that speaks no TLS.
const plaintext = "  uri: tcp://" + serverWAN + ":5347\n  insecure_plaintext: true\n"

// ordinary is Alice's office.
var ordinary = setup{secret: secret, upstream: plaintext, colleagues: []string{"alice"}}

// yaml is the whole configuration of a bridge that lives in dir.
func (s setup) yaml(dir string) string {
	var b strings.Builder
	fmt.Fprintf(&b, bridgeYAML, filepath.Join(dir, "state"), s.control, cmp.Or(s.interfaces, lanDevice), cmp.Or(s.machine, "office"),
		cmp.Or(s.domain, domain), filepath.Join(dir, "secret"), s.upstream)
	for _, name := range s.colleagues {
		fmt.Fprintf(&b, "  - {uri: \"xmpp:%s\", nick: %s%s}\n", account(name), strings.ToUpper(name[:1]), name[1:])
	}
	return b.String() + s.more
}

// A bridge is the program under test on the office's router. Its state folder
// outlives its process.
type bridge struct {
	*process
	office *office
	binary string
	config string
}

// newBridge writes the configuration and starts the program.
func (o *office) newBridge(t testing.TB, build func() (string, error), with setup) *bridge {
	t.Helper()
	binary, err := build()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(o.dir, "bridge")
	mkdir(t, dir)
	b := &bridge{office: o, binary: binary, config: filepath.Join(dir, "bridge.yaml")}
	b.configure(t, with)
	b.up(t)
	return b
}

// configure writes what the program reads when it starts.
func (b *bridge) configure(t testing.TB, with setup) {
	t.Helper()
	dir := filepath.Dir(b.config)
	write(t, filepath.Join(dir, "secret"), with.secret+"\n", 0o600)
	write(t, b.config, with.yaml(dir), 0o600)
}

// up starts the program.
func (b *bridge) up(t testing.TB) {
	t.Helper()
	b.process = b.office.router.start(t, b.office.logs, command{
		name: "bridge",
		argv: []string{b.binary, "run", "-c", b.config},
		env:  []string{"GORACE=halt_on_error=1 exitcode=66"},
	})
}

// ready waits until the program says that it is authenticated and browsing,
// and returns how long that took from its exec.
func (b *bridge) ready(t testing.TB) time.Duration {
	t.Helper()
	said := b.lines.start().await(t, 20*time.Second, "the bridge is ready", has("msg=ready"))
	return said.at.Sub(b.begun)
}

// rss is the resident memory of the program in KiB.
func (b *bridge) rss(t testing.TB) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", b.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for l := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(l, "VmRSS:"); ok {
			kib, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
			if err != nil {
				t.Fatal(err)
			}
			return kib
		}
	}
	t.Fatal("no VmRSS in /proc")
	return 0
}
