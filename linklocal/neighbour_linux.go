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
	link := 0 // any
	if i, err := net.InterfaceByName(a.Zone()); err == nil {
		link = i.Index
	}
	for _, m := range messages {
		if m.Header.Type != syscall.RTM_NEWNEIGH {
			continue
		}
		n := parseNeighbour(m.Data)
		if n.addr == a.WithZone("") && n.mac != "" && (link == 0 || n.link == link) {
			return n.mac
		}
	}
	return ""
}

// neighbour is an entry of the neighbour table: an address on a link, and the
// hardware behind it, "" while the kernel does not know it.
type neighbour struct {
	link int
	addr netip.Addr
	mac  string
}

// What a neighbour message consists of.
const (
	neighbourHeader = 12 // struct ndmsg
	neighbourLink   = 4  // ndm_ifindex in it
	attrDestination = 1  // NDA_DST
	attrHardware    = 2  // NDA_LLADDR
)

// noHardware is what the loopback interface has for an address.
const noHardware = "00:00:00:00:00:00"

// parseNeighbour reads one neighbour message.
func parseNeighbour(b []byte) (n neighbour) {
	if len(b) < neighbourHeader {
		return n
	}
	n.link = int(int32(binary.NativeEndian.Uint32(b[neighbourLink:])))
	for b = b[neighbourHeader:]; len(b) >= 4; {
		size := int(binary.NativeEndian.Uint16(b))
		kind := binary.NativeEndian.Uint16(b[2:])
		if size < 4 || size > len(b) {
			break
		}
		switch value := b[4:size]; kind {
		case attrDestination:
			n.addr, _ = netip.AddrFromSlice(value)
		case attrHardware:
			if mac := net.HardwareAddr(value).String(); len(value) == 6 && mac != noHardware {
				n.mac = mac
			}
		}
		b = b[min((size+3)&^3, len(b)):]
	}
	return n
}
