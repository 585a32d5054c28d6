package bridge

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"log/slog"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"meshbridge/bridge/config"
	"meshbridge/upstream"
)

// authority is a CA of the test.
type authority struct {
	t    *testing.T
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t *testing.T) *authority {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{t: t, key: key}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a CA of the test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.cert = a.sign(template, template, key)
	return a
}

func (a *authority) sign(template, parent *x509.Certificate, key *ecdsa.PrivateKey) *x509.Certificate {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert
}

// server returns a certificate for names, and the pin of its key.
func (a *authority) server(until time.Time, names ...string) (tls.Certificate, []byte) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-time.Hour), NotAfter: until,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, n)
		}
	}
	cert := a.sign(template, a.cert, key)
	pin := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}, pin[:]
}

func (a *authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

func TestTLS(t *testing.T) {
	ours, others := newAuthority(t), newAuthority(t)
	later := time.Now().Add(time.Hour)
	good, pin := ours.server(later, "xmpp.example.org", "192.0.2.1")
	foreign, foreignPin := others.server(later, "xmpp.example.org")
	other, _ := ours.server(later, "other.example.org")
	expired, _ := ours.server(time.Now().Add(-time.Minute), "xmpp.example.org")
	for _, row := range []struct {
		name    string
		host    string
		shows   tls.Certificate
		roots   *x509.CertPool
		pin     []byte
		problem string // part of the error; "" for none
	}{
		{"a certificate of the configured CA for the configured name", "xmpp.example.org", good, ours.pool(), nil, ""},
		{"and with its pin", "xmpp.example.org", good, ours.pool(), pin, ""},
		{"an address in the place of a name", "192.0.2.1", good, ours.pool(), nil, ""},
		{"another pin", "xmpp.example.org", good, ours.pool(), foreignPin, "upstream.tls_pin; if the server has a new key"},
		{"a CA nobody configured", "xmpp.example.org", foreign, ours.pool(), nil, "unknown authority"},
		{"the pin does not stand in for the CA", "xmpp.example.org", foreign, ours.pool(), foreignPin, "unknown authority"},
		{"the system's roots do not know the test's CA", "xmpp.example.org", good, nil, nil, "certificate"},
		{"a certificate for another name", "xmpp.example.org", other, ours.pool(), nil, "not xmpp.example.org"},
		{"another address", "192.0.2.2", good, ours.pool(), nil, "192.0.2.2"},
		{"an old certificate", "xmpp.example.org", expired, ours.pool(), nil, "expired"},
	} {
		t.Run(row.name, func(t *testing.T) {
			list := targetsOf(t, config.Config{Upstream: config.Upstream{
				Target:   config.Target{Scheme: "tls", Host: row.host, Port: 5347},
				TLSRoots: row.roots, TLSPin: row.pin,
			}})
			if len(list) != 1 || list[0].Address != net.JoinHostPort(row.host, "5347") || list[0].TLS == nil {
				t.Fatalf("%+v", list)
			}
			err := shakeHands(list[0].TLS, row.shows)
			switch {
			case row.problem == "" && err != nil:
				t.Error(err)
			case row.problem != "" && (err == nil || !strings.Contains(err.Error(), row.problem)):
				t.Errorf("error %v, want one about %q", err, row.problem)
			}
		})
	}
	t.Run("tcp is not TLS, and old TLS is none", func(t *testing.T) {
		plain := targetsOf(t, config.Config{Upstream: config.Upstream{Target: config.Target{Scheme: "tcp", Host: "127.0.0.1", Port: 5347}}})
		if len(plain) != 1 || plain[0].TLS != nil || plain[0].Address != "127.0.0.1:5347" {
			t.Errorf("%+v", plain)
		}
		c := tlsConfig(config.Upstream{Target: config.Target{Scheme: "tls", Host: "xmpp.example.org"}, TLSRoots: ours.pool()}, "xmpp.example.org")
		if c.MinVersion != tls.VersionTLS12 || c.InsecureSkipVerify {
			t.Errorf("%+v", c)
		}
	})
}

// targetsOf asks once where the server is.
func targetsOf(t *testing.T, c config.Config) []upstream.Target {
	t.Helper()
	list, err := targets(c, slog.New(slog.DiscardHandler))(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// shakeHands lets a client connect to a server with that certificate.
func shakeHands(client *tls.Config, shows tls.Certificate) error {
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{shows}})
	if err != nil {
		return err
	}
	defer l.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if conn, err := l.Accept(); err == nil {
			_, _ = conn.Read(make([]byte, 1)) // shakes hands, and waits until the client is done
			conn.Close()
		}
	}()
	conn, err := tls.Dial("tcp", l.Addr().String(), client)
	if err == nil {
		conn.Close()
	}
	<-done
	return err
}
