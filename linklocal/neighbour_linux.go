package linklocal

import (
	"encoding/binary"
	"net"
	"net/netip"
	"syscall"
)

// hardwareOf returns the hardware address that the kernel's neighbour table has for
// an address on a link, or "" (rtnetlink(7), RTM_GETNEIGH).
func hardwareOf(a netip.Addr) string {
	table, err := syscall.NetlinkRIB(syscall.RTM_GETNEIGH, syscall.AF_UNSPEC)
	if err != nil {
		return ""
	}
	messages, err := syscall.ParseNetlinkMessage(table)
	if err != nil {
		return ""
	}
	for _, m := range messages {
		if m.Header.Type != syscall.RTM_NEWNEIGH {
			continue
		}
		if addr, mac := neighbour(m.Data); addr == a.WithZone("") && mac != "" {
			return mac
		}
	}
	return ""
}

// Attributes of a neighbour message.
const (
	neighbourHeader = 12 // struct ndmsg
	attrDestination = 1  // NDA_DST
	attrHardware    = 2  // NDA_LLADDR
)

// neighbour reads the addresses out of one neighbour message.
func neighbour(b []byte) (addr netip.Addr, mac string) {
	if len(b) < neighbourHeader {
		return addr, mac
	}
	for b = b[neighbourHeader:]; len(b) >= 4; {
		n := int(binary.NativeEndian.Uint16(b))
		kind := binary.NativeEndian.Uint16(b[2:])
		if n < 4 || n > len(b) {
			break
		}
		switch value := b[4:n]; kind {
		case attrDestination:
			addr, _ = netip.AddrFromSlice(value)
		case attrHardware:
			if len(value) == 6 {
				mac = net.HardwareAddr(value).String()
			}
		}
		b = b[min((n+3)&^3, len(b)):]
	}
	return addr, mac
}
