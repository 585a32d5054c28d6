package bridge

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"meshbridge/bridge/config"
	"meshbridge/resolver"
	"meshbridge/resolver/resolvertest"
	"meshbridge/resolver/uri"
)

// zone is a resolver whose answers a test gives.
type zone struct {
	mu      sync.Mutex // for asked: lookups run beside each other
	asked   []uri.URI
	release chan struct{} // nil: answers come at once
	ttl     time.Duration
	err     error
}

func (d *zone) ask(ctx context.Context, u uri.URI) (resolver.Result, error) {
	d.mu.Lock()
	d.asked = append(d.asked, u)
	d.mu.Unlock()
	if d.release != nil {
		select {
		case <-d.release:
		case <-ctx.Done():
			return resolver.Result{}, ctx.Err()
		}
	}
	return resolver.Result{Targets: []resolver.Target{
		{Transport: resolver.StartTLS, Address: netip.MustParseAddrPort("192.0.2.1:5222"), Host: "x.example.net", TTL: d.ttl},
		{Transport: resolver.StartTLS, Address: netip.MustParseAddrPort("192.0.2.2:5222"), Host: "y.example.net", TTL: time.Hour},
	}}, d.err
}

func TestLookups(t *testing.T) {
	const admin, uriField, net = bossJID + "/x", "uri", "xmpp:bob@example.net"
	both := []string{"starttls | 192.0.2.1:5222 | x.example.net", "starttls | 192.0.2.2:5222 | y.example.net"}
	synctestRun(t, "GW-20 an address is resolved when the DNS has answered, and asks for nothing of the person", func(t *testing.T) {
		c, d := commanded(t), &zone{release: make(chan struct{}), ttl: time.Minute}
		c.lookups.ask = d.ask
		if list := c.fills(admin, "resolve", uriField, net); len(list) != 0 {
			t.Fatalf("%+v", list)
		}
		c.rest(10 * time.Second)
		close(d.release)
		c.rest(time.Second)
		wantWords(t, "found", rowsOf(c.stepOf(c.session.take())), both...)
		if len(d.asked) != 1 || d.asked[0] != (uri.URI{Scheme: "xmpp", Domain: "example.net"}) {
			t.Errorf("asked for %+v", d.asked)
		}
	})
	synctestRun(t, "PRIV-4 the same name within its TTL is asked once, also by two at the same time; nobody asks: no question", func(t *testing.T) {
		c, d := commanded(t), &zone{ttl: time.Minute}
		c.lookups.ask = d.ask
		c.rest(10 * time.Minute)
		if len(d.asked) != 0 {
			t.Errorf("%d questions unasked", len(d.asked))
		}
		for _, typed := range []string{net, "XMPP:carol@EXAMPLE.net/desk", net} {
			list := c.fills(admin, "resolve", uriField, typed)
			c.rest(time.Second)
			wantWords(t, typed, rowsOf(c.stepOf(append(list, c.session.take()...))), both...)
		}
		if len(d.asked) != 1 {
			t.Errorf("%d questions within the TTL", len(d.asked))
		}
		c.rest(time.Minute)
		d.release = make(chan struct{})
		c.fills(admin, "resolve", uriField, net)
		c.fills(admin, "resolve", uriField, net)
		close(d.release)
		c.rest(time.Second)
		if n := len(c.session.take()); n != 2 || len(d.asked) != 2 {
			t.Errorf("%d answers, %d questions", n, len(d.asked))
		}
	})
	synctestRun(t, "PRIV-4 what nobody vouches for is asked again: no TTL, or no answer", func(t *testing.T) {
		c, d := commanded(t), &zone{}
		c.lookups.ask = d.ask
		for i := range 4 {
			if i == 2 {
				d.err = errors.New("nothing there")
			}
			list := c.fills(admin, "resolve", uriField, net)
			c.rest(time.Second)
			got := c.stepOf(append(list, c.session.take()...))
			if failed := noteOf(got) == "error: "+net+": nothing there."; failed != (i >= 2) {
				t.Errorf("%+v", got)
			}
		}
		if len(d.asked) != 4 {
			t.Errorf("%d questions", len(d.asked))
		}
	})
	synctestRun(t, "GW-14 GW-20 two lookups at a time, each answered within 30 s, and a third told to come back", func(t *testing.T) {
		c, d := commanded(t), &zone{release: make(chan struct{})}
		c.lookups.ask = d.ask
		c.fills(admin, "resolve", uriField, "xmpp:a.example.net")
		c.fills(admin, "resolve", uriField, "xmpp:b.example.net")
		if got := noteOf(c.stepOf(c.fills(admin, "resolve", uriField, "xmpp:c.example.net"))); !strings.HasPrefix(got, "error: ") || !strings.Contains(got, "try again") {
			t.Error(got)
		}
		c.rest(29 * time.Second)
		if n := len(c.session.take()); n != 2 {
			t.Errorf("%d answers", n)
		}
	})
	synctestRun(t, "GW-20 what is no such address is not asked for", func(t *testing.T) {
		c, d := commanded(t), &zone{}
		c.lookups.ask = d.ask
		for _, typed := range []string{"example.net", "http://example.net", "xmpp:", "tel:+12025550100", "xmpp:%zz"} {
			if got := noteOf(c.stepOf(c.fills(admin, "resolve", uriField, typed))); !strings.HasPrefix(got, "error: That is ") {
				t.Errorf("%s: %s", typed, got)
			}
		}
		if len(d.asked) != 0 {
			t.Errorf("asked for %v", d.asked)
		}
	})
	synctestRun(t, "GW-14 COMP-13 who waits for the DNS when the bridge ends is told so", func(t *testing.T) {
		c, d := commanded(t), &zone{release: make(chan struct{})}
		c.lookups.ask = d.ask
		c.fills(admin, "resolve", uriField, net)
		c.farewell()
		if got := noteOf(c.stepOf(c.session.take())); !strings.Contains(got, "ending") {
			t.Error(got)
		}
	})
	synctestRun(t, "PRIV-4 no more answers are remembered than there is room for", func(t *testing.T) {
		l := lookups{known: map[uri.URI]vouched{}}
		for i := range 3 * maxVouched {
			l.remember(uri.URI{Domain: string(rune('a' + i))}, resolver.Result{Targets: []resolver.Target{{TTL: time.Hour}}})
			if len(l.known) > maxVouched {
				t.Fatalf("%d are remembered", len(l.known))
			}
		}
	})
	t.Run("PRIV-4 GW-20 a real DNS server is asked once within the TTL of its records", func(t *testing.T) {
		server := resolvertest.Serve(t, serverZone)
		c := newCoreRig(t, func(cfg *config.Config) {
			cfg.Access.Admins = []string{bossJID}
			cfg.Resolver.Servers = []netip.AddrPort{server.Addr()}
		})
		c.up()
		resolve := func() []string {
			list := c.fills(admin, "resolve", uriField, "xmpp:bob@example.net")
			for len(list) == 0 {
				select {
				case ev := <-c.events:
					ev.apply(c.Gateway)
				case <-time.After(20 * time.Second):
					t.Fatal("no answer")
				}
				list = c.session.take()
			}
			return rowsOf(c.stepOf(list))
		}
		first := resolve()
		n := len(server.Asked())
		if len(first) != 3 || n == 0 {
			t.Fatalf("%q after %d questions", first, n)
		}
		wantWords(t, "the second time", resolve(), first...)
		if again := len(server.Asked()); again != n {
			t.Errorf("%d more questions", again-n)
		}
	})
}
