package resolver

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"

	"github.com/miekg/dns"
)

// systemServers reads the DNS servers from a file as resolv.conf(5) describes it:
// at most three, and this machine when it names none. Its options are for name
// lookups by people and mean nothing here.
func systemServers(path string) ([]netip.AddrPort, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return localServer(), nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	conf, err := dns.ClientConfigFromReader(io.LimitReader(f, maxConf))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var servers []netip.AddrPort
	for _, s := range conf.Servers {
		if ip, err := netip.ParseAddr(s); err == nil && len(servers) < maxServers {
			servers = append(servers, netip.AddrPortFrom(ip, portDNS))
		}
	}
	if servers == nil {
		return localServer(), nil
	}
	return servers, nil
}

func localServer() []netip.AddrPort {
	return []netip.AddrPort{netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), portDNS)}
}
