package mdns

import (
	"encoding/hex"
	"net/netip"
	"testing"
)

func TestGoldenPackets(t *testing.T) {
	typ, _ := typeName("_presence._tcp")
	juliet := instanceName(t, "juliet@pronto")
	pronto, _ := makeName("pronto", "local")
	office, _ := makeName("office", "local")
	txt, _ := txtData([]string{"txtvers=1", "status=avail"})
	browse := question{name: typ, typ: typePTR, class: classIN}
	qu := browse
	qu.unicast = true
	none := func(question) []record { return nil }
	for _, c := range []struct {
		name    string
		packets [][]byte
		want    string
	}{
		{"LL-5-9 browse QM", packQuestions([]question{browse}, none),
			"000000000001000000000000095f70726573656e6365045f746370056c6f63616c00000c0001"},
		{"LL-5-9 browse QU", packQuestions([]question{qu}, none),
			"000000000001000000000000095f70726573656e6365045f746370056c6f63616c00000c8001"},
		{"LL-4-7 SRV and TXT in one packet", packQuestions([]question{
			{name: juliet, typ: typeSRV, class: classIN}, {name: juliet, typ: typeTXT, class: classIN}}, none),
			"0000000000020000000000000d6a756c6965744070726f6e746f095f70726573656e6365045f746370056c6f63616c0000210001c00c00100001"},
		{"LL-AV-6 NULL QU", packQuestions([]question{{name: juliet, typ: typeNULL, class: classIN, unicast: true}}, none),
			"0000000000010000000000000d6a756c6965744070726f6e746f095f70726573656e6365045f746370056c6f63616c00000a8001"},
		{"LL-9-1 goodbye", packResponses(plain([]record{ptrRecord(typ, juliet).withTTL(0)})),
			"000084000000000100000000095f70726573656e6365045f746370056c6f63616c00000c00010000000000100d6a756c6965744070726f6e746fc00c"},
		{"LL-3-2 LL-3-3 LL-3-23 LL-3-24 LL-11.3-4 announce", packResponses(plain([]record{
			ptrRecord(typ, juliet), srvRecord(juliet, pronto, 5562), txtRecord(juliet, txt),
			addrRecord(pronto, netip.MustParseAddr("10.2.1.187"))})),
			"000084000000000400000000095f70726573656e6365045f746370056c6f63616c00000c00010000119400100d6a756c6965744070726f6e746fc00cc02c002180010000007800140000000015ba0670726f6e746f056c6f63616c00c02c0010800100001194001709747874766572733d310c7374617475733d617661696cc04e000180010000007800040a0201bb"},
		{"LL-5-10 NSEC AAAA", packResponses(plain([]record{nsecRecord(office, []uint16{typeAAAA})})),
			"000084000000000100000000066f6666696365056c6f63616c00002f8001000000780014066f6666696365056c6f63616c00000400000008"},
		{"LL-5-10 NSEC A", packResponses(plain([]record{nsecRecord(office, []uint16{typeA})})),
			"000084000000000100000000066f6666696365056c6f63616c00002f8001000000780011066f6666696365056c6f63616c00000140"},
		{"LL-5-10 NSEC NULL TXT SRV", packResponses(plain([]record{nsecRecord(juliet, []uint16{typeNULL, typeTXT, typeSRV})})),
			"0000840000000001000000000d6a756c6965744070726f6e746f095f70726573656e6365045f746370056c6f63616c00002f800100000078002b0d6a756c6965744070726f6e746f095f70726573656e6365045f746370056c6f63616c0000050020800040"},
	} {
		t.Run("V-8 "+c.name, func(t *testing.T) {
			if len(c.packets) != 1 {
				t.Fatalf("%d packets", len(c.packets))
			}
			if got := hex.EncodeToString(c.packets[0]); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestPacking(t *testing.T) {
	typ, _ := typeName("_presence._tcp")
	t.Run("LL-5-14 packets stay within one frame", func(t *testing.T) {
		var rs []record
		for k := range 600 {
			rs = append(rs, ptrRecord(typ, instanceName(t, numbered("colleague@office", k))))
		}
		count := 0
		for _, p := range packResponses(plain(rs)) {
			if len(p) > maxSend {
				t.Errorf("%d octets", len(p))
			}
			m, err := unpack(p)
			if err != nil {
				t.Fatal(err)
			}
			count += len(m.answers)
		}
		if count != len(rs) {
			t.Errorf("%d records of %d", count, len(rs))
		}
	})
	t.Run("a record over the frame travels alone", func(t *testing.T) {
		big, _ := txtData([]string{string(make([]byte, 255)), string(make([]byte, 255)), string(make([]byte, 255)),
			string(make([]byte, 255)), string(make([]byte, 255)), string(make([]byte, 255))})
		small := txtRecord(instanceName(t, "b@x"), "\x00")
		got := packResponses(plain([]record{small, txtRecord(instanceName(t, "a@x"), big), small}))
		if len(got) != 3 || len(got[1]) < maxSend {
			t.Errorf("%d packets", len(got))
		}
	})
}

func TestPackingMore(t *testing.T) {
	typ, _ := typeName("_presence._tcp")
	t.Run("LL-5-7 known answers that do not fit follow a truncated packet", func(t *testing.T) {
		known := func(question) []record {
			var out []record
			for k := range 100 {
				out = append(out, ptrRecord(typ, instanceName(t, numbered("peer@somewhere", k))))
			}
			return out
		}
		got := packQuestions([]question{{name: typ, typ: typePTR, class: classIN}}, known)
		answers := 0
		for k, p := range got {
			m, err := unpack(p)
			if err != nil {
				t.Fatal(err)
			}
			if m.truncated != (k < len(got)-1) || len(m.questions) != map[bool]int{true: 1, false: 0}[k == 0] {
				t.Errorf("packet %d: TC %v, %d questions", k, m.truncated, len(m.questions))
			}
			answers += len(m.answers)
		}
		if len(got) < 2 || answers != 100 {
			t.Errorf("%d packets, %d answers", len(got), answers)
		}
	})
	t.Run("a refused piece leaves no trace", func(t *testing.T) {
		p := newPacker(flagResponse)
		p.limit = 120
		other, _ := typeName("_other._udp")
		n, _ := other.child("x")
		p.add(secAnswer, ptrRecord(typ, instanceName(t, "juliet@pronto")))
		if p.add(secAnswer, txtRecord(n, "\x40"+string(make([]byte, 64)))) {
			t.Fatal("was taken")
		}
		if !p.add(secAnswer, ptrRecord(other, n)) {
			t.Fatal("does not fit")
		}
		if m, err := unpack(p.bytes()); err != nil || len(m.answers) != 2 || m.answers[1].target() != n {
			t.Errorf("%+v %v", m, err)
		}
	})
}

func TestCompareSets(t *testing.T) {
	n := instanceName(t, "juliet@pronto")
	host, _ := makeName("pronto", "local")
	low, high := srvRecord(n, host, 5298), srvRecord(n, host, 5562)
	txt := txtRecord(n, "\x00")
	for _, c := range []struct {
		name         string
		ours, theirs []record
		sign         int
	}{
		{"equal", []record{low, txt}, []record{txt, low}, 0},
		{"rdata decides", []record{high}, []record{low}, 1},
		{"the lower type comes first", []record{low, txt}, []record{low}, -1},
		{"the flush bit does not count", []record{{name: n, typ: typeTXT, class: classIN, data: "\x00"}}, []record{txt}, 0},
		{"running out loses", []record{txt}, []record{txt, low}, -1},
		{"octets are unsigned", []record{addrRecord(host, netip.MustParseAddr("169.254.200.50"))},
			[]record{addrRecord(host, netip.MustParseAddr("169.254.99.200"))}, 1},
	} {
		t.Run("LL-3-29 "+c.name, func(t *testing.T) {
			if got := compareSets(c.ours, c.theirs); got != c.sign {
				t.Errorf("got %d, want %d", got, c.sign)
			}
		})
	}
}
