package mdns_test

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"meshbridge/linklocal/mdns"
	"meshbridge/linklocal/mdns/mdnstest"
)

func TestInterfacesComeAndGo(t *testing.T) {
	inOffice(t, "LL-3-27 an interface that comes back is probed, announced and asked on anew", func(t *testing.T, o *office) {
		n := o.node("pronto", "10.2.1.1").browse().up()
		defer n.stop()
		n.publish("juliet@pronto")
		pass(10 * time.Second)
		n.host.Detach("eth0")
		pass(10 * time.Second)
		want(t, "joined", len(n.Interfaces()), 0)
		o.ClearLog()
		n.host.Attach("lan", "eth0", "10.2.1.1")
		pass(5 * time.Second)
		want(t, "probes", len(o.asks("pronto", "pronto.local.", dns.TypeANY)), 3)
		want(t, "announcements", len(o.says("pronto", " SRV ")), 2)
		want(t, "questions", len(o.asks("pronto", presenceName, dns.TypePTR)) > 0, true)
		want(t, "joined", len(n.Interfaces()), 1)
	})
	inOffice(t, "LL-3-27 a new address is announced within 2 s, without probing", func(t *testing.T, o *office) {
		n := o.node("pronto", "10.2.1.1").up()
		defer n.stop()
		n.publish("juliet@pronto")
		pass(10 * time.Second)
		for _, addr := range []string{"10.2.1.77", "fe80::77"} {
			o.ClearLog()
			changed := time.Since(o.start)
			n.host.SetAddrs("eth0", "10.2.1.1", addr)
			pass(5 * time.Second)
			said := o.says("pronto", addr)
			if len(said) == 0 {
				t.Fatalf("%s not announced", addr)
			}
			within(t, "announced", said[0]-changed, 0, 2*time.Second)
			want(t, "probes", len(o.queries("pronto")), 0)
			want(t, "the other address with it", len(o.says("pronto", "A 10.2.1.1")) > 0, true)
		}
	})
	inOffice(t, "LL-3-27 peers of an interface that went age out of it alone", func(t *testing.T, o *office) {
		h := o.Host("gate", "10.2.1.1")
		h.Attach("wlan", "wlan0", "10.3.1.1")
		n := o.engine(h, mdns.Config{Host: "gate", Interfaces: []string{"eth0", "wlan0"}}).browse().up()
		defer n.stop()
		for k, link := range []string{"lan", "wlan"} {
			peer := o.Host("peer"+link, []string{}...)
			peer.Attach(link, "eth0", []string{"10.2.1.9", "10.3.1.9"}[k])
			p := o.engine(peer, mdns.Config{Host: "peer" + link}).up()
			defer p.stop()
			p.publish("x@" + link)
		}
		pass(10 * time.Second)
		want(t, "events", len(n.told()), 2)
		h.Detach("wlan0")
		pass(time.Minute)
		wantAll(t, "removed", n.told()[2:], "removed x@wlan")
	})
}

// twoPorts is a machine with two interfaces on one link.
func (o *office) twoPorts() *node {
	h := o.Host("gate", "10.2.1.1", "fe80::1")
	h.Attach(mdnstest.DefaultLink, "eth1", "10.2.1.2", "fe80::2")
	return o.engine(h, mdns.Config{Host: "gate", Interfaces: []string{"eth0", "eth1"}})
}

func TestNews(t *testing.T) {
	inOffice(t, "LL-3-27 a cable that is pulled and plugged in again between two looks is noticed", func(t *testing.T, o *office) {
		n := o.node("pronto", "10.2.1.1").browse().up()
		defer n.stop()
		n.publish("juliet@pronto")
		p := o.node("forza", "10.2.1.9").up()
		defer p.stop()
		p.publish("romeo@forza")
		pass(40 * time.Second)
		o.ClearLog()
		n.host.SetUp("eth0", false)
		pass(100 * time.Millisecond)
		want(t, "joined while it is pulled", len(n.Interfaces()), 0)
		n.host.SetUp("eth0", true)
		back := time.Since(o.start)
		pass(10 * time.Second)
		probes := o.asks("pronto", "pronto.local.", dns.TypeANY)
		want(t, "probes", len(probes), 3)
		within(t, "first probe", probes[0]-back, 0, 500*time.Millisecond)
		want(t, "announcements", len(o.says("pronto", " SRV ")), 2)
		want(t, "questions", len(o.asks("pronto", presenceName, dns.TypePTR)) > 0, true)
		pass(time.Minute)
		wantAll(t, "events", n.told(), "added romeo@forza")
	})
	inOffice(t, "LL-3-27 a new address is announced at once where changes are told", func(t *testing.T, o *office) {
		n := o.node("pronto", "10.2.1.1").up()
		defer n.stop()
		pass(40 * time.Second)
		changed := time.Since(o.start)
		n.host.SetAddrs("eth0", "10.2.1.77")
		pass(5 * time.Second)
		said := o.says("pronto", "10.2.1.77")
		if len(said) == 0 {
			t.Fatal("not announced")
		}
		within(t, "announced", said[0]-changed, 0, 10*time.Millisecond)
	})
	inOffice(t, "an idle router is left in peace, and many messages are one look", func(t *testing.T, o *office) {
		n := o.node("pronto", "10.2.1.1").up()
		defer n.stop()
		pass(time.Minute)
		before := n.host.Looks()
		pass(10 * time.Minute)
		want(t, "looks in ten idle minutes", n.host.Looks()-before, 20)
		before = n.host.Looks()
		for k := range 100 {
			n.host.SetAddrs("eth0", "10.2.1.1", []string{"10.2.1.2", "10.2.1.3"}[k%2])
			pass(10 * time.Millisecond)
		}
		if looks := n.host.Looks() - before; looks < 3 || looks > 5 {
			t.Errorf("%d looks in a second of news", looks)
		}
		pass(time.Second)
		want(t, "the last news counts", n.Published(1)[1].String(), "10.2.1.3")
	})
	inOffice(t, "what cannot be used yet is looked at often, told of or not", func(t *testing.T, o *office) {
		n := o.node("pronto", "10.2.1.1", "fe80::1")
		n.host.FailSend(mdns.IPv6, errors.New("tentative"))
		n.up()
		defer n.stop()
		pass(10 * time.Second)
		before := n.host.Looks()
		pass(15 * time.Second)
		want(t, "looks", n.host.Looks()-before, 10)
	})
	inOffice(t, "LL-3-27 where nothing is told it is found out in 2 s", func(t *testing.T, o *office) {
		n := o.node("pronto", "10.2.1.1")
		n.host.FailWatch(errors.ErrUnsupported)
		n.up()
		defer n.stop()
		pass(time.Minute)
		n.host.SetUp("eth0", false)
		pass(2 * time.Second)
		want(t, "joined", len(n.Interfaces()), 0)
		n.host.SetUp("eth0", true)
		pass(2 * time.Second)
		want(t, "joined", len(n.Interfaces()), 1)
	})
}

func TestOneLinkTwice(t *testing.T) {
	inOffice(t, "LL-11.1-5 RFC 6762 10.2: the address of a cable that was pulled ends at once, not in two minutes", func(t *testing.T, o *office) {
		n := o.twoPorts().up()
		defer n.stop()
		n.publish("juliet@gate")
		p := o.node("forza", "10.2.1.9", "fe80::9").browse().up()
		defer p.stop()
		pass(20 * time.Second)
		n.host.Detach("eth1")
		pass(4 * time.Second)
		ep, err := p.Resolve(context.Background(), presence, "juliet@gate", 1, false)
		want(t, "error", err, nil)
		for _, a := range ep.Addrs {
			want(t, "an address that is left: "+a.String(), a.WithZone("") == netip.MustParseAddr("10.2.1.1") || a.WithZone("") == netip.MustParseAddr("fe80::1"), true)
		}
		want(t, "addresses", len(ep.Addrs), 2)
		wantAll(t, "events", p.told(), "added juliet@gate")
	})
	inOffice(t, "one that is back within the second, or made anew, costs the others nothing", func(t *testing.T, o *office) {
		h := o.Host("gate", "10.2.1.1")
		h.Attach("wlan", "wlan0", "10.3.1.1")
		n := o.engine(h, mdns.Config{Host: "gate", Interfaces: []string{"eth0", "wlan0"}}).up()
		defer n.stop()
		pass(20 * time.Second)
		o.ClearLog()
		h.Detach("wlan0")
		pass(500 * time.Millisecond)
		h.Attach("wlan", "wlan0", "10.3.1.1")
		pass(20 * time.Second)
		for _, f := range o.frames("gate") {
			want(t, "a packet on", f.Interface, "wlan0")
		}
		want(t, "announcements", len(o.says("gate", "A 10.3.1.1")), 2)
	})
}

func TestSendFailures(t *testing.T) {
	inOffice(t, "LL-3-27 a family that could not send says everything once it can", func(t *testing.T, o *office) {
		n := o.node("pronto", "10.2.1.1", "fe80::1")
		n.host.FailSend(mdns.IPv6, errors.New("tentative"))
		n.up()
		defer n.stop()
		n.publish("juliet@pronto")
		pass(10 * time.Second)
		want(t, "announcements over IPv4", len(o.says("pronto", " PTR ")), 2)
		o.ClearLog()
		n.host.FailSend(mdns.IPv6, nil)
		pass(30 * time.Second)
		over6 := 0
		for _, f := range o.responses("pronto") {
			if f.Dst.Addr().Is6() {
				over6 += len(f.Answer)
			}
		}
		within(t, "records over IPv6", time.Duration(over6), 5, 15)
		want(t, "probes", len(o.asks("pronto", "pronto.local.", dns.TypeANY)), 0)
		o.ClearLog()
		pass(10 * time.Minute)
		want(t, "responses later", len(o.responses("pronto")), 0)
	})
}

func TestFamilies(t *testing.T) {
	for family, addrs := range map[string][2]string{"IPv6": {"fe80::1", "fe80::2"}, "IPv4": {"10.2.1.1", "10.2.1.2"}} {
		inOffice(t, "LL-11.1-8 LL-11.1-6 a LAN with "+family+" only works whole", func(t *testing.T, o *office) {
			a := o.node("a", addrs[0]).up()
			defer a.stop()
			p := a.publish("juliet@a", "n=1")
			b := o.node("b", addrs[1]).browse().up()
			defer b.stop()
			pass(5 * time.Second)
			p.SetTXT([]string{"n=2"})
			pass(5 * time.Second)
			ep, err := b.Resolve(context.Background(), presence, "juliet@a", 1, true)
			want(t, "error", err, nil)
			want(t, "addresses", len(ep.Addrs), 1)
			if family == "IPv6" {
				want(t, "zone", ep.Addrs[0].Zone(), "eth0")
			}
			p.Withdraw()
			pass(5 * time.Second)
			wantAll(t, "events", b.told(), "added juliet@a", "changed juliet@a", "removed juliet@a")
			lacks := map[string]uint16{"IPv6": dns.TypeA, "IPv4": dns.TypeAAAA}[family]
			for _, f := range o.frames("") {
				want(t, "packets of the other family", f.Dst.Addr().Is6(), family == "IPv6")
				for _, r := range slices.Concat(f.Answer, f.Ns, f.Extra) {
					want(t, "addresses of the other family", r.Header().Rrtype == lacks, false)
				}
			}
		})
	}
	inOffice(t, "the loopback speaks IPv4 with 127.0.0.1", func(t *testing.T, o *office) {
		h := o.Host("demo")
		h.Attach("lo", "lo", "127.0.0.1/8", "::1/128")
		n := o.engine(h, mdns.Config{Host: "demo", Interfaces: []string{"lo"}}).up()
		defer n.stop()
		pass(5 * time.Second)
		want(t, "published", n.Published(1)[0].String(), "127.0.0.1")
		for _, s := range o.Log() {
			want(t, "IPv4", s.Dst.Addr().Is4(), true)
		}
	})
}

func TestLossyLAN(t *testing.T) {
	inOffice(t, "LL-11.3-2 a swallowed unicast answer is made up for by the next question", func(t *testing.T, o *office) {
		p := o.node("forza", "10.2.1.9").up()
		defer p.stop()
		p.publish("romeo@forza")
		pass(10 * time.Second)
		o.SetHooks(mdnstest.Hooks{Lose: func(s mdnstest.Sent) bool { return !s.Multicast() }})
		n := o.node("gate", "10.2.1.1").browse().up()
		defer n.stop()
		pass(3 * time.Second)
		wantAll(t, "events", n.told(), "added romeo@forza")
	})
	inOffice(t, "packets twice and late change nothing", func(t *testing.T, o *office) {
		o.SetHooks(mdnstest.Hooks{
			Duplicate: func(mdnstest.Sent) bool { return true },
			Delay:     func(mdnstest.Sent, string) time.Duration { return 80 * time.Millisecond },
		})
		a := o.node("a", "10.2.1.1").browse().up()
		b := o.node("b", "10.2.1.2").browse().up()
		pa := a.publish("juliet@a", "n=1")
		b.publish("romeo@b", "n=1")
		pass(10 * time.Second)
		pa.SetTXT([]string{"n=2"})
		pass(10 * time.Second)
		a.stop()
		pass(10 * time.Second)
		wantAll(t, "b", b.told(), "added juliet@a", "changed juliet@a", "removed juliet@a")
		wantAll(t, "a", a.told(), "added romeo@b")
		b.stop()
	})
}

func TestRunAndNew(t *testing.T) {
	inOffice(t, "Run fails at once when the port is not to be had", func(t *testing.T, o *office) {
		n := o.node("pronto", "10.2.1.1")
		held := errors.New("port 5353 is held")
		n.host.FailOpen(held)
		want(t, "error", n.Run(context.Background()), held)
		if err := n.Run(context.Background()); err == nil || !strings.Contains(err.Error(), "twice") {
			t.Errorf("second Run: %v", err)
		}
	})
	t.Run("New refuses what cannot be a host name", func(t *testing.T) {
		for _, host := range []string{"-a", "a-", "a.b", "a b", "ü", strings.Repeat("x", 64)} {
			if _, err := mdns.New(mdns.Config{Host: host, Interfaces: []string{"eth0"}}); err == nil {
				t.Errorf("%q taken", host)
			}
		}
		if _, err := mdns.New(mdns.Config{Host: "a"}); err == nil {
			t.Error("no interface taken")
		}
	})
	inOffice(t, "what cannot be published fails with a reason", func(t *testing.T, o *office) {
		n := o.node("pronto", "10.2.1.1").up()
		defer n.stop()
		n.publish("")
		n.publish(strings.Repeat("x", 64))
		pass(time.Second)
		want(t, "states", len(n.status()), 2)
		for _, s := range n.states {
			want(t, "state", s.State, mdns.Failed)
			want(t, "a reason", s.Err != nil, true)
		}
	})
	for state, text := range map[mdns.State]string{mdns.Probing: "probing", mdns.Failed: "failed", 99: "unknown"} {
		want(t, "state", state.String(), text)
	}
	want(t, "kind", mdns.EventKind(9).String(), "unknown")
}

func TestAddressChange(t *testing.T) {
	inOffice(t, "LL-3-27 RFC 6762 8.3: the second announcement leaves a second after the first, so that the old address ends whenever it was last told", func(t *testing.T, o *office) {
		n := o.node("pronto", "10.2.1.1").up()
		defer n.stop()
		pass(10 * time.Second)
		s := o.stranger("10.2.1.9")
		s.asks("pronto.local.", dns.TypeA)
		n.host.SetAddrs("eth0", "10.2.1.77") // while the answer is on its way
		pass(5 * time.Second)
		old, said := o.says("pronto", "A 10.2.1.1"), o.says("pronto", "A 10.2.1.77")
		if len(said) != 2 {
			t.Fatalf("announced %d times", len(said))
		}
		within(t, "from the last word of the old address", said[1]-old[len(old)-1], time.Second+1, 2*time.Second)
		within(t, "between the two", said[1]-said[0], time.Second, 2*time.Second)
	})
}
