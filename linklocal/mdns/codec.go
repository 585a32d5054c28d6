package mdns

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/miekg/dns"
)

// This is the only file where names and rdata cross github.com/miekg/dns, which holds them
// in presentation form (LL-3-21, LL-3-26). Its own escaper and unescaper are used for both
// ways: a record becomes a dns.RR through dns.UnpackRR and returns through dns.PackRR, so
// that no text is ever escaped by hand and wire octets go in and out. The records that a
// large office is full of take a shorter way in, without text between (docs/decisions/027-a-large-office.md).

const headerLen = 12

var (
	errShort    = errors.New("packet shorter than a DNS header")
	errLong     = errors.New("packet longer than 9000 octets")
	errCounts   = errors.New("more questions or records than any honest packet has")
	errPointer  = errors.New("compression pointer does not point backward")
	errTrailing = errors.New("damaged record")
)

// unpack decodes a packet. It fails on anything malformed (RFC 9267 lists the classics);
// octets after the last record are ignored, as RFC 6762 section 18 lets senders pad.
func unpack(data []byte) (*message, error) {
	switch {
	case len(data) < headerLen:
		return nil, errShort
	case len(data) > maxPacket:
		return nil, errLong
	}
	u16 := func(at int) int { return int(binary.BigEndian.Uint16(data[at:])) }
	flags, counts := u16(2), [4]int{u16(4), u16(6), u16(8), u16(10)}
	if counts[0] > maxQuestionsIn || counts[1]+counts[2]+counts[3] > maxRecordsIn {
		return nil, errCounts
	}
	m := &message{
		id: uint16(u16(0)), response: flags&0x8000 != 0, truncated: flags&0x0200 != 0,
		opcode: flags >> 11 & 15, rcode: flags & 15,
	}
	off, err := headerLen, error(nil)
	for range counts[0] {
		var q question
		if q, off, err = unpackQuestion(data, off); err != nil {
			return nil, err
		}
		m.questions = append(m.questions, q)
	}
	for i, section := range []*[]record{&m.answers, &m.authority, &m.additional} {
		for range counts[i+1] {
			var r record
			if r, off, err = unpackRecord(data, off); err != nil {
				return nil, err
			}
			*section = append(*section, r)
		}
	}
	return m, nil
}

func unpackQuestion(data []byte, off int) (question, int, error) {
	n, off, err := unpackName(data, off)
	if err != nil {
		return question{}, 0, err
	}
	if off+4 > len(data) {
		return question{}, 0, errTrailing
	}
	class := binary.BigEndian.Uint16(data[off+2:])
	return question{
		name: n, typ: binary.BigEndian.Uint16(data[off:]), class: class &^ topBit, unicast: class&topBit != 0,
	}, off + 4, nil
}

// unpackName expands the name at off, and returns where it ends. A pointer must lead to an
// earlier octet than all before it, so that no name can loop (RFC 9267 section 2).
func unpackName(data []byte, off int) (name, int, error) {
	var whole [maxName]byte
	size, end, limit := 0, 0, off
	for off < len(data) {
		switch c := int(data[off]); {
		case c&0xC0 == 0:
			if off+1+c > len(data) || size+1+c > maxName {
				return "", 0, errTrailing
			}
			size += copy(whole[size:], data[off:off+1+c])
			if off += 1 + c; c > 0 {
				continue
			}
			if end == 0 {
				end = off
			}
			return name(whole[:size]), end, nil
		case c&0xC0 == 0xC0 && off+1 < len(data):
			to := c&0x3F<<8 | int(data[off+1])
			if to >= limit || to < headerLen {
				return "", 0, errPointer
			}
			if end == 0 {
				end = off + 2
			}
			off, limit = to, to
		default:
			return "", 0, errTrailing
		}
	}
	return "", 0, errTrailing
}

// wireName turns a name in presentation form into its wire form.
func wireName(text string) (name, error) {
	var buf [maxName + 1]byte
	end, err := dns.PackDomainName(text, buf[:], 0, nil, false)
	if err != nil {
		return "", fmt.Errorf("name: %w", err)
	}
	return name(buf[:end]), nil
}

// textName turns a wire name into presentation form, for packing and for Records.
func textName(n name) (string, error) {
	text, _, err := dns.UnpackDomainName([]byte(n), 0)
	return text, err
}

// unpackRecord decodes the record at off, and returns where it ends. The rdata of a type that
// we read nothing from is passed over as it stands: python3-zeroconf (0.47) puts damaged NSEC
// records beside its good ones.
func unpackRecord(data []byte, off int) (record, int, error) {
	owner, at, err := unpackName(data, off)
	if err != nil {
		return record{}, 0, err
	}
	if at+10 > len(data) {
		return record{}, 0, errTrailing
	}
	class := binary.BigEndian.Uint16(data[at+2:])
	r := record{
		name: owner, typ: binary.BigEndian.Uint16(data[at:]), class: class &^ topBit, flush: class&topBit != 0,
		ttl: binary.BigEndian.Uint32(data[at+4:]),
	}
	start := at + 10
	end := start + int(binary.BigEndian.Uint16(data[at+8:]))
	switch {
	case end > len(data):
		return record{}, 0, errTrailing
	case start < end:
		r.data, err = unpackData(data[:end], start, r.typ)
	}
	return r, end, err
}

// unpackData decodes the rdata from start to the end of data.
func unpackData(data []byte, start int, typ uint16) (string, error) {
	fixed, named := 0, false
	switch typ {
	case typePTR:
		named = true
	case typeSRV:
		fixed, named = 6, true
	case typeA:
		fixed = 4
	case typeAAAA:
		fixed = 16
	case typeTXT:
		for at := start; at < len(data); at += 1 + int(data[at]) {
			if at+1+int(data[at]) > len(data) {
				return "", errTrailing
			}
		}
	}
	switch {
	case named && start+fixed < len(data):
		n, end, err := unpackName(data, start+fixed)
		if err == nil && end != len(data) {
			err = errTrailing
		}
		return string(data[start:start+fixed]) + string(n), err
	case named, fixed > 0 && start+fixed != len(data):
		return "", errTrailing
	}
	return string(data[start:]), nil
}

// fromRR turns a library record into ours.
func fromRR(rr dns.RR) (record, error) {
	h := rr.Header()
	owner, err := wireName(h.Name)
	if err != nil {
		return record{}, err
	}
	r := record{name: owner, typ: h.Rrtype, class: h.Class &^ topBit, flush: h.Class&topBit != 0, ttl: h.Ttl}
	if h.Rdlength == 0 && dns.Len(rr) <= len(owner)+10 {
		return r, nil // an empty rdata has no fields to pack
	}
	buf := make([]byte, maxName+10+int(h.Rdlength)+4*maxName)
	end, err := dns.PackRR(rr, buf, 0, nil, false)
	if err != nil {
		return record{}, err
	}
	r.data = string(buf[len(owner)+10 : end])
	return r, nil
}

// toRR turns our record into the library's.
func toRR(r record) (dns.RR, error) {
	class := r.class
	if r.flush {
		class |= topBit
	}
	b := make([]byte, 0, len(r.name)+10+len(r.data))
	b = append(b, r.name...)
	b = binary.BigEndian.AppendUint16(b, r.typ)
	b = binary.BigEndian.AppendUint16(b, class)
	b = binary.BigEndian.AppendUint32(b, r.ttl)
	b = binary.BigEndian.AppendUint16(b, uint16(len(r.data)))
	rr, _, err := dns.UnpackRR(append(b, r.data...), 0)
	return rr, err
}

// Sections of a packet, as indexes of its four counts.
const (
	secQuestion = iota
	secAnswer
	secAuthority
	secAdditional
)

// Flags of packets that we send (RFC 6762 section 18).
const (
	flagResponse  uint16 = 0x8400 // QR and AA
	flagQuery     uint16 = 0
	flagTruncated uint16 = 0x0200 // more known answers follow
)

// A packer builds one packet piece by piece, sections in order. A piece that would take the
// packet over its limit is refused and leaves no trace, except that the first piece may be
// as large as maxPacket: it has to travel somehow (RFC 6762 section 17).
type packer struct {
	buf    []byte
	off    int
	limit  int
	names  map[string]int
	counts [4]uint16
	id     uint16
	flags  uint16
}

func newPacker(flags uint16) *packer {
	return &packer{buf: make([]byte, maxSend), off: headerLen, limit: maxSend, names: map[string]int{}, flags: flags}
}

// question adds q; false when it does not fit.
func (p *packer) question(q question) bool {
	text, err := textName(q.name)
	if err != nil {
		return false
	}
	end, err := p.try(func() (int, error) { return dns.PackDomainName(text, p.buf, p.off, p.names, true) }, 4)
	if err != nil {
		return p.refuse()
	}
	class := q.class
	if q.unicast {
		class |= topBit
	}
	binary.BigEndian.PutUint16(p.buf[end:], q.typ)
	binary.BigEndian.PutUint16(p.buf[end+2:], class)
	return p.accept(secQuestion, end+4)
}

// add appends r to a section; false when it does not fit or cannot be encoded.
func (p *packer) add(section int, r record) bool {
	rr, err := toRR(r)
	if err != nil {
		return false
	}
	end, err := p.try(func() (int, error) { return dns.PackRR(rr, p.buf, p.off, p.names, true) }, 0)
	if err != nil {
		return p.refuse()
	}
	return p.accept(section, end)
}

// try packs something that needs so many octets behind it, once more with all the room
// there can be when it is a piece that may exceed the frame.
func (p *packer) try(pack func() (int, error), behind int) (end int, err error) {
	end, err = pack()
	if fits := err == nil && end+behind <= len(p.buf); fits || len(p.buf) >= maxPacket || !p.empty() && p.limit <= len(p.buf) {
		if !fits && err == nil {
			err = errLong
		}
		return end, err
	}
	p.refuse()
	p.buf = append(p.buf, make([]byte, maxPacket-len(p.buf))...)
	return p.try(pack, behind)
}

func (p *packer) accept(section, end int) bool {
	if end > p.limit && !p.empty() {
		return p.refuse()
	}
	p.off = end
	p.counts[section]++
	return true
}

// refuse forgets the compression targets of a piece that was not taken.
func (p *packer) refuse() bool {
	for text, at := range p.names {
		if at >= p.off {
			delete(p.names, text)
		}
	}
	return false
}

func (p *packer) empty() bool { return p.counts == [4]uint16{} }

// bytes finishes the packet.
func (p *packer) bytes() []byte {
	binary.BigEndian.PutUint16(p.buf[0:], p.id)
	binary.BigEndian.PutUint16(p.buf[2:], p.flags)
	for i, c := range p.counts {
		binary.BigEndian.PutUint16(p.buf[4+2*i:], c)
	}
	return append([]byte(nil), p.buf[:p.off]...)
}
