package resolver

import (
	"errors"
	"strings"
	"testing"

	"meshbridge/resolver/resolvertest"
)

// vector is a worked value: what is asked for, what comes out, and which questions
// are asked, each in order.
type vector struct {
	rule      string
	how       string // "", "server" or "component"
	uri       string
	protocols []Transport
	targets   []string
	queries   string // separated by "; "
	err       error
}

var onlyXMPP = []Transport{XMPP}

const comIM = "; c.example.com. A; c.example.com. AAAA; a.example.com. A; a.example.com. AAAA; b.example.com. A; b.example.com. AAAA"

var comTargets = []string{
	"xmpp 192.0.2.3:5270 c.example.com", "xmpp [2001:db8::1]:5269 a.example.com",
	"xmpp 192.0.2.1:5269 a.example.com", "xmpp 192.0.2.2:5269 b.example.com",
}

func vectors() []vector {
	const nets = "_xmpps-client._tcp.example.net. SRV; _xmpp-client._tcp.example.net. SRV; t.example.net. A; t.example.net. AAAA; s.example.net. A; s.example.net. AAAA"
	return []vector{
		{"IM-1 RES-3861-3-2 RES-3861-4-1 RES-3861-4-3 RES-3861-6-1 RES-2782-1 by priority and weight, never the domain's own address", "",
			"im:user@example.com", onlyXMPP, comTargets, "_im._xmpp.example.com. SRV" + comIM, nil},
		{"IM-2 RES-3861-3-3 RES-3861-5-1 the next protocol, asked before any address", "",
			"pres:user@example.com", nil, []string{"sip 192.0.2.9:5060 simple.example.com"},
			"_pres._xmpp.example.com. SRV; _pres._sip.example.com. SRV; simple.example.com. A; simple.example.com. AAAA", nil},
		{"IM-3 RES-3861-4-6 decidedly not available", "",
			"im:u@dot.example", onlyXMPP, nil, "_im._xmpp.dot.example. SRV", ErrUnavailable},
		{"IM-3 RES-3861-4-6 and the next protocol is tried, but no address", "",
			"im:u@dot.example", nil, nil, "_im._xmpp.dot.example. SRV; _im._sip.dot.example. SRV", ErrUnavailable},
		{"IM-4 RES-3861-4-2 an alias is followed", "",
			"im:u@cn.example", onlyXMPP, comTargets, "_im._xmpp.cn.example. SRV; _im._xmpp.example.com. SRV" + comIM, nil},
		{"IM-5 RES-3861-4-4 no SRV: the domain itself, port 5269", "",
			"im:u@plain.example", onlyXMPP, []string{"xmpp 203.0.113.7:5269 plain.example"},
			"_im._xmpp.plain.example. SRV; plain.example. A; plain.example. AAAA", nil},
		{"IM-5 RES-3861-4-4 only when no protocol has records, and for the first", "",
			"im:u@plain.example", nil, []string{"xmpp 203.0.113.7:5269 plain.example"},
			"_im._xmpp.plain.example. SRV; _im._sip.plain.example. SRV; plain.example. A; plain.example. AAAA", nil},
		{"IM-6 RES-3861-4-5 a server failure is temporary: no fallback", "",
			"im:u@sf.example", onlyXMPP, nil, "_im._xmpp.sf.example. SRV", ErrTemporary},
		{"IM-6 RES-3861-4-5 nor after the next protocol", "",
			"im:u@sf.example", nil, nil, "_im._xmpp.sf.example. SRV; _im._sip.sf.example. SRV", ErrTemporary},
		{"IM-7 RES-2782-7 a target without addresses is passed over", "",
			"im:u@noaddr.example", onlyXMPP, []string{"xmpp [2001:db8::1]:5269 a.example.com", "xmpp 192.0.2.1:5269 a.example.com"},
			"_im._xmpp.noaddr.example. SRV; gone.example. A; gone.example. AAAA; a.example.com. A; a.example.com. AAAA", nil},
		{"IM-8 RES-3861-4-4 nothing at all", "",
			"pres:u@nx.example", onlyXMPP, nil, "_pres._xmpp.nx.example. SRV; nx.example. A; nx.example. AAAA", ErrNoRecords},

		{"XC RES-NAPTR-0 RES-6120-1 RES-6120-3 RES-0368-1 both sets in one order, all addresses of a host before the next", "",
			"xmpp:example.net", nil, []string{
				"direct-tls [2001:db8::21]:5223 t.example.net", "direct-tls 192.0.2.21:5223 t.example.net",
				"starttls 192.0.2.20:5222 s.example.net",
				"direct-tls [2001:db8::21]:443 t.example.net", "direct-tls 192.0.2.21:443 t.example.net",
			}, nets + "; t.example.net. A; t.example.net. AAAA", nil},
		{"XC RES-0368-3 no TLS and nothing else published", "",
			"xmpp:notls.example", nil, nil, "_xmpps-client._tcp.notls.example. SRV; _xmpp-client._tcp.notls.example. SRV", ErrUnavailable},
		{"XC RES-0368-3 no direct TLS, but STARTTLS", "",
			"xmpp:half.example", nil, []string{"starttls 192.0.2.20:5222 s.example.net"},
			"_xmpps-client._tcp.half.example. SRV; _xmpp-client._tcp.half.example. SRV; s.example.net. A; s.example.net. AAAA", nil},
		{"XC RES-6120-2 switched off", "",
			"xmpp:off.example", nil, nil, "_xmpps-client._tcp.off.example. SRV; _xmpp-client._tcp.off.example. SRV", ErrUnavailable},
		{"XC RES-6120-5 no SRV: the domain itself, port 5222", "",
			"xmpp:bare.example", nil, []string{"starttls [2001:db8::23]:5222 bare.example", "starttls 203.0.113.23:5222 bare.example"},
			"_xmpps-client._tcp.bare.example. SRV; _xmpp-client._tcp.bare.example. SRV; bare.example. A; bare.example. AAAA", nil},
		{"XC RES-6120-5 nothing at all", "",
			"xmpp:nx.example", nil, nil, "_xmpps-client._tcp.nx.example. SRV; _xmpp-client._tcp.nx.example. SRV; nx.example. A; nx.example. AAAA", ErrNoRecords},

		{"RES-6120-6 a component: hosts of the client sets, each once, with the configured port", "component",
			"xmpp:example.net", nil, []string{
				"component [2001:db8::21]:5347 t.example.net", "component 192.0.2.21:5347 t.example.net", "component 192.0.2.20:5347 s.example.net",
			}, nets, nil},
		{"RES-6120-6 a component by im:", "component",
			"im:anybody@example.com", nil, []string{
				"component 192.0.2.3:5347 c.example.com", "component [2001:db8::1]:5347 a.example.com",
				"component 192.0.2.1:5347 a.example.com", "component 192.0.2.2:5347 b.example.com",
			}, "_im._xmpp.example.com. SRV" + comIM, nil},
		{"RES-6120-6 a component is at no SIP server", "component",
			"pres:anybody@example.com", nil, []string{"component 203.0.113.1:5347 example.com"},
			"_pres._xmpp.example.com. SRV; example.com. A; example.com. AAAA", nil},
		{"RES-6120-6 a component without SRV", "component",
			"xmpp:bare.example", nil, []string{"component [2001:db8::23]:5347 bare.example", "component 203.0.113.23:5347 bare.example"},
			"_xmpps-client._tcp.bare.example. SRV; _xmpp-client._tcp.bare.example. SRV; bare.example. A; bare.example. AAAA", nil},
		{"RES-6120-2 a component where XMPP is switched off", "component",
			"xmpp:off.example", nil, nil, "_xmpps-client._tcp.off.example. SRV; _xmpp-client._tcp.off.example. SRV", ErrUnavailable},
	}
}

func TestVectors(t *testing.T) {
	for _, v := range vectors() {
		t.Run("V-1 "+v.rule, func(t *testing.T) {
			r := newRig(t, zones)
			r.cfg.Protocols = v.protocols
			res, err := r.find(v.how, v.uri)
			if !errors.Is(err, v.err) {
				t.Errorf("error %v, want %v", err, v.err)
			}
			r.want(res, v.targets, strings.Split(v.queries, "; "))
		})
	}
}

// The same with a server that behaves as recursive ones do.
func TestAliasInTheAnswer(t *testing.T) {
	t.Run("IM-4 RES-3861-4-2 the answer holds the end of the chain", func(t *testing.T) {
		r := newRig(t, zones, resolvertest.Chase)
		r.cfg.Protocols = onlyXMPP
		res, err := r.find("", "im:u@cn.example")
		if err != nil {
			t.Fatal(err)
		}
		r.want(res, comTargets, strings.Split("_im._xmpp.cn.example. SRV"+comIM, "; "))
		if out := res.Trace.Steps[0].Outcome; out != "3 records, by alias of _im._xmpp.example.com" {
			t.Errorf("trace: %s", out)
		}
	})
}

func TestVectorsSayWhichFailure(t *testing.T) {
	for uri, want := range map[string]string{
		"im:u@dot.example":  "service decidedly not available (target .)",
		"im:u@sf.example":   "temporary: SERVFAIL _im._xmpp.sf.example. SRV",
		"pres:u@nx.example": "no records",
	} {
		r := newRig(t, zones)
		r.cfg.Protocols = onlyXMPP
		_, err := r.find("", uri)
		if err == nil || !strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), "; ") {
			t.Errorf("%s: %v, want %s and what to do", uri, err, want)
		}
	}
}
