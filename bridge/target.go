package bridge

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"errors"

	"meshbridge/bridge/config"
	"meshbridge/upstream"
)

// targets returns where the server is, as the configuration says it.
func targets(c config.Upstream) []upstream.Target {
	t := upstream.Target{Address: c.Target.HostPort()}
	if c.Target.Scheme == "tls" {
		t.TLS = tlsConfig(c)
	}
	return []upstream.Target{t}
}

// tlsConfig verifies the name that the admin wrote, by the system's roots or the
// configured one, and the pinned key beside it when there is one.
func tlsConfig(c config.Upstream) *tls.Config {
	t := &tls.Config{ServerName: c.Target.Host, RootCAs: c.TLSRoots, MinVersion: tls.VersionTLS12}
	if c.TLSPin != nil {
		t.VerifyConnection = func(s tls.ConnectionState) error {
			sum := sha256.Sum256(s.PeerCertificates[0].RawSubjectPublicKeyInfo)
			if subtle.ConstantTimeCompare(sum[:], c.TLSPin) != 1 {
				return errors.New("the server's key is not the one of upstream.tls_pin; if the server has a new key, put its pin there")
			}
			return nil
		}
	}
	return t
}
