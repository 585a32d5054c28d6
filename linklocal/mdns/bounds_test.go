package mdns

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// MaxInstances is for tests from outside.
const MaxInstances = maxInstances

// deaf is a network with one interface that swallows everything.
type deaf struct{ sent int }

func (d *deaf) Interfaces() ([]Interface, error) {
	return []Interface{{Index: 1, Name: "eth0", Addrs: []netip.Prefix{
		netip.MustParsePrefix("10.2.1.1/16"), netip.MustParsePrefix("fe80::1/64")}}}, nil
}
func (d *deaf) Open() (Conn, error)            { return d, nil }
func (d *deaf) Families() []Family             { return []Family{IPv4, IPv6} }
func (d *deaf) Join(Interface, Family) error   { return nil }
func (d *deaf) Leave(Interface, Family) error  { return nil }
func (d *deaf) Receive(Family) (Packet, error) { return Packet{}, net.ErrClosed }
func (d *deaf) Close() error                   { return nil }
func (d *deaf) Send(Packet, netip.Addr) error  { d.sent++; return nil }

// still is an engine that does not run: packets are put into it by hand. It owns
// juliet@pronto, probes for another name, browses and looks something up.
func still(t testing.TB) (*Engine, map[string]int) {
	t.Helper()
	counts := map[string]int{}
	e, err := New(Config{Interfaces: []string{"eth0"}, Host: "pronto", Network: &deaf{}, Count: func(r string) { counts[r]++ }})
	if err != nil {
		t.Fatal(err)
	}
	e.conn, _ = e.network.Open()
	e.now = time.Unix(1e9, 0)
	e.reconcile()
	e.Browse("_presence._tcp", func(Event) {})
	e.Publish(Service{Type: "_presence._tcp", Instance: "juliet@pronto", Port: 1})
	e.readMail()
	forward(e, 5*time.Second)
	e.Publish(Service{Type: "_presence._tcp", Instance: "nurse@pronto", Port: 1})
	e.readMail()
	e.lookup(&lookup{name: instanceName(t, "romeo@forza"), done: func(Endpoint, error) {}}, 1, false)
	e.fetch(&fetch{name: instanceName(t, "romeo@forza"), gap: retransmitFirst, fits: func(data string) bool { return data == "\x01icon" }, done: func(string, error) {}}, 1)
	return e, counts
}

// forward lets time go by for a still engine.
func forward(e *Engine, d time.Duration) {
	for end := e.now.Add(d); e.now.Before(end); e.now = e.now.Add(10 * time.Millisecond) {
		e.agenda.ring(e.now)
		e.flush()
	}
}

func from(src string, data []byte) Packet {
	return Packet{Data: data, IfIndex: 1, Src: netip.MustParseAddrPort(src), Dst: netip.AddrPortFrom(groupIPv4, Port)}
}

// shown is an engine that has seen Benvolio, and what he says of himself: a record of each type.
func shown(t *testing.T) (e *Engine, told *[]Event, ptr, txt record) {
	e, _ = still(t)
	told = new([]Event)
	e.Browse("_presence._tcp", func(ev Event) { *told = append(*told, ev) })
	e.readMail()
	forward(e, time.Second)
	typ, _ := typeName("_presence._tcp")
	benvolio := instanceName(t, "benvolio@verona")
	ptr = record{name: typ, typ: typePTR, class: classIN, ttl: 4500, data: string(benvolio)}
	txt = record{name: benvolio, typ: typeTXT, class: classIN | topBit, ttl: 4500, data: "\x03a=1"}
	e.receive(from("10.2.1.9:5353", wirePacket(0x8400, nil, []record{ptr, txt})))
	forward(e, 2*time.Second)
	if len(*told) != 1 {
		t.Fatalf("told %+v", *told)
	}
	return e, told, ptr, txt
}

func TestFullAndFlushed(t *testing.T) {
	t.Run("M5 LL-5-2 a status that changes while the memory is full is a change and no departure", func(t *testing.T) {
		e, told, _, txt := shown(t)
		e.ifaces[0].cache.octets += maxCacheOctets
		txt.data = "\x03a=2"
		e.receive(from("10.2.1.9:5353", wirePacket(0x8400, nil, []record{txt})))
		forward(e, 5*time.Second)
		if len(*told) != 2 || (*told)[1].Kind != Changed {
			t.Errorf("told %+v", *told)
		}
	})
	t.Run("LL-4-1 nobody flushes the PTR records of all", func(t *testing.T) {
		e, told, ptr, _ := shown(t)
		ptr.class, ptr.data = classIN|topBit, string(instanceName(t, "mallory@forza"))
		e.receive(from("10.2.1.66:5353", wirePacket(0x8400, nil, []record{ptr})))
		forward(e, 5*time.Second)
		for _, ev := range *told {
			if ev.Kind == Removed {
				t.Errorf("told %+v", ev)
			}
		}
	})
}

func TestBounds(t *testing.T) {
	t.Run("M5 one source fills its share and no more", func(t *testing.T) {
		e, counts := still(t)
		typ, _ := typeName("_presence._tcp")
		for k := range 10000 {
			n := instanceName(t, fmt.Sprintf("p%d@x", k))
			for _, p := range packResponses(plain([]record{ptrRecord(typ, n), txtRecord(n, "\x03a=1")})) {
				e.receive(from("10.2.1.9:5353", p))
			}
		}
		i := e.ifaces[0]
		if got := i.cache.perSource[netip.MustParseAddr("10.2.1.9")]; got != maxCachePerSource {
			t.Errorf("%d records of one source", got)
		}
		if counts["M5"] == 0 {
			t.Error("not counted")
		}
	})
	t.Run("M5 all sources together stay within the cache", func(t *testing.T) {
		e, counts := still(t)
		typ, _ := typeName("_presence._tcp")
		for k := range 10000 {
			n := instanceName(t, fmt.Sprintf("p%d@x", k))
			for _, p := range packResponses(plain([]record{ptrRecord(typ, n), txtRecord(n, "\x03a=1")})) {
				e.receive(from(fmt.Sprintf("10.2.%d.%d:5353", k/250, k%250+1), p))
			}
		}
		i := e.ifaces[0]
		if len(i.cache.sets) > maxCacheSets || len(i.found) > maxInstances || counts["M5"] == 0 {
			t.Errorf("%d sets, %d instances, %d counted", len(i.cache.sets), len(i.found), counts["M5"])
		}
	})
}

func TestNotKept(t *testing.T) {
	t.Run("M5 what nobody asked for is not kept", func(t *testing.T) {
		e, _ := still(t)
		printer, _ := typeName("_ipp._tcp")
		n, _ := printer.child("laser")
		host, _ := makeName("laser", "local")
		for _, p := range packResponses(plain([]record{ptrRecord(printer, n), srvRecord(n, host, 631), txtRecord(n, "\x00"),
			addrRecord(host, netip.MustParseAddr("10.2.1.8"))})) {
			e.receive(from("10.2.1.8:5353", p))
		}
		if k := len(e.ifaces[0].cache.sets); k != 0 {
			t.Errorf("%d sets kept", k)
		}
	})
	t.Run("M4 a TXT over 1300 octets is not kept", func(t *testing.T) {
		e, counts := still(t)
		n := instanceName(t, "big@x")
		big := strings.Repeat("\xff"+strings.Repeat("x", 255), 6)
		for _, p := range packResponses(plain([]record{txtRecord(n, big)})) {
			e.receive(from("10.2.1.9:5353", p))
		}
		if counts["M4"] != 1 || len(e.ifaces[0].cache.sets) != 0 {
			t.Errorf("%v, %d sets", counts, len(e.ifaces[0].cache.sets))
		}
	})
}

func TestBoundedWork(t *testing.T) {
	t.Run("M2 waiting answers are bounded", func(t *testing.T) {
		e, counts := still(t)
		for range 5000 {
			e.receive(from("10.2.1.9:5353", packQuestions([]question{{name: e.services[0].typ, typ: typePTR, class: classIN}}, func(question) []record { return nil })[0]))
		}
		if k := len(e.ifaces[0].links[0].replies); k > maxReplies || counts["M2"] == 0 {
			t.Errorf("%d replies, counted %d", k, counts["M2"])
		}
	})
	t.Run("M3 a handler that stumbles loses one packet, counted", func(t *testing.T) {
		e, counts := still(t)
		e.Browse("_presence._tcp", func(Event) { panic("a test's own") })
		e.readMail()
		typ, _ := typeName("_presence._tcp")
		n := instanceName(t, "p@x")
		rs := plain([]record{ptrRecord(typ, n), txtRecord(n, "\x03a=1")})
		e.receive(from("10.2.1.9:5353", packResponses(rs)[0]))
		e.receive(from("10.2.1.9:5353", packResponses(rs)[0]))
		if counts["M3"] != 1 {
			t.Errorf("counted %v", counts)
		}
	})
}

func TestMalformed(t *testing.T) {
	good := packResponses(plain([]record{txtRecord(instanceName(t, "p@x"), "\x03a=1")}))[0]
	t.Run("a damaged record of a type that we do not read does not cost the packet", func(t *testing.T) {
		const python = "0000840000000001000000011a707974686f6e315c34306c6f63616c686f7374406f6666696365095f70726573656e6365045f746370056c6f63616c" +
			"000021800100000078000e0000000014b305736e616b65c036c04d002f800100001194000ac04d0000000400000008" // 0.47.3: its NSEC has a window of two octets
		data, err := hex.DecodeString(python)
		if err != nil {
			t.Fatal(err)
		}
		m, err := unpack(data)
		if err != nil || len(m.answers) != 1 || len(m.additional) != 1 || m.answers[0].port() != 5299 || m.additional[0].typ != typeNSEC {
			t.Errorf("%v: %+v", err, m)
		}
		for k := range data {
			if _, err := unpack(data[:k]); err == nil {
				t.Errorf("cut at %d taken", k)
			}
		}
	})
	t.Run("M4 every cut of a good packet is refused", func(t *testing.T) {
		for k := range good {
			if _, err := unpack(good[:k]); err == nil {
				t.Errorf("cut at %d taken", k)
			}
		}
	})
	t.Run("M4 counts beyond reason are refused before anything is read", func(t *testing.T) {
		for at := 4; at < 12; at += 2 {
			b := append([]byte(nil), good...)
			binary.BigEndian.PutUint16(b[at:], 60000)
			if _, err := unpack(b); err != errCounts {
				t.Errorf("count at %d: %v", at, err)
			}
		}
	})
	t.Run("M4 chains of pointers end", func(t *testing.T) {
		b := make([]byte, headerLen, 600)
		b[5] = 1
		for k := range 200 { // each points to the one before, the last is the question
			b = binary.BigEndian.AppendUint16(b, 0xC000|uint16(max(headerLen, headerLen+2*(k-1))))
		}
		if _, err := unpack(append(b, 0, 12, 0, 1)); err == nil {
			t.Error("taken")
		}
	})
}
