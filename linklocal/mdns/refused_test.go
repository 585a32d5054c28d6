package mdns_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"

	"meshbridge/linklocal/mdns"
	"meshbridge/linklocal/mdns/mdnstest"
)

// A refusal is something that must not be believed, and the rule that says so.
type refusal struct {
	rule, what string
	send       func(t *testing.T, o *office, n *node)
	counted    bool
}

func newcomer(t *testing.T) dns.RR {
	return rr(t, "_presence._tcp.local. 4500 IN PTR romeo@forza._presence._tcp.local.")
}

// badResponses come from the wrong port or place, or are no mDNS.
func badResponses() []refusal {
	return []refusal{
		{"LL-11.3-1", "a response from port 5354", func(t *testing.T, o *office, n *node) {
			s := o.stranger("10.2.1.9")
			s.addr = netip.AddrPortFrom(s.addr.Addr(), 5354)
			s.says(newcomer(t))
		}, true},
		{"LL-11.3-1", "a unicast response without a question", func(t *testing.T, o *office, n *node) {
			pass(time.Minute)
			s := o.stranger("10.2.1.9")
			s.to = netip.MustParseAddrPort("10.2.1.1:5353")
			s.says(newcomer(t))
		}, true},
		{"LL-11.3-1", "a unicast response from off the link", func(t *testing.T, o *office, n *node) {
			n.Browse("_other._tcp", func(mdns.Event) {}) // asks QU, so that unicasts are awaited
			pass(200 * time.Millisecond)
			s := o.stranger("203.0.113.9")
			s.to = netip.MustParseAddrPort("10.2.1.1:5353")
			s.says(newcomer(t))
		}, true},
		{"LL-11.3-4", "an odd opcode", func(t *testing.T, o *office, n *node) {
			o.stranger("10.2.1.9").send(&dns.Msg{MsgHdr: dns.MsgHdr{Response: true, Opcode: 5}, Answer: []dns.RR{newcomer(t)}})
		}, true},
		{"LL-11.3-4", "a non-zero rcode", func(t *testing.T, o *office, n *node) {
			o.stranger("10.2.1.9").send(&dns.Msg{MsgHdr: dns.MsgHdr{Response: true, Rcode: 3}, Answer: []dns.RR{newcomer(t)}})
		}, true},
	}
}

// badPackets are from elsewhere, or damaged.
func badPackets() []refusal {
	return []refusal{
		{"SEC-8", "an interface that is not configured", func(t *testing.T, o *office, n *node) {
			n.host.Attach("wan", "eth1", "203.0.113.1")
			pass(5 * time.Second)
			o.Inject("wan", mdns.Packet{Src: netip.MustParseAddrPort("203.0.113.9:5353"), Dst: netip.MustParseAddrPort("203.0.113.1:5353"), Data: make([]byte, 12)})
		}, true},
		{"M1", "a unicast question from off the link", func(t *testing.T, o *office, n *node) {
			s := o.stranger("203.0.113.9")
			s.to = netip.MustParseAddrPort("10.2.1.1:5353")
			s.asks("_presence._tcp.local.", dns.TypePTR)
		}, true},
		{"M4", "nine kilobytes and more", func(t *testing.T, o *office, n *node) {
			o.stranger("10.2.1.9").raw(make([]byte, 9001))
		}, true},
		{"M4", "more records than octets", func(t *testing.T, o *office, n *node) {
			o.stranger("10.2.1.9").raw([]byte{0, 0, 0x84, 0, 0, 0, 0, 200, 0, 0, 0, 0})
		}, true},
		{"M4", "a pointer to itself", func(t *testing.T, o *office, n *node) {
			o.stranger("10.2.1.9").raw([]byte{0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xC0, 12, 0, 12, 0, 1})
		}, true},
		{"M4", "a pointer forward", func(t *testing.T, o *office, n *node) {
			o.stranger("10.2.1.9").raw([]byte{0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xC0, 18, 0, 12, 0, 1, 1, 'a', 0})
		}, true},
		{"M3", "a CNAME loop", func(t *testing.T, o *office, n *node) {
			o.stranger("10.2.1.9").says(rr(t, "a.local. 10 IN CNAME b.local."), rr(t, "b.local. 10 IN CNAME a.local."))
		}, false},
	}
}

func TestRefusedPackets(t *testing.T) {
	for _, c := range append(badResponses(), badPackets()...) {
		settled(t, c.rule+" ignored: "+c.what, func(t *testing.T, o *office, n *node) {
			n.browse()
			pass(10 * time.Second)
			o.ClearLog()
			c.send(t, o, n)
			pass(200 * time.Millisecond)
			want(t, "events", len(n.told()), 0)
			want(t, "counted", n.count(c.rule) > 0, c.counted)
			want(t, "answers", len(o.responses("pronto")), 0)
			o.stranger("10.2.1.8").says(newcomer(t))
			pass(10 * time.Second)
			wantAll(t, "and it goes on", n.told(), "added romeo@forza")
		})
	}
	settled(t, "LL-11.3-1 a unicast answer to a QU question is taken, once it was asked", func(t *testing.T, o *office, n *node) {
		n.browse()
		pass(200 * time.Millisecond)
		s := o.stranger("10.2.1.9")
		s.to = netip.MustParseAddrPort("10.2.1.1:5353")
		s.says(s.peer("romeo@forza", "forza", `"a=1"`)...)
		wantAll(t, "events", n.told(), "added romeo@forza")
	})
	settled(t, "LL-11.3-1 a multicast response from another subnet is taken", func(t *testing.T, o *office, n *node) {
		n.browse()
		o.stranger("203.0.113.9").says(o.stranger("203.0.113.9").peer("romeo@forza", "forza", `"a=1"`)...)
		pass(time.Second)
		wantAll(t, "events", n.told(), "added romeo@forza")
	})
}

func TestWhereItGoes(t *testing.T) {
	inOffice(t, "LL-11.3-3 SEC-8 M1 all goes to the groups of configured interfaces, nothing to others", func(t *testing.T, o *office) {
		h := o.Host("router", "10.2.1.1", "fe80::1")
		h.Attach("wan", "wan0", "203.0.113.1/24", "fe80::2")
		n := o.engine(h, mdns.Config{Host: "router"}).browse().up()
		n.publish("alice@office")
		pass(time.Minute)
		n.stop()
		families := map[string]int{}
		for _, s := range o.Log() {
			want(t, "interface", s.Interface, "eth0")
			families[s.Dst.String()]++
			src := netip.MustParseAddrPort("10.2.1.1:5353")
			if s.Dst.Addr().Is6() {
				src = netip.MustParseAddrPort("[fe80::1]:5353")
			}
			want(t, "source", s.Src, src)
		}
		want(t, "groups", len(families), 2)
		want(t, "IPv4 and IPv6 alike", families["224.0.0.251:5353"], families["[ff02::fb]:5353"])
	})
	inOffice(t, "M2 two gateways and a reflector: packets stay bounded", func(t *testing.T, o *office) {
		a := o.node("a", "10.2.1.1").browse().up()
		b := o.node("b", "10.2.1.2").browse().up()
		for k := range 3 {
			a.publish(fmt.Sprintf("p%d@a", k), "gw=1")
			b.publish(fmt.Sprintf("p%d@b", k), "gw=2")
		}
		reflect := func(s mdnstest.Sent) bool { return s.Host != "" }
		o.SetHooks(mdnstest.Hooks{Duplicate: reflect})
		pass(time.Minute)
		if k := len(o.Log()); k > 60 {
			t.Errorf("%d packets in a minute", k)
		}
		want(t, "a sees", len(a.told()), 3)
		want(t, "b sees", len(b.told()), 3)
		a.stop()
		b.stop()
	})
}
