package resolver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"meshbridge/resolver/resolvertest"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"
)

const two = `
_im._xmpp.example.com. 300 IN SRV 1 0 5269 a.example.com.
_im._xmpp.example.com. 60 IN SRV 2 0 5269 b.example.com.
a.example.com. 120 IN A 192.0.2.1
a.example.com. 120 IN AAAA 2001:db8::1
b.example.com. 300 IN A 192.0.2.2
`

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		rule, zone string
		uri        string
		options    []resolvertest.Option
		targets    []string
		queries    string
		err        error
	}{
		{"RES-2782-5 addresses that came along are not asked for", two, "im:u@example.com",
			[]resolvertest.Option{resolvertest.Additional, resolvertest.Tamper(without("b.example.com."))},
			[]string{"xmpp [2001:db8::1]:5269 a.example.com", "xmpp 192.0.2.1:5269 a.example.com", "xmpp 192.0.2.2:5269 b.example.com"},
			"_im._xmpp.example.com. SRV; b.example.com. A; b.example.com. AAAA", nil},
		{"RES-2782-6 a truncated answer is asked for again over TCP", two + "TRUNCATED _im._xmpp.example.com.\nTRUNCATED a.example.com.\n", "im:u@example.com", nil,
			[]string{"xmpp [2001:db8::1]:5269 a.example.com", "xmpp 192.0.2.1:5269 a.example.com", "xmpp 192.0.2.2:5269 b.example.com"},
			"_im._xmpp.example.com. SRV; _im._xmpp.example.com. SRV over TCP; a.example.com. A; a.example.com. A over TCP; " +
				"a.example.com. AAAA; a.example.com. AAAA over TCP; b.example.com. A; b.example.com. AAAA", nil},
		{"RES-2782-6 truncated over TCP as well is no answer", srvZone, "srv:_xmpp-component._tcp.example.net",
			[]resolvertest.Option{resolvertest.Tamper(truncate)}, nil,
			"_xmpp-component._tcp.example.net. SRV; _xmpp-component._tcp.example.net. SRV over TCP; " +
				"_xmpp-component._tcp.example.net. SRV; _xmpp-component._tcp.example.net. SRV over TCP", ErrTemporary},
		{"RES-2782-7 a target that is an alias is followed", "_im._xmpp.example.com. 300 IN SRV 1 0 5269 a.example.com.\na.example.com. 9 IN CNAME h.example.com.\nh.example.com. 9 IN A 192.0.2.1\n",
			"im:u@example.com", nil, []string{"xmpp 192.0.2.1:5269 a.example.com"},
			"_im._xmpp.example.com. SRV; a.example.com. A; h.example.com. A; a.example.com. AAAA; h.example.com. AAAA", nil},
		{"RES-2782-8 names are compared without case", "_IM._Xmpp.Example.COM. 300 IN SRV 1 0 5269 A.Example.com.\na.EXAMPLE.com. 300 IN A 192.0.2.1\n",
			"im:u@EXAMPLE.com", nil, []string{"xmpp 192.0.2.1:5269 a.example.com"}, "_im._xmpp.example.com. SRV; a.example.com. A; a.example.com. AAAA", nil},
		{"RES-2782-9 a . beside others and port 0 are ignored", "_im._xmpp.example.com. 1 IN SRV 0 0 0 .\n_im._xmpp.example.com. 1 IN SRV 0 0 5269 a.example.com.\n" +
			"_im._xmpp.example.com. 1 IN SRV 0 0 0 b.example.com.\na.example.com. 1 IN A 192.0.2.1\n",
			"im:u@example.com", nil, []string{"xmpp 192.0.2.1:5269 a.example.com"}, "_im._xmpp.example.com. SRV; a.example.com. A; a.example.com. AAAA", nil},
		{"RES-3861-4-3 records that lead nowhere keep the domain's own address out", "_im._xmpp.example.com. 1 IN SRV 0 0 0 a.example.com.\nexample.com. 1 IN A 203.0.113.1\n",
			"im:u@example.com", nil, nil, "_im._xmpp.example.com. SRV; _im._sip.example.com. SRV", ErrNoRecords},
		{"RES-3861-4-2 a loop of aliases ends", "_im._xmpp.example.com. 1 IN CNAME _im._xmpp.loop.example.\n_im._xmpp.loop.example. 1 IN CNAME _im._xmpp.example.com.\n",
			"im:u@example.com", []resolvertest.Option{resolvertest.Chase}, nil, "_im._xmpp.example.com. SRV; _im._sip.example.com. SRV", ErrAliases},
		{"RES-3861-4-2 a loop that is met question by question ends", "_x._tcp.example.com. 1 IN CNAME _y._tcp.example.com.\n_y._tcp.example.com. 1 IN CNAME _x._tcp.example.com.\n",
			"srv:_x._tcp.example.com", nil, nil, strings.Repeat("_x._tcp.example.com. SRV; _y._tcp.example.com. SRV; ", 4) + "_x._tcp.example.com. SRV", ErrAliases},
		{"an alias to what is no name", `_x._tcp.example.com. 1 IN CNAME a\.b\027.example.com.` + "\n", "srv:_x._tcp.example.com", nil, nil, "_x._tcp.example.com. SRV", ErrAliases},
		{"RES-3861-4-2 eight aliases are followed", chain(8), "im:u@example.com", []resolvertest.Option{resolvertest.Chase},
			[]string{"xmpp 192.0.2.1:5269 a.example"}, "_im._xmpp.example.com. SRV; a.example. A; a.example. AAAA", nil},
		{"RES-3861-4-2 nine are not", chain(9), "im:u@example.com", []resolvertest.Option{resolvertest.Chase},
			nil, "_im._xmpp.example.com. SRV; _im._sip.example.com. SRV", ErrAliases},
		{"LL-I18N-7 U-labels are asked for as A-labels", "_im._xmpp.xn--mnchen-3ya.example. 1 IN SRV 0 0 5269 a.xn--mnchen-3ya.example.\na.xn--mnchen-3ya.example. 1 IN A 192.0.2.1\n",
			"im:u@münchen.example", nil, []string{"xmpp 192.0.2.1:5269 a.xn--mnchen-3ya.example"},
			"_im._xmpp.xn--mnchen-3ya.example. SRV; a.xn--mnchen-3ya.example. A; a.xn--mnchen-3ya.example. AAAA", nil},
		{"a target that is no host's name is ignored", `_im._xmpp.example.com. 1 IN SRV 0 0 1 a\.b\027.example.com.` + "\n" + two, "im:u@example.com",
			nil, []string{"xmpp [2001:db8::1]:5269 a.example.com", "xmpp 192.0.2.1:5269 a.example.com", "xmpp 192.0.2.2:5269 b.example.com"},
			"_im._xmpp.example.com. SRV; a.example.com. A; a.example.com. AAAA; b.example.com. A; b.example.com. AAAA", nil},
		{"RES-SEC-3 targets of the local link are ignored", "_x._tcp.example.com. 1 IN SRV 0 0 1 pronto.local.\n_x._tcp.example.com. 1 IN SRV 0 0 1 localhost.\n", "srv:_x._tcp.example.com", nil,
			nil, "_x._tcp.example.com. SRV", ErrNoRecords},
		{"RES-SEC-3 and aliases to them", "_x._tcp.example.com. 1 IN CNAME _x._tcp.pronto.local.\n", "srv:_x._tcp.example.com", nil,
			nil, "_x._tcp.example.com. SRV", ErrAliases},
		{"a server that fails for one family hides nothing", two, "im:u@example.com", []resolvertest.Option{resolvertest.Tamper(failAAAA)},
			[]string{"xmpp 192.0.2.1:5269 a.example.com", "xmpp 192.0.2.2:5269 b.example.com"},
			"_im._xmpp.example.com. SRV; a.example.com. A; a.example.com. AAAA; b.example.com. A; b.example.com. AAAA", nil},
		{"RES-3861-4-5 a refusal is temporary", "REFUSED _im._xmpp.example.com.\nexample.com. 1 IN A 192.0.2.1\n", "im:u@example.com", nil, nil,
			"_im._xmpp.example.com. SRV; _im._sip.example.com. SRV", ErrTemporary},
		{"RES-3861-4-5 and so is one for the address of the only host", "_im._xmpp.example.com. 1 IN SRV 0 0 1 a.example.com.\nSERVFAIL a.example.com.\n", "im:u@example.com",
			nil, nil, "_im._xmpp.example.com. SRV; a.example.com. A; a.example.com. AAAA; _im._sip.example.com. SRV", ErrTemporary},
		{"a server without EDNS", "FORMERR _im._xmpp.example.com.\n" + two, "im:u@example.com", nil,
			[]string{"xmpp [2001:db8::1]:5269 a.example.com", "xmpp 192.0.2.1:5269 a.example.com", "xmpp 192.0.2.2:5269 b.example.com"},
			"_im._xmpp.example.com. SRV; _im._xmpp.example.com. SRV; a.example.com. A; a.example.com. AAAA; b.example.com. A; b.example.com. AAAA", nil},
		{"RES-3861-4-5 a referral is no answer", "example.com. 1 IN A 192.0.2.1\n", "srv:_x._tcp.example.com", []resolvertest.Option{resolvertest.Tamper(refer)},
			nil, "_x._tcp.example.com. SRV", ErrTemporary},
		{"a record of another name in the answer is nobody's", two, "im:u@example.com",
			[]resolvertest.Option{resolvertest.Tamper(inject("evil.example. 1 IN SRV 0 0 1 evil.example."))},
			[]string{"xmpp [2001:db8::1]:5269 a.example.com", "xmpp 192.0.2.1:5269 a.example.com", "xmpp 192.0.2.2:5269 b.example.com"},
			"_im._xmpp.example.com. SRV; a.example.com. A; a.example.com. AAAA; b.example.com. A; b.example.com. AAAA", nil},
		{"addresses that no host has are left out", "bare.example. 1 IN A 0.0.0.0\nbare.example. 1 IN A 224.0.0.251\nbare.example. 1 IN AAAA ::\nbare.example. 1 IN AAAA ff02::fb\nbare.example. 1 IN AAAA fe80::1\nbare.example. 1 IN AAAA ::ffff:192.0.2.8\nbare.example. 1 IN A 192.0.2.7\n",
			"xmpp:bare.example", nil, []string{"starttls 192.0.2.7:5222 bare.example"},
			"_xmpps-client._tcp.bare.example. SRV; _xmpp-client._tcp.bare.example. SRV; bare.example. A; bare.example. AAAA", nil},
		{"RES-6120-10 srv: hosts and ports in order", srvZone, "srv:_xmpp-component._tcp.example.net", nil,
			[]string{"component 192.0.2.2:5348 b.example.net", "component 192.0.2.1:5347 a.example.net"},
			"_xmpp-component._tcp.example.net. SRV; b.example.net. A; b.example.net. AAAA; a.example.net. A; a.example.net. AAAA", nil},
		{"RES-6120-10 srv: absent, and no address is asked for", "example.net. 1 IN A 192.0.2.1\n", "srv:_xmpp-component._tcp.example.net", nil, nil,
			"_xmpp-component._tcp.example.net. SRV", ErrNoRecords},
		{"RES-6120-10 srv: a sole .", "_x._tcp.example.net. 1 IN SRV 0 0 0 .\n", "srv:_x._tcp.example.net", nil, nil, "_x._tcp.example.net. SRV", ErrUnavailable},
	} {
		t.Run(c.rule, func(t *testing.T) {
			r := newRig(t, c.zone, c.options...)
			res, err := r.find("", c.uri)
			if !errors.Is(err, c.err) {
				t.Errorf("error %v, want %v", err, c.err)
			}
			if diff := cmp.Diff(c.targets, lines(res)); diff != "" {
				t.Errorf("targets (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(strings.Split(c.queries, "; "), r.server.Asked()); diff != "" {
				t.Errorf("questions (-want +got):\n%s", diff)
			}
		})
	}
}

const srvZone = `
_xmpp-component._tcp.example.net. 1 IN SRV 2 0 5347 a.example.net.
_xmpp-component._tcp.example.net. 1 IN SRV 1 0 5348 b.example.net.
a.example.net. 1 IN A 192.0.2.1
b.example.net. 1 IN A 192.0.2.2
`

// chain is a zone in which an SRV name is n aliases long.
func chain(n int) string {
	zone, name := "", "_im._xmpp.example.com."
	for i := range n {
		next := fmt.Sprintf("n%d.example.", i)
		zone, name = zone+name+" 1 IN CNAME "+next+"\n", next
	}
	return zone + name + " 1 IN SRV 0 0 5269 a.example.\na.example. 1 IN A 192.0.2.1\n"
}

func without(name string) func(*dns.Msg, bool) []*dns.Msg {
	return func(m *dns.Msg, _ bool) []*dns.Msg {
		m.Extra = slices.DeleteFunc(m.Extra, func(rr dns.RR) bool { return rr.Header().Name == name })
		return []*dns.Msg{m}
	}
}

func truncate(m *dns.Msg, _ bool) []*dns.Msg {
	m.Truncated = true
	return []*dns.Msg{m}
}

func failAAAA(m *dns.Msg, _ bool) []*dns.Msg {
	if m.Question[0].Qtype == dns.TypeAAAA {
		m.Rcode, m.Answer = dns.RcodeServerFailure, nil
	}
	return []*dns.Msg{m}
}

func refer(m *dns.Msg, _ bool) []*dns.Msg {
	m.Rcode, m.Answer = dns.RcodeSuccess, nil
	m.Ns = []dns.RR{&dns.NS{Hdr: dns.RR_Header{Name: "example.com.", Rrtype: dns.TypeNS, Class: dns.ClassINET}, Ns: "ns.example.com."}}
	return []*dns.Msg{m}
}

func inject(record string) func(*dns.Msg, bool) []*dns.Msg {
	return func(m *dns.Msg, _ bool) []*dns.Msg {
		rr, err := dns.NewRR(record)
		if err != nil {
			panic(err)
		}
		m.Answer = append(m.Answer, rr)
		return []*dns.Msg{m}
	}
}

func TestForgedAnswers(t *testing.T) {
	wrong := map[string]func(m *dns.Msg){
		"another ID":       func(m *dns.Msg) { m.Id++ },
		"another name":     func(m *dns.Msg) { m.Question[0].Name = "evil.example." },
		"another type":     func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeTXT },
		"another class":    func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS },
		"no question":      func(m *dns.Msg) { m.Question = nil },
		"not an answer":    func(m *dns.Msg) { m.Response = false },
		"not about a name": func(m *dns.Msg) { m.Opcode = dns.OpcodeNotify },
	}
	for name, forge := range wrong {
		t.Run(name+" makes us ask over TCP", func(t *testing.T) {
			r := newRig(t, two, resolvertest.Tamper(func(m *dns.Msg, overTCP bool) []*dns.Msg {
				forged := m.Copy()
				forged.Answer, forged.Rcode = nil, dns.RcodeNameError
				if forge(forged); overTCP {
					return []*dns.Msg{m}
				}
				return []*dns.Msg{forged, m}
			}))
			res, err := r.find("", "im:u@example.com")
			if err != nil || len(res.Targets) != 3 || r.server.Asked()[1] != "_im._xmpp.example.com. SRV over TCP" {
				t.Errorf("%v, %v, asked %q", lines(res), err, r.server.Asked())
			}
		})
	}
	t.Run("and nothing else", func(t *testing.T) {
		r := newRig(t, two, resolvertest.Tamper(func(m *dns.Msg, _ bool) []*dns.Msg {
			m.Id++
			return []*dns.Msg{m}
		}))
		_, err := r.find("", "srv:_x._tcp.example.com")
		if !errors.Is(err, ErrTemporary) || !strings.Contains(err.Error(), "only answers to other questions") || len(r.server.Asked()) != 2*attempts {
			t.Errorf("%v, asked %q", err, r.server.Asked())
		}
	})
}

func TestTTL(t *testing.T) {
	t.Run("COMP-9 a target is good as long as the shortest of its records", func(t *testing.T) {
		r := newRig(t, two)
		res, err := r.find("", "im:u@example.com")
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []time.Duration{120, 120, 60} {
			if got := res.Targets[i].TTL; got != want*time.Second {
				t.Errorf("%s: %v", res.Targets[i].Host, got)
			}
		}
	})
	for claimed, want := range map[uint32]uint32{300: 300, 1 << 30: maxTTL, 1<<31 - 1: maxTTL, 1 << 31: 0} {
		if got := ttlOf(&dns.A{Hdr: dns.RR_Header{Ttl: claimed}}); got != want {
			t.Errorf("TTL %d is taken for %d, want %d", claimed, got, want)
		}
	}
}

func TestServers(t *testing.T) {
	good, failing := resolvertest.Serve(t, two), resolvertest.Serve(t, "SERVFAIL _im._xmpp.example.com.\n")
	silent := resolvertest.Serve(t, "DROP _im._xmpp.example.com.\nDROP a.example.com.\n")
	resolve := func(servers ...*resolvertest.Server) (Result, error) {
		cfg := Config{Timeout: 50 * time.Millisecond, Protocols: onlyXMPP}
		for _, s := range servers {
			cfg.Servers = append(cfg.Servers, s.Addr())
		}
		return (&rig{t: t, cfg: cfg}).find("", "im:u@example.com")
	}
	t.Run("one that fails or is silent is passed over, and then left alone", func(t *testing.T) {
		res, err := resolve(failing, silent, good)
		if err != nil || len(res.Targets) != 3 {
			t.Fatalf("%v, %v", lines(res), err)
		}
		if n := len(failing.Asked()) + len(silent.Asked()); n != 2 {
			t.Errorf("they were asked %d times: %q %q", n, failing.Asked(), silent.Asked())
		}
		if s := res.Trace.Steps[0].Server; s != good.Addr() {
			t.Errorf("the trace says that %v answered", s)
		}
	})
	t.Run("RES-3861-4-5 silence is temporary, after two rounds", func(t *testing.T) {
		before := len(silent.Asked())
		_, err := resolve(silent)
		if !errors.Is(err, ErrTemporary) || !strings.Contains(err.Error(), "no answer") {
			t.Error(err)
		}
		if n := len(silent.Asked()) - before; n != attempts {
			t.Errorf("asked %d times", n)
		}
	})
	t.Run("a box on the way that swallows EDNS", func(t *testing.T) {
		s := resolvertest.Serve(t, two+"NOEDNS _im._xmpp.example.com.\n")
		res, err := resolve(s)
		if err != nil || len(res.Targets) != 3 {
			t.Errorf("%v, %v", lines(res), err)
		}
	})
	t.Run("nobody listens", func(t *testing.T) {
		r := rig{t: t, cfg: Config{Servers: []netip.AddrPort{closedPort(t)}, Protocols: onlyXMPP}}
		if _, err := r.find("", "im:u@example.com"); !errors.Is(err, ErrTemporary) || !strings.Contains(err.Error(), "refused") {
			t.Error(err)
		}
	})
	t.Run("an end from outside, while a question waits", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		mute := resolvertest.Serve(t, "", resolvertest.Tamper(func(*dns.Msg, bool) []*dns.Msg { cancel(); return nil }))
		if _, err := New(Config{Servers: []netip.AddrPort{mute.Addr()}, Timeout: time.Hour}).Client(ctx, "example.com"); !errors.Is(err, ErrTemporary) {
			t.Error(err)
		}
	})
	t.Run("an end from outside, before", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := New(Config{Servers: []netip.AddrPort{good.Addr()}}).Client(ctx, "example.com"); !errors.Is(err, ErrTemporary) {
			t.Error(err)
		}
	})
}

// closedPort is a UDP port on loopback where nobody is.
func closedPort(t *testing.T) netip.AddrPort {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).AddrPort()
}

func TestResolvConf(t *testing.T) {
	path := filepath.Join(t.TempDir(), "resolv.conf")
	for text, want := range map[string]string{
		"nameserver 192.0.2.1\n": "[192.0.2.1:53]",
		"# x\noptions edns0 rotate\nsearch a b\nnameserver fe80::1%eth0\nnameserver nonsense\nnameserver 192.0.2.2": "[[fe80::1%eth0]:53 192.0.2.2:53]",
		"nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nnameserver 192.0.2.4\n":                  "[192.0.2.1:53 192.0.2.2:53 192.0.2.3:53]",
		"": "[127.0.0.1:53]",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		r := New(Config{ResolvConf: path})
		if got, err := r.servers(); err != nil || fmt.Sprint(got) != want {
			t.Errorf("%q: %v, %v; want %s", text, got, err, want)
		}
	}
	if got, err := New(Config{ResolvConf: path + "x"}).servers(); err != nil || fmt.Sprint(got) != "[127.0.0.1:53]" {
		t.Errorf("no file: %v, %v", got, err)
	}
	t.Run("a changed file counts at once", func(t *testing.T) {
		var mu sync.Mutex
		var dialled []string
		r := New(Config{ResolvConf: path, Dial: func(_ context.Context, _, address string) (net.Conn, error) {
			mu.Lock()
			defer mu.Unlock()
			dialled = append(dialled, address)
			return nil, errors.New("not in this test")
		}})
		for _, ip := range []string{"192.0.2.1", "192.0.2.2"} {
			if err := os.WriteFile(path, []byte("nameserver "+ip), 0o600); err != nil {
				t.Fatal(err)
			}
			_, _ = r.Client(t.Context(), "example.org")
		}
		if got := slices.Compact(dialled); !slices.Equal(got, []string{"192.0.2.1:53", "192.0.2.2:53"}) {
			t.Errorf("%q", got)
		}
	})
}
