package upstream

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"
)

// certificate returns a self-signed one for name, and a pool that trusts it.
func certificate(t *testing.T, name string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// tlsRig is a rig whose server end speaks TLS with a certificate for name, and whose
// target expects example.org.
func tlsRig(t *testing.T, name string) *rig {
	cert, pool := certificate(t, name)
	var r *rig
	r = newRig(t, func(c *Config) {
		c.InsecurePlaintext = false
		c.Dial = func(context.Context, string, string) (net.Conn, error) {
			near, conn := net.Pipe()
			f := &far{conn: tls.Server(buffered(r, conn), &tls.Config{Certificates: []tls.Certificate{cert}}), echo: true, over: r.over}
			r.fars = append(r.fars, f)
			go f.listen()
			return near, nil
		}
	})
	r.resolve = func() ([]Target, error) {
		return []Target{{Address: "192.0.2.1:5347", TLS: &tls.Config{ServerName: "example.org", RootCAs: pool}}}, nil
	}
	return r
}

// bufferedConn takes writes as a socket does, without waiting for them to be read.
type bufferedConn struct {
	net.Conn
	out chan []byte
}

func (b bufferedConn) Write(p []byte) (int, error) {
	b.out <- append([]byte(nil), p...)
	return len(p), nil
}

func buffered(r *rig, conn net.Conn) net.Conn {
	b := bufferedConn{conn, make(chan []byte, 100)}
	go func() {
		for {
			select {
			case p := <-b.out:
				conn.Write(p)
			case <-r.over:
				return
			}
		}
	}()
	return b
}

func TestTLS(t *testing.T) {
	inBubble(t, "a session over TLS", func(t *testing.T) {
		r := tlsRig(t, "example.org").run()
		f, s := r.up()
		if _, err := s.Send(chat("1")); err != nil {
			t.Fatal(err)
		}
		if got := f.stanzas(); len(got) != 1 {
			t.Errorf("%d stanzas arrived", len(got))
		}
		r.cancel()
		<-r.done
	})
	inBubble(t, "a certificate for another name: nothing is sent, and the error names what it must be for", func(t *testing.T) {
		r := tlsRig(t, "evil.example").run()
		d := r.down()
		if d.Session != nil || !strings.Contains(d.Err.Error(), `must be valid for "example.org"`) {
			t.Errorf("%#v", d)
		}
		if got := r.far().bytes(); got != "" {
			t.Errorf("wrote %q", got)
		}
	})
	inBubble(t, "a port that speaks no TLS", func(t *testing.T) {
		r := newRig(t)
		r.resolve = func() ([]Target, error) {
			return []Target{{Address: "a", TLS: &tls.Config{ServerName: "example.org"}}}, nil
		}
		r.serve = func(f *far) { f.conn.Write([]byte(goodHeader)) }
		r.run()
		if d := r.down(); !strings.Contains(d.Err.Error(), "speaks no TLS") {
			t.Errorf("%v", d.Err)
		}
	})
	inBubble(t, "a server that does not answer in TLS is left after 10 s", func(t *testing.T) {
		r := newRig(t)
		r.resolve = func() ([]Target, error) {
			return []Target{{Address: "a", TLS: &tls.Config{ServerName: "example.org"}}}, nil
		}
		r.run()
		pass(dialTimeout)
		if d := r.down(); d.Err == nil {
			t.Error("no error")
		}
	})
}

func TestTLSAdvice(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"no TLS there", tls.RecordHeaderError{}, "speaks no TLS"},
		{"the server hangs up", io.EOF, `this port of it has a certificate for "example.org"`},
		{"the server hangs up on what we wrote", &net.OpError{Op: "read", Err: syscall.ECONNRESET}, "hung up"},
		{"the server has hung up before we wrote", &net.OpError{Op: "write", Err: syscall.EPIPE}, "hung up"},
		{"another name", x509.HostnameError{}, `must be valid for "example.org"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := tlsAdvice(c.err, "example.org"); !strings.Contains(got, c.want) {
				t.Errorf("the advice is %q, want %q in it", got, c.want)
			}
		})
	}
}
