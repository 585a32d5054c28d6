package bridge

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"

	"meshbridge/bridge/config"
	"meshbridge/resolver"
	"meshbridge/upstream"
)

// finder finds where the server is.
type finder func(context.Context) ([]upstream.Target, error)

func newWhere(c config.Config, log *slog.Logger) *finder {
	w := finder(targets(c, log))
	return &w
}

// targets returns what the upstream calls at every reconnect to learn where the
// server is (COMP-9): the host and port that the configuration names, or what the
// DNS says now.
func targets(c config.Config, log *slog.Logger) func(context.Context) ([]upstream.Target, error) {
	if c.Upstream.Target.Literal() {
		list := []upstream.Target{literalTarget(c.Upstream)}
		return func(context.Context) ([]upstream.Target, error) { return list, nil }
	}
	dns := resolver.New(resolver.Config{Servers: c.Resolver.Servers})
	return func(ctx context.Context) ([]upstream.Target, error) {
		return lookUp(ctx, dns, c.Upstream, log)
	}
}

func literalTarget(c config.Upstream) upstream.Target {
	t := upstream.Target{Address: c.Target.HostPort()}
	name := c.Target.Host
	if ip, ok := c.Target.Addr(); ok {
		name = ip.WithZone("").String() // a certificate knows no interfaces of ours
	}
	if c.Target.Scheme == "tls" {
		t.TLS = tlsConfig(c, name)
	}
	return t
}

// lookUp finds the server in the DNS. Whatever host that leads to has to prove to be
// the domain that the admin wrote (RES-6120-9).
func lookUp(ctx context.Context, dns *resolver.Resolver, c config.Upstream, log *slog.Logger) ([]upstream.Target, error) {
	found, err := dns.Component(ctx, c.Target.URI, c.ComponentPort)
	if err != nil {
		return nil, fmt.Errorf("upstream.uri %s leads nowhere now: %w (the verb resolve with --trace shows every step)", c.Target, err)
	}
	log.Debug("the server was looked up", "uri", c.Target.String(), "targets", len(found.Targets), "questions", found.Queries)
	t := tlsConfig(c, found.Verify)
	var list []upstream.Target
	for _, one := range found.Targets {
		list = append(list, upstream.Target{Address: one.Address.String(), TLS: t})
	}
	return list, nil
}

// tlsConfig verifies the name that the admin wrote, by the system's roots or the
// configured one, and the pinned key beside it when there is one.
func tlsConfig(c config.Upstream, name string) *tls.Config {
	t := &tls.Config{ServerName: name, RootCAs: c.TLSRoots, MinVersion: tls.VersionTLS12}
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
