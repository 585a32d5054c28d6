package resolver

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"meshbridge/resolver/resolvertest"
	"meshbridge/resolver/uri"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// zones are those of the worked values.
const zones = `
_im._xmpp.example.com. 300 IN SRV 10 0 5269 a.example.com.
_im._xmpp.example.com. 300 IN SRV 10 5 5269 b.example.com.
_im._xmpp.example.com. 300 IN SRV 5 0 5270 c.example.com.
example.com. 300 IN A 203.0.113.1
a.example.com. 300 IN A 192.0.2.1
a.example.com. 300 IN AAAA 2001:db8::1
b.example.com. 300 IN A 192.0.2.2
c.example.com. 300 IN A 192.0.2.3
_pres._sip.example.com. 300 IN SRV 0 0 5060 simple.example.com.
simple.example.com. 300 IN A 192.0.2.9
_im._xmpp.dot.example. 300 IN SRV 0 0 0 .
dot.example. 300 IN A 203.0.113.5
_im._xmpp.cn.example. 300 IN CNAME _im._xmpp.example.com.
plain.example. 300 IN A 203.0.113.7
SERVFAIL _im._xmpp.sf.example.
sf.example. 300 IN A 203.0.113.8
_im._xmpp.noaddr.example. 300 IN SRV 0 0 5269 gone.example.
_im._xmpp.noaddr.example. 300 IN SRV 1 0 5269 a.example.com.

_xmpps-client._tcp.example.net. 300 IN SRV 5 1 5223 t.example.net.
_xmpps-client._tcp.example.net. 300 IN SRV 20 1 443 t.example.net.
_xmpp-client._tcp.example.net. 300 IN SRV 10 1 5222 s.example.net.
s.example.net. 300 IN A 192.0.2.20
t.example.net. 300 IN AAAA 2001:db8::21
t.example.net. 300 IN A 192.0.2.21
example.net. 300 IN A 203.0.113.20
_xmpps-client._tcp.notls.example. 300 IN SRV 0 0 0 .
notls.example. 300 IN A 203.0.113.21
_xmpps-client._tcp.half.example. 300 IN SRV 0 0 0 .
_xmpp-client._tcp.half.example. 300 IN SRV 0 0 5222 s.example.net.
_xmpp-client._tcp.off.example. 300 IN SRV 0 0 0 .
off.example. 300 IN A 203.0.113.22
bare.example. 300 IN A 203.0.113.23
bare.example. 300 IN AAAA 2001:db8::23
`

// rig is a resolver that asks one server of the test, without chance.
type rig struct {
	t      *testing.T
	server *resolvertest.Server
	cfg    Config
}

func newRig(t *testing.T, zone string, options ...resolvertest.Option) *rig {
	s := resolvertest.Serve(t, zone, options...)
	return &rig{t: t, server: s, cfg: Config{
		Servers: []netip.AddrPort{s.Addr()}, Roll: func(int) int { return 0 },
	}}
}

// find resolves what a URI names, by its scheme. A scheme of its own, "server",
// stands for what another server would do, and "component" for Component with port
// 5347.
func (r *rig) find(scheme, text string) (Result, error) {
	r.t.Helper()
	u, err := uri.Parse(text)
	if err != nil {
		r.t.Fatal(err)
	}
	res := New(r.cfg)
	ctx, cancel := context.WithTimeout(r.t.Context(), 20*time.Second)
	defer cancel()
	switch {
	case scheme == "component":
		return res.Component(ctx, u, 5347)
	case scheme == "server":
		return res.Server(ctx, u.Domain)
	case u.Scheme == uri.XMPP:
		return res.Client(ctx, u.Domain)
	case u.Scheme == uri.SRV:
		return res.Set(ctx, u)
	}
	return res.Presentity(ctx, u)
}

// want compares a result with its targets and questions, and the questions with
// what the server heard.
func (r *rig) want(res Result, targets, queries []string) {
	r.t.Helper()
	if diff := cmp.Diff(targets, lines(res)); diff != "" {
		r.t.Errorf("targets (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(queries, res.Queries); diff != "" {
		r.t.Errorf("questions (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(queries, r.server.Asked()); diff != "" {
		r.t.Errorf("questions that the server heard (-want +got):\n%s", diff)
	}
}

// lines are the targets as the worked values write them.
func lines(res Result) (list []string) {
	for _, t := range res.Targets {
		list = append(list, string(t.Transport)+" "+t.Address.String()+" "+t.Host)
	}
	return list
}
