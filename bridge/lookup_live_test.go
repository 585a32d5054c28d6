package bridge

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"meshbridge/resolver/resolvertest"
	"meshbridge/upstream"
	"meshbridge/upstream/embedded"
)

// tlsPort listens with a certificate and passes what it deciphers to a server, as
// stunnel does before Prosody. It returns its port.
func tlsPort(t *testing.T, shows tls.Certificate, server *embedded.Server) int {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{shows}})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			pass(t, conn, server)
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return l.Addr().(*net.TCPAddr).Port
}

// pass serves one connection to its end.
func pass(t *testing.T, conn net.Conn, server *embedded.Server) {
	defer conn.Close()
	if conn.(*tls.Conn).HandshakeContext(t.Context()) != nil {
		return
	}
	inner, err := server.Dial(t.Context(), "tcp", "")
	if err != nil {
		t.Error(err)
		return
	}
	defer inner.Close()
	back := make(chan struct{})
	go func() {
		defer close(back)
		_, _ = io.Copy(conn, inner)
		conn.Close()
	}()
	_, _ = io.Copy(inner, conn)
	inner.Close()
	<-back
}

// freePort is a port where nobody listens.
func freePort(t *testing.T) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// A real server behind real TLS, found in a real DNS zone: nobody is at the first
// target, somebody else at the second.
func TestServerByDNSForReal(t *testing.T) {
	t.Run("COMP-9 RES-3861-6-1 RES-6120-9 the third target is the first that is there and proves to be the domain", func(t *testing.T) {
		ca := newAuthority(t)
		domain, _ := ca.server(time.Now().Add(time.Hour), "example.net")
		target, _ := ca.server(time.Now().Add(time.Hour), "h.example.net")
		server, err := embedded.New(embedded.Config{Host: "example.net", Components: map[string]string{"lan.example.org": "x"}})
		if err != nil {
			t.Fatal(err)
		}
		if err := server.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(server.Close)
		zone := "h.example.net. 1 IN A 127.0.0.1\n"
		right := tlsPort(t, domain, server)
		for priority, port := range []int{freePort(t), tlsPort(t, target, server), right} {
			zone += fmt.Sprintf("_x._tcp.example.net. 1 IN SRV %d 0 %d h.example.net.\n", priority, port)
		}
		cfg := lookedUp(t, resolvertest.Serve(t, zone), "srv:_x._tcp.example.net", "")
		cfg.Upstream.TLSRoots = ca.pool()
		link, err := upstream.New(upstream.Config{
			Domain: "lan.example.org", Secret: "x", Targets: targets(cfg, slog.New(slog.DiscardHandler)),
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		var met []string
		_ = link.Run(ctx, func(ev upstream.Event) {
			switch ev := ev.(type) {
			case upstream.Up:
				met = append(met, "up")
				cancel()
			case upstream.Down:
				met = append(met, fmt.Sprint(ev.Err))
			}
		})
		if len(met) < 3 || !strings.Contains(met[0], "refused") || !strings.Contains(met[1], "not example.net") || met[2] != "up" {
			t.Errorf("%q", met)
		}
	})
}
