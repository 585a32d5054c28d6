package mdns

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"
	"sort"
)

// Record types and classes used here (RFC 1035 section 3.2, RFC 2782, RFC 3596, RFC 4034).
const (
	typeA    uint16 = 1
	typeNULL uint16 = 10
	typePTR  uint16 = 12
	typeTXT  uint16 = 16
	typeAAAA uint16 = 28
	typeSRV  uint16 = 33
	typeNSEC uint16 = 47
	typeANY  uint16 = 255

	classIN  uint16 = 1
	classANY uint16 = 255
	topBit   uint16 = 0x8000 // cache-flush in records, QU in questions (RFC 6762 sections 10.2 and 5.4)
)

// A record is one resource record. data is its rdata with all names uncompressed, so that
// two records can be compared octet by octet (RFC 6762 section 8.2).
type record struct {
	name  name
	typ   uint16
	class uint16 // without the flush bit
	flush bool
	ttl   uint32 // seconds
	data  string
}

// setKey names a record set; recKey names one record. Both are folded.
type (
	setKey struct {
		name name
		typ  uint16
	}
	recKey struct {
		setKey
		data string
	}
)

func (r record) set() setKey { return setKey{r.name.fold(), r.typ} }
func (r record) key() recKey { return recKey{r.set(), r.foldedData()} }

// foldedData is rdata as compared: names inside PTR and SRV without case.
func (r record) foldedData() string {
	switch {
	case r.typ == typePTR:
		return Fold(r.data)
	case r.typ == typeSRV && len(r.data) > 6:
		return r.data[:6] + Fold(r.data[6:])
	}
	return r.data
}

// same reports whether both say the same: name, type, class and rdata (LL-3-30).
func (r record) same(o record) bool {
	return r.typ == o.typ && r.class == o.class && r.key() == o.key()
}

// target is the name that a PTR or SRV record points to, "" when there is none.
func (r record) target() name {
	var n name
	switch {
	case r.typ == typePTR:
		n = name(r.data)
	case r.typ == typeSRV && len(r.data) > 6:
		n = name(r.data[6:])
	}
	if !n.valid() {
		return ""
	}
	return n
}

// port is the port of an SRV record.
func (r record) port() uint16 {
	if r.typ != typeSRV || len(r.data) < 6 {
		return 0
	}
	return binary.BigEndian.Uint16([]byte(r.data[4:6]))
}

// addr is the address of an A or AAAA record; invalid when there is none.
func (r record) addr() netip.Addr {
	if r.typ != typeA && r.typ != typeAAAA {
		return netip.Addr{}
	}
	a, _ := netip.AddrFromSlice([]byte(r.data))
	return a
}

// withTTL returns a copy of r with another time to live in seconds.
func (r record) withTTL(ttl uint32) record {
	r.ttl = ttl
	return r
}

func ptrRecord(owner, target name) record {
	return record{name: owner, typ: typePTR, class: classIN, ttl: ttlOther, data: string(target)}
}

func srvRecord(owner, host name, port uint16) record {
	data := binary.BigEndian.AppendUint16([]byte{0, 0, 0, 0}, port)
	return record{name: owner, typ: typeSRV, class: classIN, flush: true, ttl: ttlHost, data: string(data) + string(host)}
}

func txtRecord(owner name, txt string) record {
	return record{name: owner, typ: typeTXT, class: classIN, flush: true, ttl: ttlOther, data: txt}
}

func nullRecord(owner name, data string) record {
	return record{name: owner, typ: typeNULL, class: classIN, flush: true, ttl: ttlOther, data: data}
}

func addrRecord(owner name, a netip.Addr) record {
	typ := typeA
	if a.Is6() {
		typ = typeAAAA
	}
	return record{name: owner, typ: typ, class: classIN, flush: true, ttl: ttlHost, data: string(a.AsSlice())}
}

// nsecRecord says which types exist at owner and thereby that no other does (RFC 6762
// section 6.1). types must all be below 256.
func nsecRecord(owner name, types []uint16) record {
	var bits []byte
	for _, t := range types {
		for len(bits) <= int(t/8) {
			bits = append(bits, 0)
		}
		bits[t/8] |= 0x80 >> (t % 8)
	}
	data := string(owner) + string([]byte{0, byte(len(bits))}) + string(bits)
	return record{name: owner, typ: typeNSEC, class: classIN, flush: true, ttl: ttlHost, data: data}
}

// txtData packs strings into TXT rdata; no strings at all are one empty string (RFC 6763
// section 6.1). Strings over 255 octets cannot be sent and are reported by ok == false.
func txtData(txt []string) (data string, ok bool) {
	b, ok := []byte{}, true
	for _, s := range txt {
		if len(s) > 255 {
			ok = false
			continue
		}
		b = append(append(b, byte(len(s))), s...)
	}
	if len(b) == 0 {
		b = []byte{0}
	}
	return string(b), ok
}

// txtStrings unpacks TXT rdata. Empty strings carry nothing and are left out, so that the
// three empty forms of RFC 6763 section 6.1 give the same result; damage ends the list.
func txtStrings(data string) []string {
	var out []string
	for len(data) > 0 && int(data[0])+1 <= len(data) {
		if s := data[1 : 1+int(data[0])]; s != "" {
			out = append(out, s)
		}
		data = data[1+int(data[0]):]
	}
	return out
}

// compareSets orders two proposed record sets as RFC 6762 section 8.2 says: class without
// the flush bit, then type, then rdata as unsigned octets; running out first loses.
func compareSets(ours, theirs []record) int {
	order := func(a, b record) int {
		return cmp.Or(cmp.Compare(a.class, b.class), cmp.Compare(a.typ, b.typ), cmp.Compare(a.data, b.data))
	}
	sorted := func(list []record) []record {
		list = slices.Clone(list)
		sort.Slice(list, func(x, y int) bool { return order(list[x], list[y]) < 0 })
		return list
	}
	return slices.CompareFunc(sorted(ours), sorted(theirs), order)
}

// A question is one entry of the question section.
type question struct {
	name    name
	typ     uint16
	class   uint16 // without the QU bit
	unicast bool   // QU: a unicast answer is welcome (RFC 6762 section 5.4)
	routine bool   // of ours: that somebody else has just asked will do (section 7.3)
}

func (q question) set() setKey { return setKey{q.name.fold(), q.typ} }

// matches reports whether r answers q.
func (q question) matches(r record) bool {
	return (q.class == r.class || q.class == classANY) && (q.typ == r.typ || q.typ == typeANY) &&
		q.name.fold() == r.name.fold()
}

// A message is one decoded packet.
type message struct {
	id         uint16
	response   bool
	truncated  bool
	opcode     int
	rcode      int
	questions  []question
	answers    []record
	authority  []record
	additional []record
}
