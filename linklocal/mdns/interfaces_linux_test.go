package mdns

import (
	"net/netip"
	"strings"
	"testing"
)

func TestIfInet6(t *testing.T) {
	got := parseIfInet6(strings.NewReader(`fe8000000000000000fc00fffe000001 04 40 20 80 eth0
20010db8000000000000000000000001 04 40 00 01 eth0
20010db8000000000000000000000002 0a 40 00 40 wlan0
damaged line
`))
	if len(got) != 2 || !got[ifAddr{4, netip.MustParseAddr("2001:db8::1")}] || !got[ifAddr{10, netip.MustParseAddr("2001:db8::2")}] {
		t.Errorf("%v", got)
	}
}
