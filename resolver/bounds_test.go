package resolver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"meshbridge/resolver/uri"
)

func TestNotFQDN(t *testing.T) {
	for _, in := range []string{
		"im:fred@pronto.local", "xmpp:PRONTO.Local.", "srv:_x._tcp.local",
		"im:fred@localhost", "im:fred@192.0.2.1", "pres:fred@[2001:db8::1]", "xmpp:localhost", "xmpp:192.0.2.1",
		"srv:_x._tcp.localhost", "im:fred@10.0.0.300", "xmpp:" + strings.Repeat("a.", 125) + "ab",
	} {
		t.Run("RES-3861-3-1 RES-SEC-3 "+in[:min(len(in), 30)], func(t *testing.T) {
			r := newRig(t, "")
			_, err := r.find("", in)
			if !errors.Is(err, ErrNotFQDN) || !strings.Contains(err.Error(), "; write") {
				t.Errorf("%v", err)
			}
			if asked := r.server.Asked(); asked != nil {
				t.Errorf("asked %q", asked)
			}
		})
	}
}

func TestWrongKindOfURI(t *testing.T) {
	r := New(Config{})
	account := uri.URI{Scheme: uri.XMPP, Account: "guest@example.com"}
	for name, resolve := range map[string]func() (Result, error){
		"RES-5122-2 an account is no server": func() (Result, error) { return r.Component(t.Context(), account, 5347) },
		"an xmpp: URI is no presentity":      func() (Result, error) { return r.Presentity(t.Context(), account) },
		"an xmpp: URI is no SRV set":         func() (Result, error) { return r.Set(t.Context(), account) },
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := resolve(); !errors.Is(err, ErrBadURI) {
				t.Error(err)
			}
		})
	}
}

// hosts is a zone with n SRV records, each for a host with as many addresses.
func hosts(n, addresses int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "_im._xmpp.example.com. 1 IN SRV %d 0 5269 h%d.example.com.\n", n-i, i)
		for a := range addresses {
			fmt.Fprintf(&b, "h%d.example.com. 1 IN A 192.0.%d.%d\n", i, i, a+1)
		}
	}
	return b.String()
}

func TestBounds(t *testing.T) {
	for _, c := range []struct {
		rule                         string
		hosts, addresses, maxTargets int
		targets, questions           int
	}{
		{"RES-2782-5 nine records are nine", 9, 1, 0, 9, 19},
		{"a hundred hosts end with the questions", 100, 1, 0, 32, 64},
		{"eight addresses of a host", 1, 20, 0, 8, 3},
		{"64 targets", 20, 20, 0, 64, 17},
		{"RES-3861-6-2 a limit of 3 targets", 9, 1, 3, 3, 7},
		{"RES-3861-6-2 a limit below 2 is 2", 9, 1, 1, 2, 5},
	} {
		t.Run(c.rule, func(t *testing.T) {
			r := newRig(t, hosts(c.hosts, c.addresses))
			r.cfg.MaxTargets = c.maxTargets
			res, err := r.find("", "im:u@example.com")
			if err != nil || len(res.Targets) != c.targets || len(res.Queries) != c.questions {
				t.Errorf("%d targets, %d questions, %v", len(res.Targets), len(res.Queries), err)
			}
			if want := fmt.Sprintf("h%d.example.com", c.hosts-1); res.Targets[0].Host != want {
				t.Errorf("the lowest priority is %s, want %s", res.Targets[0].Host, want)
			}
		})
	}
}

func TestServerOfAnotherDomain(t *testing.T) {
	const both = "_xmpp-server._tcp.d.example. 1 IN SRV 0 0 5269 s.d.example.\n_im._xmpp.d.example. 1 IN SRV 0 0 5270 i.d.example.\n" +
		"s.d.example. 1 IN A 192.0.2.1\ni.d.example. 1 IN A 192.0.2.2\nd.example. 1 IN A 192.0.2.3\n"
	const sets = "_xmpps-server._tcp.d.example. SRV; _xmpp-server._tcp.d.example. SRV; "
	for _, c := range []struct{ rule, zone, target, queries string }{
		{"RES-3921-1 RES-6120-1 xmpp-server first", both, "starttls 192.0.2.1:5269 s.d.example", sets + "s.d.example. A; s.d.example. AAAA"},
		{"RES-3921-1 then _im", both[strings.Index(both, "_im"):], "xmpp 192.0.2.2:5270 i.d.example", sets + "_im._xmpp.d.example. SRV; i.d.example. A; i.d.example. AAAA"},
		{"RES-3921-1 then the address and 5269", both[strings.Index(both, "s.d.example. 1"):], "starttls 192.0.2.3:5269 d.example",
			sets + "_im._xmpp.d.example. SRV; _pres._xmpp.d.example. SRV; d.example. A; d.example. AAAA"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			r := newRig(t, c.zone)
			res, err := r.find("server", "xmpp:d.example")
			if err != nil {
				t.Fatal(err)
			}
			r.want(res, []string{c.target}, strings.Split(c.queries, "; "))
		})
	}
}

// Everything that can be resolved, with a trap: whatever is connected to is the DNS
// server.
func TestOnlyTheServersAreDialled(t *testing.T) {
	t.Run("RES-0156-1 RES-6120-4 no HTTP, and no connection to what was found", func(t *testing.T) {
		for _, v := range vectors() {
			r := newRig(t, zones)
			var mu sync.Mutex
			var dialled []string
			r.cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				mu.Lock()
				dialled = append(dialled, address)
				mu.Unlock()
				return new(net.Dialer).DialContext(ctx, network, address)
			}
			res, _ := r.find(v.how, v.uri)
			if got := slices.Compact(dialled); !slices.Equal(got, []string{r.server.Addr().String()}) {
				t.Errorf("%s dialled %q", v.uri, got)
			}
			if v.targets != nil && !strings.Contains(v.rule, "no SRV") && !strings.Contains(v.rule, "without SRV") &&
				!strings.Contains(v.rule, "no protocol") && !strings.Contains(v.rule, "no SIP") {
				for _, target := range res.Targets {
					if target.Host == res.Verify {
						t.Errorf("%s: the domain's own address is a target beside SRV", v.uri)
					}
				}
			}
		}
	})
}

func TestVerify(t *testing.T) {
	t.Run("RES-3861-7-1 RES-6120-9 the name to verify is the domain that was asked about", func(t *testing.T) {
		for _, v := range vectors() {
			r := newRig(t, zones)
			res, _ := r.find(v.how, v.uri)
			u, err := uri.Parse(v.uri)
			if err != nil || res.Verify != u.Domain || res.Domain != u.Domain {
				t.Errorf("%s: verify %q", v.uri, res.Verify)
			}
		}
		res, _ := newRig(t, "").find("", "xmpp:münchen.example")
		if res.Verify != "xn--mnchen-3ya.example" || res.Domain != "münchen.example" {
			t.Errorf("verify %q of %q", res.Verify, res.Domain)
		}
	})
}
