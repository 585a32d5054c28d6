package mdns

import (
	"net/netip"
	"slices"
)

// mayWithdraw reports whether a goodbye for n from src counts (LL-9-9): src is an address
// of the host that n belongs to, whichever of its addresses announced n. Repeating a record
// gives no right to withdraw it. While no address of the host is known that src could be,
// the first who announced n is taken for the host: addresses live for two minutes and are
// not kept fresh, and some hosts speak from a link-local address but publish global ones.
func (i *iface) mayWithdraw(n *entry, src netip.Addr) bool {
	known := i.hostAddrs(n)
	return slices.Contains(known, src) ||
		src == n.first && !slices.ContainsFunc(known, func(a netip.Addr) bool { return sameKind(a, src) })
}

// sameKind reports whether a host that has a could be expected to speak from b.
func sameKind(a, b netip.Addr) bool {
	return a.Is4() == b.Is4() && a.IsLinkLocalUnicast() == b.IsLinkLocalUnicast()
}

// hostAddrs lists the addresses, as cached, of the host that n belongs to.
func (i *iface) hostAddrs(n *entry) []netip.Addr {
	var out []netip.Addr
	for _, host := range i.hostsOf(n) {
		for _, a := range slices.Concat(i.cache.get(host, typeA), i.cache.get(host, typeAAAA)) {
			out = append(out, a.addr())
		}
	}
	return out
}

// hostsOf names the host that n belongs to: the SRV target of its instance, or its owner.
func (i *iface) hostsOf(n *entry) []name {
	instance := n.name
	switch n.typ {
	case typeA, typeAAAA, typeNSEC:
		return []name{n.name}
	case typePTR:
		instance = n.target()
	}
	var out []name
	for _, s := range i.cache.get(instance, typeSRV) {
		out = append(out, hostOf(s.target()))
	}
	return out
}
