//go:build linux

package e2e

import (
	"crypto/tls"
	"net"
	"testing"
)

// TestTLS reaches the servers by tls:// with a certificate of an authority that
// only tls_ca_file names.
func TestTLS(t *testing.T) {
	for _, b := range brands {
		t.Run(b.name, func(t *testing.T) {
			s := newScene(t, onlyV4, racing, b.tls)
			t.Run("chat works", func(t *testing.T) { s.bothTalk(t, "over TLS") })
			t.Run("INJ-1 by a name that is not the certificate's it is refused", s.testOtherName)
		})
	}
	t.Run("a port without a certificate hangs up and the log says what that means", testBare)
	t.Run("INJ-1 a server with another certificate gets no byte of the handshake", testImpostor)
}

// testOtherName starts the bridge with another name of the same server.
func (s *scene) testOtherName(t *testing.T) {
	s.bridge.kill(t)
	servers := s.server.said().now()
	s.bridge.configure(t, s.securedAs(t, otherName))
	s.bridge.up(t)
	s.bridge.saysOtherName(t)
	if n := count(servers.rest(), has(domain, "uthenticat")); n != 0 {
		t.Errorf("the component authenticated %d times", n)
	}
}

// saysOtherName waits until the log names what is wrong and what must be right.
func (b *bridge) saysOtherName(t *testing.T) {
	t.Helper()
	b.lines.start().await(t, soon, "the refusal", has("certificate is valid for "+serverName, `must be valid for \"`+otherName))
	if count(b.lines.all(), has("msg=ready")) > 0 {
		t.Error("the bridge calls itself ready")
	}
}

// testBare meets ejabberd with certfile left out of its listener.
func testBare(t *testing.T) {
	o := newOffice(t, onlyV4)
	s := o.inSrv()
	s.bare = true
	o.newEjabberd(t, s)
	b := o.newBridge(t, racing, o.secured(t))
	b.lines.start().await(t, soon, "the advice", has("the server hung up", "has a certificate for", serverName))
}

// testImpostor plays a server that has a certificate, but not for the name by
// which it is reached, and records what it is told.
func testImpostor(t *testing.T) {
	o := newOffice(t, onlyV4)
	pem := o.authority(t).issue(t, serverName)
	pair, err := tls.LoadX509KeyPair(pem, pem)
	if err != nil {
		t.Fatal(err)
	}
	heard := newJournal[*record]()
	o.listenTLS(t, serverWAN+":5347", &tls.Config{Certificates: []tls.Certificate{pair}}, heard)
	o.secured(t)
	b := o.newBridge(t, racing, o.securedAs(t, otherName))
	b.saysOtherName(t)
	r := heard.start().await(t, soon, "a connection", func(*record) bool { return true })
	if said := r.end(t, soon); said != "" {
		t.Errorf("it was told %q", said)
	}
	// The same listener by its right name shows that it would hear.
	b.kill(t)
	right := heard.now()
	b.configure(t, o.securedAs(t, serverName))
	b.up(t)
	right.await(t, soon, "a connection", func(*record) bool { return true }).await(t, soon, "<stream:stream")
}

// listenTLS records every connection to an address of the srv namespace.
func (o *office) listenTLS(t testing.TB, address string, config *tls.Config, heard *journal[*record]) {
	t.Helper()
	var l net.Listener
	err := o.srv.do(func() (err error) {
		l, err = net.Listen("tcp", address)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		l.Close()
		for _, r := range heard.all() {
			r.conn.Close()
		}
	})
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			heard.add(newRecord(tls.Server(conn, config)))
		}
	}()
}
