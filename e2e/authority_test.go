//go:build linux

package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// An authority signs the certificates of one office's servers.
type authority struct {
	dir  string
	file string // its own certificate, for tls_ca_file
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// authority returns the office's authority, which nobody else knows.
func (o *office) authority(t testing.TB) *authority {
	t.Helper()
	if o.signer != nil {
		return o.signer
	}
	a := &authority{dir: filepath.Join(o.dir, "tls"), key: newKey(t)}
	mkdir(t, a.dir)
	a.cert = template("Montague and Capulet")
	a.cert.IsCA, a.cert.KeyUsage = true, x509.KeyUsageCertSign
	a.file = filepath.Join(a.dir, "ca.pem")
	write(t, a.file, block("CERTIFICATE", a.sign(t, a.cert, a.key)), 0o644)
	o.signer = a
	return a
}

// issue makes a certificate for a name and returns the file that holds it and
// its key.
func (a *authority) issue(t testing.TB, name string) string {
	t.Helper()
	cert, key := template(name), newKey(t)
	cert.DNSNames = []string{name}
	cert.KeyUsage = x509.KeyUsageDigitalSignature
	cert.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(a.dir, name+".pem")
	write(t, file, block("CERTIFICATE", a.sign(t, cert, key))+block("PRIVATE KEY", private), 0o600)
	return file
}

func (a *authority) sign(t testing.TB, cert *x509.Certificate, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	signed, err := x509.CreateCertificate(rand.Reader, cert, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func template(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),

		BasicConstraintsValid: true,
	}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func block(kind string, content []byte) string {
	var b strings.Builder
	_ = pem.Encode(&b, &pem.Block{Type: kind, Bytes: content}) // a Builder takes everything
	return b.String()
}
