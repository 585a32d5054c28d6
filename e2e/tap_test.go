//go:build linux

package e2e

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// A tap is one more computer on the LAN that only listens: it hears all
// multicast DNS, as everybody does, and answers nothing.
type tap struct{ heard *journal[heard] }

// A heard record stood in one mDNS packet.
type heard struct {
	at       time.Time
	from     netip.Addr
	response bool   // else a question's known answer or a probe's claim
	instance string // of PTR, SRV, TXT and NULL records of _presence._tcp
	rr       dns.RR // class with the cache-flush bit
}

func (h heard) String() string {
	kind := "query"
	if h.response {
		kind = "response"
	}
	return fmt.Sprintf("%s %s %s: %s", h.at.Format("05.000"), h.from, kind, h.rr)
}

const (
	mdnsPort    = 5353
	serviceName = "_presence._tcp.local."
)

// newTap plugs the tap in and begins to listen on both address families.
func newTap(t testing.TB, o *office) *tap {
	t.Helper()
	n := o.plug(t, "tap")
	if o.family.v4() {
		n.ip(t, "addr", "add", "10.77.2.9/24", "dev", "eth0")
	}
	p := &tap{heard: newJournal[heard]()}
	if o.family.v4() {
		p.listen(t, n, "udp4", net.IPv4(224, 0, 0, 251))
	}
	if o.family.v6() {
		n.linkLocal(t, "eth0")
		p.listen(t, n, "udp6", net.ParseIP("ff02::fb"))
	}
	return p
}

func (p *tap) listen(t testing.TB, n *namespace, network string, group net.IP) {
	t.Helper()
	var conn *net.UDPConn
	err := n.do(func() error {
		eth0, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		conn, err = net.ListenMulticastUDP(network, eth0, &net.UDPAddr{IP: group, Port: mdnsPort, Zone: "eth0"})
		return err
	})
	if err != nil {
		t.Fatalf("listening on %v: %v", group, err)
	}
	t.Cleanup(func() { conn.Close() })
	go p.read(conn)
}

// read files every record of every packet until the socket is closed.
func (p *tap) read(conn *net.UDPConn) {
	packet := make([]byte, 9000)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(packet)
		if err != nil {
			return
		}
		at := time.Now()
		msg := new(dns.Msg)
		if msg.Unpack(packet[:n]) != nil {
			continue
		}
		var told []heard
		for _, rr := range slices.Concat(msg.Answer, msg.Ns, msg.Extra) {
			told = append(told, heard{at, from.Addr().Unmap().WithZone(""), msg.Response, instanceOf(rr), rr})
		}
		p.heard.add(told...) // whoever waits for a record finds those beside it
	}
}

// instanceOf names the chat instance that a record is about; "" for others.
func instanceOf(rr dns.RR) string {
	name := rr.Header().Name
	if ptr, ok := rr.(*dns.PTR); ok && strings.EqualFold(name, serviceName) {
		name = ptr.Ptr
	}
	labels := dns.SplitDomainName(name)
	if len(labels) < 2 || !strings.EqualFold(strings.Join(labels[1:], ".")+".", serviceName) {
		return ""
	}
	return unescape(labels[0])
}

// unescape turns a label from presentation form into its bytes (RFC 1035
// section 5.1).
func unescape(label string) string {
	var b strings.Builder
	for i := 0; i < len(label); i++ {
		if label[i] != '\\' || i+1 == len(label) {
			b.WriteByte(label[i])
			continue
		}
		i++
		var code int
		if n, _ := fmt.Sscanf(label[i:min(i+3, len(label))], "%03d", &code); n == 1 && i+3 <= len(label) && code < 256 && label[i] >= '0' && label[i] <= '9' {
			b.WriteByte(byte(code))
			i += 2
			continue
		}
		b.WriteByte(label[i])
	}
	return b.String()
}

// announces matches the PTR record that shows an instance.
func announces(instance string) func(heard) bool {
	return func(h heard) bool { return h.ptr(instance) && h.rr.Header().Ttl > 0 }
}

// withdraws matches the goodbye of an instance.
func withdraws(instance string) func(heard) bool {
	return func(h heard) bool { return h.ptr(instance) && h.rr.Header().Ttl == 0 }
}

// tells matches an IPv4 address that a host announces.
func tells(address string) func(heard) bool {
	return func(h heard) bool {
		a, ok := h.rr.(*dns.A)
		return ok && h.response && h.rr.Header().Ttl > 0 && a.A.String() == address
	}
}

func (h heard) ptr(instance string) bool {
	return h.response && h.rr.Header().Rrtype == dns.TypePTR && strings.EqualFold(h.instance, instance)
}

// about matches every record, asked or answered, of an instance that ends so.
func about(suffix string) func(heard) bool {
	return func(h heard) bool { return strings.HasSuffix(strings.ToLower(h.instance), suffix) }
}

// txt returns the last TXT strings heard of an instance.
func (p *tap) txt(instance string) []string {
	all := p.heard.all()
	for _, h := range slices.Backward(all) {
		if txt, ok := h.rr.(*dns.TXT); ok && h.response && strings.EqualFold(h.instance, instance) {
			return txt.Txt
		}
	}
	return nil
}

// where returns the addresses and the port at which an instance was last said
// to be, as a client would resolve them.
func (p *tap) where(t testing.TB, instance string) []netip.AddrPort {
	t.Helper()
	all := p.heard.all()
	var srv *dns.SRV
	for _, h := range all {
		if s, ok := h.rr.(*dns.SRV); ok && h.response && strings.EqualFold(h.instance, instance) && s.Hdr.Ttl > 0 {
			srv = s
		}
	}
	if srv == nil {
		t.Fatalf("nobody announced where %s is", instance)
	}
	var found []netip.AddrPort
	for _, h := range all {
		if !h.response || !strings.EqualFold(h.rr.Header().Name, srv.Target) {
			continue
		}
		var ip net.IP
		switch rr := h.rr.(type) {
		case *dns.A:
			ip = rr.A
		case *dns.AAAA:
			ip = rr.AAAA
		}
		if addr, ok := netip.AddrFromSlice(ip); ok {
			if at := netip.AddrPortFrom(addr.Unmap(), srv.Port); !slices.Contains(found, at) {
				found = append(found, at)
			}
		}
	}
	if len(found) == 0 {
		t.Fatalf("nobody announced an address of %s, where %s is", srv.Target, instance)
	}
	return found
}

// dump prints the chat records heard last.
func (p *tap) dump(t testing.TB) {
	if p == nil {
		return
	}
	all := p.heard.all()
	t.Logf("---- tap: %d records heard", len(all))
	for _, h := range all[max(0, len(all)-printed):] {
		t.Log(h)
	}
}

// save writes all that was heard into folder.
func (p *tap) save(folder string) error {
	var b strings.Builder
	if p != nil {
		for _, h := range p.heard.all() {
			fmt.Fprintln(&b, h)
		}
	}
	return os.WriteFile(filepath.Join(folder, "tap.log"), []byte(b.String()), 0o644)
}
