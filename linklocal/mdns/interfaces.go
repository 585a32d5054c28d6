package mdns

import (
	"cmp"
	"net"
	"net/netip"
	"sort"
)

// machineInterfaces lists this machine's interfaces that are up and have a carrier, with
// the addresses that can be used now.
func machineInterfaces() ([]Interface, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	unusable := unusableAddrs()
	var out []Interface
	for _, ni := range all {
		if ni.Flags&net.FlagUp == 0 || ni.Flags&net.FlagRunning == 0 {
			continue
		}
		addrs, err := ni.Addrs()
		if err != nil {
			continue // it went while we looked
		}
		i := Interface{Index: ni.Index, Name: ni.Name, Loopback: ni.Flags&net.FlagLoopback != 0}
		for _, a := range addrs {
			if p, ok := prefixOf(a); ok && !unusable[ifAddr{ni.Index, p.Addr()}] {
				i.Addrs = append(i.Addrs, p)
			}
		}
		sort.Slice(i.Addrs, func(x, y int) bool {
			a, b := i.Addrs[x], i.Addrs[y]
			return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits())) < 0
		})
		out = append(out, i)
	}
	return out, nil
}

// ifAddr is an address on an interface.
type ifAddr struct {
	index int
	addr  netip.Addr
}

func prefixOf(a net.Addr) (netip.Prefix, bool) {
	n, ok := a.(*net.IPNet)
	if !ok {
		return netip.Prefix{}, false
	}
	addr, ok := netip.AddrFromSlice(n.IP)
	if !ok {
		return netip.Prefix{}, false
	}
	ones, bits := n.Mask.Size()
	if addr = addr.Unmap(); addr.Is4() && bits == 128 {
		ones -= 96
	}
	return netip.PrefixFrom(addr, ones), true
}
