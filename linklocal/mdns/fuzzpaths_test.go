package mdns

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"time"
)

// wirePacket writes a packet as a stranger might: with counts, names and lengths that are right,
// and rdata of any kind.
func wirePacket(flags uint16, questions []question, sections ...[]record) []byte {
	b := binary.BigEndian.AppendUint16([]byte{0, 0}, flags)
	b = binary.BigEndian.AppendUint16(b, uint16(len(questions)))
	for k := range 3 {
		count := 0
		if k < len(sections) {
			count = len(sections[k])
		}
		b = binary.BigEndian.AppendUint16(b, uint16(count))
	}
	for _, q := range questions {
		b = append(b, q.name...)
		b = binary.BigEndian.AppendUint16(b, q.typ)
		b = binary.BigEndian.AppendUint16(b, q.class)
	}
	for _, r := range slices.Concat(sections...) {
		b = append(b, r.name...)
		b = binary.BigEndian.AppendUint16(b, r.typ)
		b = binary.BigEndian.AppendUint16(b, r.class)
		b = binary.BigEndian.AppendUint32(b, r.ttl)
		b = binary.BigEndian.AppendUint16(b, uint16(len(r.data)))
		b = append(b, r.data...)
	}
	return b
}

// cut makes records of octets: type, class and time to live, the length of the rdata, rdata.
func cut(owner name, data []byte) []record {
	var out []record
	for len(data) > 5 && len(out) < 8 {
		size := min(int(data[4]), len(data)-5)
		out = append(out, record{
			name: owner, typ: uint16(data[0]), class: uint16(data[1])<<8 | 1, ttl: uint32(data[2])<<8 | uint32(data[3]), data: string(data[5 : 5+size]),
		})
		data = data[5+size:]
	}
	return out
}

func sound(t *testing.T, counts map[string]int) {
	t.Helper()
	if counts["M3"] != 0 {
		t.Fatal("the handler stumbled")
	}
}

// FuzzProbe is somebody who probes for the name that we probe for, proposing anything. We
// give way to what is later, insist on what is later, and never both; and whatever comes,
// the name is ours or another one in the end.
func FuzzProbe(f *testing.F) {
	host, _ := makeName("forza", "local")
	f.Add([]byte{33, 0, 0, 120, 19, 0, 0, 0, 0, 20, 9, 5, 'f', 'o', 'r', 'z', 'a', 5, 'l', 'o', 'c', 'a', 'l', 0}, false)
	f.Add([]byte{33, 0x80, 0, 120, 8, 0xff, 0, 0, 0, 20, 9, 1, 0, 16, 0, 0, 9, 1, 0}, false)
	f.Add([]byte("\x10\x00\x00\x78\x04\x03a=1\x10\x00\x00\x78\x01\x00"), true)
	f.Add(append([]byte{33, 0, 0, 120, byte(6 + len(host)), 0, 0, 0, 0, 0, 1}, host...), true)
	f.Fuzz(func(t *testing.T, data []byte, late bool) {
		e, counts := still(t)
		nurse := instanceName(t, "nurse@pronto")
		if late {
			forward(e, 10*time.Second)
		} else {
			forward(e, 400*time.Millisecond)
		}
		names, ours := len(e.claims), e.claims[nurse.fold()].brief(e.ifaces[0])
		theirs := cut(nurse, data)
		p := from("10.2.1.9:5353", wirePacket(0, []question{{name: nurse, typ: typeANY, class: classIN}}, nil, theirs))
		e.receive(p)
		if m, err := unpack(p.Data); err == nil && len(m.authority) > 0 {
			if a, b := compareSets(ours, m.authority), compareSets(m.authority, ours); a != -b {
				t.Fatalf("we see %d, they see %d", a, b)
			}
		}
		forward(e, 5*time.Second)
		sound(t, counts)
		for _, c := range e.claims {
			if !c.owns(e.ifaces[0]) {
				t.Fatalf("%q is not ours in the end", c.name)
			}
		}
		if len(e.claims) != names {
			t.Fatalf("%d names, and %d before", len(e.claims), names)
		}
	})
}

// FuzzText is a peer whose TXT and NULL records have any rdata: what of it is told is what
// stands there, and the picture is the same octets.
func FuzzText(f *testing.F) {
	for _, s := range []string{"", "\x00", "\x03a=1", "\x03a=1\x00\x03b=2", "\x09short", "\xff" + strings.Repeat("x", 255), "\x01icon", "\x0bmsg=Gr\xc3\xbc\xc3\x9fe", "\x04gw=1\x02\xff\x00"} {
		f.Add([]byte(s), uint32(4500), true)
		f.Add([]byte(s), uint32(0), false)
	}
	f.Fuzz(func(t *testing.T, data []byte, ttl uint32, flush bool) {
		if len(data) > 2000 {
			return
		}
		e, counts := still(t)
		var told []Event
		e.Browse("_presence._tcp", func(ev Event) { told = append(told, ev) })
		icon := ""
		romeo := instanceName(t, "romeo@forza")
		e.fetch(&fetch{name: romeo, gap: retransmitFirst, fits: func(string) bool { return true }, done: func(d string, _ error) { icon = d }}, 1)
		e.readMail()
		class := classIN
		if flush {
			class |= topBit
		}
		ptr := ptrRecord(romeo.parent(), romeo)
		p := from("10.2.1.9:5353", wirePacket(flagResponse, nil, []record{
			{name: ptr.name, typ: typePTR, class: classIN, ttl: 4500, data: ptr.data},
			{name: romeo, typ: typeTXT, class: class, ttl: ttl, data: string(data)},
			{name: romeo, typ: typeNULL, class: class, ttl: ttl, data: string(data)},
		}))
		e.receive(p)
		forward(e, 10*time.Second)
		sound(t, counts)
		if _, err := unpack(p.Data); err != nil {
			return // a damaged TXT makes a damaged packet
		}
		if icon != string(data) {
			t.Fatalf("the picture came as %q", icon)
		}
		if len(told) == 0 || told[0].Instance != "romeo@forza" {
			t.Fatal("the peer was not told of")
		}
		known, _ := txtData(told[0].TXT)
		if ttl > 0 && len(data) <= maxTXT && !slices.Equal(txtStrings(known), txtStrings(string(data))) {
			t.Fatalf("%q told as %q", data, told[0].TXT)
		}
	})
}

// FuzzKnownAnswers is a browser that knows some of our five instances, each with some time to
// live, in as many truncated packets as it likes: it hears of the others, once, and of
// nobody whom it knows with half our time to live or more (RFC 6762 sections 7.1 and 7.2).
func FuzzKnownAnswers(f *testing.F) {
	f.Add([]byte{}, false)
	f.Add([]byte{0, 0xff, 0, 1, 0x22, 0, 0x45, 2, 0, 0}, false)
	f.Add([]byte{0, 0x11, 0x94, 1, 0x08, 0xca, 2, 0x08, 0xc9, 3, 0, 0, 4, 0x11, 0x94}, true)
	f.Add([]byte{0, 0x11, 0x94, 0, 0, 1}, true)
	f.Fuzz(func(t *testing.T, data []byte, truncated bool) {
		e, counts := still(t)
		typ, _ := typeName("_presence._tcp")
		names := []string{"juliet@pronto", "nurse@pronto", "a.b@pronto", "J\xc3\xbcrgen@pronto", "x"}
		for _, n := range names[2:] {
			e.Publish(Service{Type: "_presence._tcp", Instance: n, Port: 1})
		}
		e.readMail()
		forward(e, 20*time.Second)
		known := map[name]uint32{}
		ask := func(qs []question, rs []record, more bool) {
			flags := uint16(0)
			if more {
				flags = flagTruncated
			}
			e.receive(from("10.2.1.9:5353", wirePacket(flags, qs, rs)))
		}
		var rs []record
		for ; len(data) >= 3 && len(rs) < 20; data = data[3:] {
			n := instanceName(t, names[int(data[0])%len(names)])
			ttl := uint32(binary.BigEndian.Uint16(data[1:]))
			known[n.fold()] = max(known[n.fold()], ttl)
			rs = append(rs, ptrRecord(typ, n).withTTL(ttl))
		}
		clear(e.links()[0].sent)
		asked := e.now
		first := rs
		if truncated {
			first = rs[:len(rs)/2]
		}
		ask([]question{{name: typ, typ: typePTR, class: classIN}}, first, truncated)
		if truncated {
			ask(nil, rs[len(rs)/2:], false)
		}
		forward(e, 3*time.Second)
		sound(t, counts)
		for _, n := range names {
			r := ptrRecord(typ, instanceName(t, n))
			_, said := e.links()[0].sent[r.key()]
			if ttl := known[r.target().fold()]; said == (ttl >= ttlOther/2) {
				t.Fatalf("asked at %v: %s is known for %d s, said %v", asked, n, ttl, said)
			}
		}
	})
}
