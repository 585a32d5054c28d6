//go:build linux

package e2e

import (
	"fmt"
	"net"
	"path/filepath"
	"testing"
	"time"
)

// prosodyConfig is a server with one account and one component, without TLS:
// clients stand in its own namespace, the component comes over a cable.
const prosodyConfig = `run_as_root = true
daemonize = false
pidfile = "%[1]s/prosody.pid"
data_path = "%[1]s/data"
certificates = "%[1]s"
log = { { levels = { min = "info" }, to = "console" } }
modules_enabled = { "roster", "saslauth", "disco", "presence", "message", "iq", "offline", "ping" }
modules_disabled = { "s2s", "tls", "posix" }
authentication = "internal_plain"
storage = "internal"
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
interfaces = { "127.0.0.1" }
component_interfaces = { "%[2]s" }
VirtualHost "example.org"
Component "%[3]s"
  component_secret = "%[4]s"
`

// A prosody is the real server in the office's srv namespace.
type prosody struct {
	*process
	office *office
	config string
}

// newProsody writes the configuration and the account and starts the server.
func (o *office) newProsody(t testing.TB) *prosody {
	t.Helper()
	dir := filepath.Join(o.dir, "prosody")
	accounts := filepath.Join(dir, "data", "example%2eorg", "accounts")
	mkdir(t, accounts)
	write(t, filepath.Join(accounts, "alice.dat"), fmt.Sprintf("return { [\"password\"] = %q };\n", alicePassword), 0o600)
	p := &prosody{office: o, config: filepath.Join(dir, "prosody.cfg.lua")}
	write(t, p.config, fmt.Sprintf(prosodyConfig, dir, serverWAN, domain, secret), 0o600)
	p.up(t)
	return p
}

// up starts the server and waits until both its ports answer. What it stored
// before is still there.
func (p *prosody) up(t testing.TB) {
	t.Helper()
	p.process = p.office.srv.start(t, p.office.logs, command{
		name: "prosody",
		argv: []string{"prosody", "-F", "--config", p.config},
	})
	eventually(t, 20*time.Second, "Prosody's ports", func() bool {
		return p.office.srv.answers("127.0.0.1:5222") && p.office.srv.answers(serverWAN+":5347")
	})
}

// answers reports whether somebody accepts connections at an address of n.
func (n *namespace) answers(address string) bool {
	return n.do(func() error {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			conn.Close()
		}
		return err
	}) == nil
}
