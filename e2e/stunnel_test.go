//go:build linux

package e2e

import (
	"fmt"
	"path/filepath"
	"testing"
)

const (
	serverName = "xmpp.example.org" // what the server's certificate is for
	otherName  = "chat.example.net" // leads to the same server
)

// secured is the way to a server that speaks TLS.
func (o *office) secured(t testing.TB) setup {
	t.Helper()
	o.router.knows(t, serverWAN, serverName, otherName)
	return o.securedAs(t, serverName)
}

// securedAs is secured by any name.
func (o *office) securedAs(t testing.TB, name string) setup {
	t.Helper()
	s := ordinary
	s.upstream = fmt.Sprintf("  uri: tls://%s:5347\n  tls_ca_file: %s\n", name, o.authority(t).file)
	return s
}

func onSecureEjabberd(t testing.TB, o *office) (server, setup) {
	t.Helper()
	s := o.inSrv()
	s.pem = o.authority(t).issue(t, serverName)
	return o.newEjabberd(t, s), o.secured(t)
}

// behindStunnel is Prosody, which listens on loopback, with stunnel before it.
func behindStunnel(t testing.TB, o *office) (server, setup) {
	t.Helper()
	s := o.inSrv()
	o.newStunnel(t, s.place, s.listen, o.authority(t).issue(t, serverName))
	s.listen = "127.0.0.1"
	return o.newProsody(t, s), o.secured(t)
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
