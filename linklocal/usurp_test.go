package linklocal_test

import (
	"bytes"
	"net/netip"
	"strings"

	"github.com/miekg/dns"

	"meshbridge/linklocal"
	"meshbridge/linklocal/mdns"
)

// usurp puts a host on the LAN that claims an instance, answers every probe for it
// and never gives way, until the function it returns is called.
func (o *office) usurp(instance string) (giveWay func()) {
	o.t.Helper()
	h := o.Host("usurper", "10.2.1.250/24")
	is, _ := h.Interfaces()
	conn, err := h.Open()
	if err != nil {
		o.t.Fatal(err)
	}
	if err := conn.Join(is[0], mdns.IPv4); err != nil {
		o.t.Fatal(err)
	}
	claim := mdns.Packet{
		Data: srvOf(o, instance), IfIndex: is[0].Index, Dst: netip.MustParseAddrPort("224.0.0.251:5353"),
	}
	label := append([]byte{byte(len(instance))}, instance...)
	go func() {
		for {
			p, err := conn.Receive(mdns.IPv4)
			if err != nil {
				return
			}
			question := len(p.Data) > 2 && p.Data[2]&0x80 == 0
			if question && bytes.Contains(p.Data, label) {
				_ = conn.Send(claim, netip.MustParseAddr("10.2.1.250"))
			}
		}
	}()
	_ = conn.Send(claim, netip.MustParseAddr("10.2.1.250"))
	return func() { conn.Close() }
}

// srvOf is a response that says that an instance is somewhere else.
func srvOf(o *office, instance string) []byte {
	o.t.Helper()
	label := strings.NewReplacer(`\`, `\\`, ".", `\.`).Replace(instance)
	m := dns.Msg{MsgHdr: dns.MsgHdr{Response: true, Authoritative: true}}
	m.Answer = []dns.RR{&dns.SRV{
		Hdr:    dns.RR_Header{Name: label + "." + linklocal.ServiceType + ".local.", Rrtype: dns.TypeSRV, Class: dns.ClassINET | 0x8000, Ttl: 120},
		Target: "usurper.local.", Port: 5298,
	}}
	data, err := m.Pack()
	if err != nil {
		o.t.Fatal(err)
	}
	return data
}
