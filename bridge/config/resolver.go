package config

import (
	"net/netip"
	"slices"
)

const portDNS = 53 // RFC 1035 section 4.2

// servers takes the DNS servers to ask.
func servers(dst *[]netip.AddrPort) func(value) {
	return func(v value) {
		const do = "write IP addresses, such as [192.168.1.1] or [\"192.168.1.1:5353\"]"
		v.each(do, func(item value) {
			text, ok := item.scalar(do)
			if !ok {
				return
			}
			server, ok := serverAddress(text)
			switch {
			case !ok:
				item.fail(quote(text)+" is not the address of a DNS server", do)
			case slices.Contains(*dst, server):
				item.fail(quote(text)+" is listed twice", "remove one of the two")
			case len(*dst) == maxServers:
				item.fail("is one server too many", "keep "+itoa(maxServers))
			default:
				*dst = append(*dst, server)
			}
		})
	}
}

// serverAddress reads an IP address, with a port or without.
func serverAddress(text string) (netip.AddrPort, bool) {
	server, err := netip.ParseAddrPort(text)
	if err != nil {
		ip, err := netip.ParseAddr(text)
		if err != nil {
			return netip.AddrPort{}, false
		}
		server = netip.AddrPortFrom(ip, portDNS)
	}
	ip := server.Addr()
	return server, server.Port() != 0 && !ip.IsUnspecified() && !ip.IsMulticast()
}
