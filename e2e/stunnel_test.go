//go:build linux

package e2e

import (
	"fmt"
	"path/filepath"
	"testing"
)

// serverName is what the certificates of the servers are for.
const serverName = "xmpp.example.org"

// secured is the way to a server of that name which speaks TLS.
func (o *office) secured(t testing.TB, a *authority) setup {
	t.Helper()
	o.router.knows(t, serverName, serverWAN)
	s := ordinary
	s.upstream = securedAt(serverName, a)
	return s
}

// securedAt are the lines of the configuration for any name.
func securedAt(name string, a *authority) string {
	return fmt.Sprintf("  uri: tls://%s:5347\n  tls_ca_file: %s\n", name, a.file)
}

func onSecureEjabberd(t testing.TB, o *office) (server, setup) {
	t.Helper()
	a, s := o.newAuthority(t), o.inSrv()
	s.pem = a.issue(t, serverName)
	return o.newEjabberd(t, s), o.secured(t, a)
}

// behindStunnel is Prosody, which listens on loopback, with stunnel before it.
func behindStunnel(t testing.TB, o *office) (server, setup) {
	t.Helper()
	a, s := o.newAuthority(t), o.inSrv()
	o.newStunnel(t, s.place, s.listen, a.issue(t, serverName))
	s.listen = "127.0.0.1"
	return o.newProsody(t, s), o.secured(t, a)
}

// newStunnel starts the tunnel of deploy/stunnel at an address of a server.
func (o *office) newStunnel(t testing.TB, place *namespace, listen, pem string) {
	t.Helper()
	config := filepath.Join(filepath.Dir(pem), "stunnel-"+place.role+".conf")
	write(t, config, deployed(t, "stunnel/meshbridge.conf",
		"192.0.2.10:5347", listen+":5347",
		"/etc/stunnel/xmpp.example.org.pem", pem,
	), 0o600)
	place.start(t, o.logs, command{name: "stunnel", argv: []string{"stunnel4", config}})
	place.awaitPorts(t, "stunnel", listen+":5347")
}
