package bridge

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"meshbridge/bridge/config"
	"meshbridge/resolver/resolvertest"
	"meshbridge/upstream"
)

const serverZone = `
_xmpps-client._tcp.example.net. 300 IN SRV 5 1 5223 t.example.net.
_xmpp-client._tcp.example.net. 300 IN SRV 10 1 5222 s.example.net.
_xmpp-component._tcp.example.net. 300 IN SRV 1 0 5275 s.example.net.
_xmpp-component._tcp.example.net. 300 IN SRV 2 0 5276 t.example.net.
s.example.net. 300 IN A 192.0.2.20
t.example.net. 300 IN AAAA 2001:db8::21
t.example.net. 300 IN A 192.0.2.21
_xmpp-client._tcp.xn--mnchen-3ya.example. 300 IN SRV 10 1 5222 s.example.net.
SERVFAIL _xmpps-client._tcp.broken.example.
`

// lookedUp is a configuration whose server is found by uri in the zone of dns.
func lookedUp(t *testing.T, dns *resolvertest.Server, uri, more string) config.Config {
	t.Helper()
	cfg, err := config.Parse("bridge.yaml", []byte("linklocal: {interfaces: [lo]}\nresolver: {servers: ['"+dns.Addr().String()+"']}\n"+
		"upstream:\n  domain: lan.example.org\n  secret_file: secret\n  uri: "+uri+"\n"+more))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestServerByDNS(t *testing.T) {
	for _, c := range []struct {
		rule, uri, more string
		addresses       []string
		name            string
	}{
		{"RES-6120-6 COMP-15 hosts of the client sets with the usual component port", "xmpp:example.net", "",
			[]string{"[2001:db8::21]:5347", "192.0.2.21:5347", "192.0.2.20:5347"}, "example.net"},
		{"RES-6120-6 or the configured one", "xmpp:example.net", "  component_port: 5275\n",
			[]string{"[2001:db8::21]:5275", "192.0.2.21:5275", "192.0.2.20:5275"}, "example.net"},
		{"RES-6120-10 hosts and ports of one set", "srv:_xmpp-component._tcp.example.net", "",
			[]string{"192.0.2.20:5275", "[2001:db8::21]:5276", "192.0.2.21:5276"}, "example.net"},
		{"LL-I18N-7 the name to verify in A-labels", "xmpp:münchen.example", "", []string{"192.0.2.20:5347"}, "xn--mnchen-3ya.example"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			list := targetsOf(t, lookedUp(t, resolvertest.Serve(t, serverZone), c.uri, c.more))
			var addresses []string
			for _, one := range list {
				addresses = append(addresses, one.Address)
				if one.TLS == nil || one.TLS.ServerName != c.name || one.TLS.InsecureSkipVerify {
					t.Errorf("RES-6120-9: TLS is %+v", one.TLS)
				}
			}
			if !slices.Equal(addresses, c.addresses) {
				t.Errorf("%q, want %q", addresses, c.addresses)
			}
		})
	}
	t.Run("RES-6120-7 RES-3861-4-1 a literal server asks nobody", func(t *testing.T) {
		dns := resolvertest.Serve(t, serverZone)
		for _, uri := range []string{"tcp://127.0.0.1", "tls://s.example.net"} {
			targetsOf(t, lookedUp(t, dns, uri, ""))
		}
		if asked := dns.Asked(); asked != nil {
			t.Errorf("asked %q", asked)
		}
	})
	t.Run("COMP-9 every reconnect asks anew", func(t *testing.T) {
		dns := resolvertest.Serve(t, serverZone)
		find := targets(lookedUp(t, dns, "xmpp:example.net", ""), slog.New(slog.DiscardHandler))
		first, err := find(t.Context())
		dns.Replace("_xmpp-client._tcp.example.net. 300 IN SRV 1 0 5222 new.example.net.\nnew.example.net. 1 IN A 192.0.2.99\n")
		second, err2 := find(t.Context())
		if err != nil || err2 != nil || len(first) != 3 || len(second) != 1 || second[0].Address != "192.0.2.99:5347" {
			t.Errorf("%v %v, %v %v", first, err, second, err2)
		}
	})
}

// The certificate is for the domain that was configured, whatever host it is met on.
func TestServerByDNSProvesTheDomain(t *testing.T) {
	ca := newAuthority(t)
	later := time.Now().Add(time.Hour)
	ofDomain, pin := ca.server(later, "example.net")
	ofTarget, otherPin := ca.server(later, "s.example.net", "192.0.2.20")
	for _, uri := range []string{"xmpp:example.net", "srv:_xmpp-component._tcp.example.net"} {
		cfg := lookedUp(t, resolvertest.Serve(t, serverZone), uri, "")
		cfg.Upstream.TLSRoots = ca.pool()
		t.Run("RES-6120-9 RES-3861-7-1 a certificate for the SRV target only is refused, "+uri, func(t *testing.T) {
			for _, target := range targetsOf(t, cfg) {
				if err := shakeHands(target.TLS, ofTarget); err == nil || !strings.Contains(err.Error(), "not example.net") {
					t.Errorf("%s: %v", target.Address, err)
				}
			}
		})
		t.Run("RES-6120-9 one for the domain is accepted, "+uri, func(t *testing.T) {
			for _, target := range targetsOf(t, cfg) {
				if err := shakeHands(target.TLS, ofDomain); err != nil {
					t.Errorf("%s: %v", target.Address, err)
				}
			}
		})
		t.Run("the pin counts beside it, "+uri, func(t *testing.T) {
			for p, ok := range map[string]bool{string(pin): true, string(otherPin): false} {
				cfg.Upstream.TLSPin = []byte(p)
				if err := shakeHands(targetsOf(t, cfg)[0].TLS, ofDomain); (err == nil) != ok {
					t.Errorf("accepted %v: %v", !ok, err)
				}
			}
		})
	}
}

// walk runs the upstream until the server's list was walked once, and returns what
// was dialled. Nobody answers.
func walk(t *testing.T, cfg config.Config, n int) (dialled []string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	link, err := upstream.New(upstream.Config{
		Domain: "lan.example.org", Secret: "x", Targets: targets(cfg, slog.New(slog.DiscardHandler)),
		Dial: func(_ context.Context, _, address string) (net.Conn, error) {
			dialled = append(dialled, address)
			return nil, errors.New("nobody is there")
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	_ = link.Run(ctx, func(upstream.Event) {
		if len(dialled) == n {
			cancel()
		}
	})
	return dialled
}

func TestWholeListIsWalked(t *testing.T) {
	t.Run("COMP-9 RES-3861-6-1 RES-6120-4 every target is tried, and nothing else", func(t *testing.T) {
		cfg := lookedUp(t, resolvertest.Serve(t, serverZone+"example.net. 1 IN A 203.0.113.20\n"), "xmpp:example.net", "")
		want := []string{"[2001:db8::21]:5347", "192.0.2.21:5347", "192.0.2.20:5347"}
		if got := walk(t, cfg, 3); !slices.Equal(got, want) {
			t.Errorf("dialled %q, want %q", got, want)
		}
	})
}

func TestServerNotFound(t *testing.T) {
	for uri, parts := range map[string][]string{
		"xmpp:broken.example": {"temporary: SERVFAIL _xmpps-client._tcp.broken.example. SRV", "ask again"},
		"xmpp:nx.example":     {"no records", "publish one of them"},
	} {
		t.Run("RES-3861-4-5 the log says what is wrong and what to do, "+uri, func(t *testing.T) {
			var log bytes.Buffer
			cfg := lookedUp(t, resolvertest.Serve(t, serverZone), uri, "")
			logger := slog.New(slog.NewTextHandler(&log, nil))
			link, err := upstream.New(upstream.Config{Domain: "lan.example.org", Secret: "x", Targets: targets(cfg, logger), Log: logger})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			_ = link.Run(ctx, func(upstream.Event) { cancel() })
			for _, part := range append(parts, "upstream.uri "+uri, "resolve with --trace") {
				if !strings.Contains(log.String(), part) {
					t.Errorf("the log lacks %q:\n%s", part, log.String())
				}
			}
		})
	}
}
