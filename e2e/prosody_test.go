//go:build linux

package e2e

import (
	"fmt"
	"path/filepath"
	"testing"
)

// prosodyConfig is a server for people in its own namespace, without TLS. The
// component is that of deploy/prosody.
const prosodyConfig = `run_as_root = true
daemonize = false
pidfile = "%[1]s/prosody.pid"
data_path = "%[1]s/data"
certificates = "%[1]s"
log = { { levels = { min = "info" }, to = "console" } }
modules_enabled = { "roster", "saslauth", "disco", "presence", "message", "iq", "offline", "ping", "vcard", "carbons" }
modules_disabled = { "s2s", "tls", "posix" }
authentication = "internal_plain"
storage = "internal"
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
interfaces = { "127.0.0.1" }
component_interfaces = { "%[2]s" }
VirtualHost "example.org"
Include "%[1]s/meshbridge.cfg.lua"
Component "%[3]s"
	component_secret = "%[4]s"
`

// A prosody is the real server.
type prosody struct {
	*process
	office *office
	site   site
}

func onProsody(t testing.TB, o *office) (server, setup) {
	t.Helper()
	return o.newProsody(t, o.inSrv()), ordinary
}

// newProsody writes the configuration and the accounts and starts the server.
func (o *office) newProsody(t testing.TB, s site) *prosody {
	t.Helper()
	accounts := filepath.Join(s.dir, "data", "example%2eorg", "accounts")
	mkdir(t, accounts)
	for _, name := range people {
		write(t, filepath.Join(accounts, name+".dat"), fmt.Sprintf("return { [\"password\"] = %q };\n", password), 0o600)
	}
	p := &prosody{office: o, site: s}
	write(t, p.config(), fmt.Sprintf(prosodyConfig, s.dir, s.listen, annexDomain, secret), 0o600)
	own := []string{shippedSecret, secret}
	if s.kick != "" {
		own = append(own, "= \"kick_old\"", fmt.Sprintf("= %q", s.kick))
	}
	write(t, filepath.Join(s.dir, "meshbridge.cfg.lua"), deployed(t, "prosody/meshbridge.cfg.lua", own...), 0o600)
	p.up(t)
	return p
}

func (p *prosody) config() string { return filepath.Join(p.site.dir, "prosody.cfg.lua") }

func (p *prosody) up(t testing.TB) {
	t.Helper()
	p.process = p.site.place.start(t, p.office.logs, command{
		name: "prosody",
		argv: []string{"prosody", "-F", "--config", p.config()},
	})
	p.site.place.awaitPorts(t, "Prosody", "127.0.0.1:5222", p.site.listen+":5347")
}

func (p *prosody) said() *journal[line] { return p.lines }
