package linklocal

import (
	"encoding/binary"
	"net"
	"net/netip"
	"testing"
)

// ndmsg is a neighbour message: the header for a link, and attributes as kind and
// value in turn.
func ndmsg(link int, attrs ...any) []byte {
	b := make([]byte, neighbourHeader)
	binary.NativeEndian.PutUint32(b[neighbourLink:], uint32(link))
	for i := 0; i < len(attrs); i += 2 {
		value := attrs[i+1].([]byte)
		b = binary.NativeEndian.AppendUint16(b, uint16(4+len(value)))
		b = binary.NativeEndian.AppendUint16(b, uint16(attrs[i].(int)))
		b = append(b, value...)
		b = append(b, make([]byte, (4-len(value)%4)%4)...)
	}
	return b
}

func TestParseNeighbour(t *testing.T) {
	v4, v6 := []byte{10, 2, 1, 187}, netip.MustParseAddr("fe80::187").AsSlice()
	mac := []byte{2, 0, 0, 0, 1, 187}
	pronto := neighbour{3, netip.MustParseAddr("10.2.1.187"), "02:00:00:00:01:bb"}
	short := ndmsg(3, attrDestination, v4, attrHardware, mac)
	for _, tt := range []struct {
		name string
		in   []byte
		want neighbour
	}{
		{"an address and its hardware", ndmsg(3, attrDestination, v4, attrHardware, mac), pronto},
		{"in the other order, with more", ndmsg(3, 3, make([]byte, 16), attrHardware, mac, 9, []byte{1}, attrDestination, v4), pronto},
		{"IPv6", ndmsg(3, attrDestination, v6, attrHardware, mac), neighbour{3, netip.MustParseAddr("fe80::187"), pronto.mac}},
		{"hardware not known", ndmsg(3, attrDestination, v4), neighbour{3, pronto.addr, ""}},
		{"the loopback has none", ndmsg(1, attrDestination, v4, attrHardware, make([]byte, 6)), neighbour{1, pronto.addr, ""}},
		{"hardware of another kind", ndmsg(3, attrDestination, v4, attrHardware, make([]byte, 20)), neighbour{3, pronto.addr, ""}},
		{"an address of no family", ndmsg(3, attrDestination, []byte{1, 2, 3}, attrHardware, mac), neighbour{3, netip.Addr{}, pronto.mac}},
		{"nothing", nil, neighbour{}},
		{"a header alone", ndmsg(3), neighbour{link: 3}},
		{"a header cut short", ndmsg(3)[:11], neighbour{}},
		{"an attribute cut short", short[:len(short)-5], neighbour{3, pronto.addr, ""}},
		{"an attribute of no length", append(ndmsg(3), 0, 0, 1, 0), neighbour{link: 3}},
	} {
		t.Run("INJ-26 "+tt.name, func(t *testing.T) {
			if got := parseNeighbour(tt.in); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestHardwareOf(t *testing.T) {
	t.Run("INJ-26 nobody's address has no hardware", func(t *testing.T) {
		for _, a := range []string{"203.0.113.77", "fe80::dead:beef%nowhere", "127.0.0.1", "::"} {
			if mac := hardwareOf(netip.MustParseAddr(a)); mac != "" {
				t.Errorf("%s: %s", a, mac)
			}
		}
	})
}

func FuzzNeighbour(f *testing.F) {
	f.Add(ndmsg(3, attrDestination, []byte{10, 2, 1, 187}, attrHardware, []byte{2, 0, 0, 0, 1, 187}))
	f.Add(ndmsg(1, attrHardware, make([]byte, 20), 7, []byte{1}))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		n := parseNeighbour(b)
		if _, err := net.ParseMAC(n.mac); n.mac != "" && err != nil {
			t.Errorf("hardware %q", n.mac)
		}
	})
}
