package mdns

import (
	"bufio"
	"encoding/hex"
	"io"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// Flags of an IPv6 address that make it unfit for publishing: temporary ones go soon,
// tentative ones cannot be sent from yet, the others are on their way out or a duplicate
// (linux/if_addr.h).
const (
	addrTemporary  = 0x01
	addrDADFailed  = 0x08
	addrDeprecated = 0x20
	addrTentative  = 0x40

	addrUnusable = addrTemporary | addrDADFailed | addrDeprecated | addrTentative
)

// unusableAddrs reads which IPv6 addresses are not to be used now. Without /proc all are
// taken as usable.
func unusableAddrs() map[ifAddr]bool {
	f, err := os.Open("/proc/net/if_inet6")
	if err != nil {
		return nil
	}
	defer f.Close()
	return parseIfInet6(f)
}

// parseIfInet6 reads lines such as
//
//	fe8000000000000000fc00fffe000001 04 40 20 80 eth0
//
// address, interface index, prefix length, scope and flags, all hexadecimal, and the name.
func parseIfInet6(r io.Reader) map[ifAddr]bool {
	out := map[ifAddr]bool{}
	for lines := bufio.NewScanner(r); lines.Scan(); {
		f := strings.Fields(lines.Text())
		if len(f) < 6 {
			continue
		}
		raw, err1 := hex.DecodeString(f[0])
		index, err2 := strconv.ParseUint(f[1], 16, 31)
		flags, err3 := strconv.ParseUint(f[4], 16, 32)
		addr, ok := netip.AddrFromSlice(raw)
		if err1 != nil || err2 != nil || err3 != nil || !ok {
			continue
		}
		if flags&addrUnusable != 0 {
			out[ifAddr{int(index), addr}] = true
		}
	}
	return out
}
