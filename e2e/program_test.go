//go:build linux

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// bridgeYAML is the whole configuration of the program under test.
const bridgeYAML = `state: %s
linklocal:
  interfaces: [%s]
  machine: office
upstream:
  uri: tcp://%s:5347
  domain: %s
  secret_file: %s
  insecure_plaintext: true
colleagues:
  - {uri: "xmpp:%s", nick: Alice}
`

// A bridge is the program under test on the office's router. Its state folder
// outlives its process.
type bridge struct {
	*process
	office *office
	binary string
	config string
}

// newBridge writes the configuration and starts the program with this secret.
func (o *office) newBridge(t testing.TB, build func() (string, error), word string) *bridge {
	t.Helper()
	binary, err := build()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(o.dir, "bridge")
	mkdir(t, dir)
	b := &bridge{office: o, binary: binary, config: filepath.Join(dir, "bridge.yaml")}
	file := filepath.Join(dir, "secret")
	write(t, file, word+"\n", 0o600)
	write(t, b.config, fmt.Sprintf(bridgeYAML, filepath.Join(dir, "state"), lanDevice, serverWAN, domain, file, aliceJID), 0o600)
	b.up(t)
	return b
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
