package mdns

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// seeds are packets of every kind, for fuzzing.
func seeds(t testing.TB) [][]byte {
	typ, _ := typeName("_presence._tcp")
	n := instanceName(t, "romeo@forza")
	own := instanceName(t, "juliet@pronto")
	host, _ := makeName("forza", "local")
	pronto, _ := makeName("pronto", "local")
	none := func(question) []record { return nil }
	rs := []record{ptrRecord(typ, n), srvRecord(n, host, 5298), txtRecord(n, "\x03a=1"), addrRecord(host, netip.MustParseAddr("10.2.1.9"))}
	out := packResponses(plain(rs))
	for k := range rs {
		rs[k].ttl = 0
	}
	out = append(out, packResponses(plain(rs))...)
	out = append(out, packResponses(plain([]record{srvRecord(own, host, 9), txtRecord(own, "\x00"), addrRecord(pronto, netip.MustParseAddr("10.2.1.9"))}))...)
	out = append(out, packQuestions([]question{{name: typ, typ: typePTR, class: classIN, unicast: true},
		{name: own, typ: typeANY, class: classIN}, {name: pronto, typ: typeAAAA, class: classANY}, {name: servicesName, typ: typePTR, class: classIN}}, none)...)
	out = append(out, packResponses(plain([]record{nullRecord(n, "\x01icon"), nullRecord(n, ""), nullRecord(own, "\x00")}))...)
	out = append(out, packQuestions([]question{{name: own, typ: typeNULL, class: classIN, unicast: true}}, none)...)
	return append(out, nil, make([]byte, headerLen))
}

// FuzzPacket throws packets at an engine that owns, probes, browses and looks up: nothing
// may stumble, and what cannot be read is refused.
func FuzzPacket(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s, uint16(Port), false)
		f.Add(s, uint16(40000), true)
	}
	f.Fuzz(func(t *testing.T, data []byte, port uint16, unicast bool) {
		e, counts := still(t)
		p := from("10.2.1.9:5353", data)
		p.Src = netip.AddrPortFrom(p.Src.Addr(), port)
		if unicast {
			p.Dst = netip.MustParseAddrPort("10.2.1.1:5353")
		}
		e.receive(p)
		e.flush()
		forward(e, 2*time.Second)
		if counts["M3"] != 0 {
			t.Fatal("the handler stumbled")
		}
		if e.ifaces[0].cache.perSource[p.Src.Addr()] > maxRecordsIn {
			t.Fatal("more kept than sent")
		}
	})
}

// FuzzUnpack holds the codec to its word: what it reads it can write, and reads the same.
func FuzzUnpack(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := unpack(data)
		if err != nil {
			return
		}
		for _, r := range m.answers {
			p := newPacker(flagResponse)
			if !p.add(secAnswer, r) {
				continue // the library refuses some rdata that it reads
			}
			again, err := unpack(p.bytes())
			if err != nil || len(again.answers) != 1 {
				t.Fatalf("%+v cannot be read back: %v", r, err)
			}
			if got := again.answers[0]; got.name != r.name || got.data != r.data || got.typ != r.typ {
				t.Fatalf("%+v came back as %+v", r, got)
			}
		}
		if bytes.Equal(data, nil) {
			t.Fatal("nothing was taken for a packet")
		}
	})
}

func BenchmarkReceiveAnnouncement(b *testing.B) {
	e, _ := still(b)
	data := seeds(b)[0]
	b.ReportAllocs()
	for b.Loop() {
		e.receive(from("10.2.1.9:5353", data))
	}
}

func BenchmarkAnswerPTR(b *testing.B) {
	e, _ := still(b)
	q := question{name: e.services[0].typ, typ: typePTR, class: classIN}
	b.ReportAllocs()
	for b.Loop() {
		packResponses(groupsOf(e.answersTo(e.ifaces[0], q)))
	}
}

// FuzzRecord holds our way in to that of the library, for the types that we read: what one
// reads the other reads, and the same. But for pointers that do not lead backward, which the
// library follows, and SRV records that end too early, which it fills up.
func FuzzRecord(f *testing.F) {
	for _, s := range seeds(f) {
		for off := headerLen; off < len(s); off++ {
			f.Add(s, uint16(off))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, off uint16) {
		if int(off) > len(data) || len(data) > maxPacket {
			return
		}
		short, end, err := unpackRecord(data, int(off))
		_, at, nameErr := unpackName(data, int(off))
		if nameErr == nil && at+2 <= len(data) && !isRead(binary.BigEndian.Uint16(data[at:])) {
			return
		}
		long, longEnd, longErr := unpackByLibrary(data, int(off))
		switch {
		case err == nil && longErr != nil:
			t.Fatalf("the library refuses %+v: %v", short, longErr)
		case err == nil && (short != long || end != longEnd):
			t.Fatalf("%+v to %d, by the library %+v to %d", short, end, long, longEnd)
		case err != nil && longErr == nil && err != errPointer && !(long.typ == typeSRV && longEnd-at-10 < 7):
			t.Fatalf("%v, but the library reads %+v", err, long)
		}
	})
}

func isRead(typ uint16) bool {
	switch typ {
	case typePTR, typeSRV, typeTXT, typeA, typeAAAA, typeNULL:
		return true
	}
	return false
}

func unpackByLibrary(data []byte, off int) (record, int, error) {
	rr, end, err := dns.UnpackRR(data, off)
	if err != nil {
		return record{}, 0, err
	}
	if rr == nil || end <= off {
		return record{}, 0, errTrailing
	}
	r, err := fromRR(rr)
	return r, end, err
}
