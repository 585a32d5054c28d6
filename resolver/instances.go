package resolver

import (
	"context"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// Listing is what a domain says of who offers a service there (RFC 6763 section 4).
type Listing struct {
	Names []InstanceName // in the order of the answer, each once, maxInstances at most
	Left  int            // how many were left out: of another domain, no names, or too many
	TTL   time.Duration  // how long it holds; 0 when nothing was said
}

// InstanceName is the name of one who offers a service.
type InstanceName struct {
	Label string // as it stands on the wire: any octets, dots among them
	owner string // the whole name, as the library writes it
}

// Instance is where one who offers a service is, and what the TXT records say.
type Instance struct {
	Host      string // in A-labels, lower case, without the dot at its end
	Port      uint16
	Addresses []netip.Addr // maxAddresses of each family at most; none when the host has none
	TXT       []string     // strings of all TXT records in the order of the answer, as on the wire
	TTL       time.Duration
}

// Instances asks who offers a service such as "_presence._tcp" in a domain. Of a domain
// that lists nobody the Listing is empty.
func (r *Resolver) Instances(ctx context.Context, service, domain string) (Listing, error) {
	var list Listing
	_, err := r.resolve(ctx, domain, "RFC 6763 section 4", func(ctx context.Context, l *lookup) error {
		all, ttl, err := l.records(ctx, service+"."+l.domain+".", dns.TypePTR)
		list.TTL = ttl
		known := make(map[string]bool)
		for _, rr := range all {
			n, ok := instanceName(rr.(*dns.PTR).Ptr, service+"."+l.domain+".")
			switch folded := dns.CanonicalName(n.owner); {
			case ok && known[folded]:
			case ok && len(list.Names) < maxInstances:
				known[folded] = true
				list.Names = append(list.Names, n)
			default:
				list.Left++
			}
		}
		return err
	})
	return list, err
}

// Instance asks where an instance of a domain is. That it cannot be reached is
// ErrNoRecords, and ErrLinkLocal when its host is one of the local link.
func (r *Resolver) Instance(ctx context.Context, domain string, n InstanceName) (Instance, error) {
	var at Instance
	_, err := r.resolve(ctx, domain, "RFC 6763 section 5", func(ctx context.Context, l *lookup) (err error) {
		at, err = l.instance(ctx, n)
		return err
	})
	return at, err
}

func (l *lookup) instance(ctx context.Context, n InstanceName) (Instance, error) {
	all, ttl, err := l.records(ctx, n.owner, dns.TypeSRV)
	if err != nil {
		return Instance{}, err
	}
	at, err := leading(all)
	if err != nil {
		return at, err
	}
	texts, life, err := l.records(ctx, n.owner, dns.TypeTXT)
	if err != nil {
		return at, err
	}
	size := 0
	for _, rr := range texts {
		for _, s := range wireStrings(rr) {
			if size += len(s) + 1; size <= maxTXT {
				at.TXT = append(at.TXT, s)
			}
		}
	}
	at.TTL = shorter(ttl, life)
	list, err := l.addresses(ctx, service{host: at.Host, step: -1})
	for _, a := range list {
		at.Addresses = append(at.Addresses, a.ip)
		at.TTL = shorter(at.TTL, time.Duration(a.ttl)*time.Second)
	}
	return at, err
}

// leading is the host and port of the SRV record with the lowest priority that leads to
// a host (RFC 2782).
func leading(all []dns.RR) (at Instance, err error) {
	best := -1
	err = &Error{Kind: ErrNoRecords, Detail: "no SRV record leads to a host", Advice: "publish it, with host and port"}
	for _, rr := range all {
		s := rr.(*dns.SRV)
		switch host := hostIn(s.Target); {
		case s.Port == 0:
		case linkLocal(host) && best < 0:
			err = &Error{Kind: ErrLinkLocal, Detail: s.Target, Advice: "publish a name of the DNS there"}
		case askable(host) && (best < 0 || int(s.Priority) < best):
			best, at.Host, at.Port, err = int(s.Priority), host, s.Port, nil
		}
	}
	return at, err
}

// records asks for the records of one type that a name has. The name is as the library
// writes it, and may be any: that of an instance is made of what people typed. What an
// alias leads to counts if the answer holds it, as that of a recursive server does.
func (l *lookup) records(ctx context.Context, name string, kind uint16) (all []dns.RR, ttl time.Duration, err error) {
	if _, ok := dns.IsDomainName(name); !ok || linkLocal(plainName(name)) {
		return nil, 0, &Error{Kind: ErrNotFQDN, Detail: name + " cannot be asked for", Advice: writeFQDN}
	}
	m, err := l.query(ctx, question{strings.TrimSuffix(name, "."), kind})
	if err != nil {
		return nil, 0, err
	}
	return recordsIn(m, plainName(name), kind)
}

// recordsIn takes from an answer the records of one type that a name has, and how long the
// first of them to go holds.
func recordsIn(m *dns.Msg, name string, kind uint16) (all []dns.RR, ttl time.Duration, err error) {
	end, _, err := aliasEnd(m, name)
	if err != nil {
		return nil, 0, err
	}
	for _, rr := range m.Answer {
		h := rr.Header()
		if plainName(h.Name) != end || h.Class != dns.ClassINET || h.Rrtype != kind {
			continue
		}
		all = append(all, rr)
		ttl = shorter(ttl, time.Duration(max(ttlOf(rr), 1))*time.Second)
	}
	return all, ttl, nil
}

// instanceName reads the target of a PTR record: a label, and behind it the name where
// it was found. Others belong to somebody else (RFC 6763 section 4.1).
func instanceName(target, under string) (InstanceName, bool) {
	var wire [256]byte
	next, end := dns.NextLabel(target, 0)
	if _, err := dns.PackDomainName(target, wire[:], 0, nil, false); err != nil || end || dns.CanonicalName(target[next:]) != dns.CanonicalName(under) {
		return InstanceName{}, false
	}
	return InstanceName{string(wire[1 : 1+wire[0]]), target}, true
}

// hostIn is the host that the target of an SRV record means. Version 0.15 of XEP-0174
// put user@machine there.
func hostIn(target string) string {
	name := plainName(target)
	next, _ := dns.NextLabel(name, 0)
	if at := strings.LastIndex(name[:next], `@`); at >= 0 {
		return name[at+1:]
	}
	return name
}

// wireStrings are the strings of a TXT record as they stand on the wire.
func wireStrings(rr dns.RR) (list []string) {
	packet := make([]byte, dns.Len(rr)+1)
	end, err := dns.PackRR(rr, packet, 0, nil, false)
	if err != nil {
		return nil
	}
	_, header, err := dns.UnpackDomainName(packet, 0)
	if err != nil {
		return nil
	}
	const fixed = 10 // type, class, TTL and length (RFC 1035 section 3.2.1)
	for data := packet[header+fixed : end]; len(data) > 0 && int(data[0]) < len(data); {
		list = append(list, string(data[1:1+data[0]]))
		data = data[1+data[0]:]
	}
	return list
}

// shorter is the shorter of two times, 0 being none.
func shorter(a, b time.Duration) time.Duration {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// linkLocal reports whether a name is one of the local link, about which the DNS is never
// asked (RFC 6762 section 3).
func linkLocal(name string) bool { return name == "local" || strings.HasSuffix(name, ".local") }
