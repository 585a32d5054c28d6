package resolver

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/miekg/dns"
)

// question is what is asked: a name in A-labels without the dot at its end, and
// the type A, AAAA or SRV.
type question struct {
	name string
	kind uint16
}

// String is the question as "_im._xmpp.example.com. SRV".
func (q question) String() string { return q.name + ". " + dns.TypeToString[q.kind] }

// address is an address of a host.
type address struct {
	ip  netip.Addr
	ttl uint32
}

// record is an SRV record as it was answered.
type record struct {
	priority, weight, port uint16
	target                 string // lower case, no dot at the end; "" for the root
	ttl                    uint32
}

func (s record) String() string {
	return fmt.Sprintf("%d %d %d %s.", s.priority, s.weight, s.port, s.target)
}

// reply is what an answer says about a question. What the question does not lead to
// is left out, except for the additional addresses, which are asked for by name.
type reply struct {
	end       string // where the aliases in the answer lead; the question's name if there are none
	hops      int    // how many they are
	services  []record
	addresses []address
	extra     map[string][]address // the additional section, by name
	negative  bool                 // NXDOMAIN: the end of the chain does not exist
}

// readReply takes from an answer what belongs to the question. An alias in its place
// is followed within the answer (RFC 3861 section 4).
func readReply(m *dns.Msg, q question) (reply, error) {
	r := reply{end: q.name, negative: m.Rcode == dns.RcodeNameError}
	var err error
	if r.end, r.hops, err = aliasEnd(m, q.name); err != nil {
		return r, err
	}
	for _, rr := range m.Answer {
		if plainName(rr.Header().Name) != r.end || rr.Header().Class != dns.ClassINET {
			continue
		}
		r.take(rr, q.kind)
	}
	r.takeExtra(m.Extra)
	return r, nil
}

// aliasEnd is where the aliases of an answer lead from a name, and how many they are.
func aliasEnd(m *dns.Msg, name string) (end string, hops int, err error) {
	aliases := make(map[string]string)
	for _, rr := range m.Answer {
		if c, ok := rr.(*dns.CNAME); ok && c.Hdr.Class == dns.ClassINET {
			aliases[plainName(c.Hdr.Name)] = plainName(c.Target)
		}
	}
	end = name
	for next, ok := aliases[end]; ok; next, ok = aliases[end] {
		if hops++; hops > maxAliases {
			return end, hops, aliasError(name)
		}
		end = next
	}
	return end, hops, nil
}

// take keeps a record of the type that was asked for.
func (r *reply) take(rr dns.RR, kind uint16) {
	if rr.Header().Rrtype != kind {
		return
	}
	if s, ok := rr.(*dns.SRV); ok {
		r.services = append(r.services, record{s.Priority, s.Weight, s.Port, plainName(s.Target), ttlOf(rr)})
	} else if a, ok := addressOf(rr); ok {
		r.addresses = append(r.addresses, a)
	}
}

func (r *reply) takeExtra(section []dns.RR) {
	r.extra = make(map[string][]address)
	for _, rr := range section {
		if a, ok := addressOf(rr); ok && rr.Header().Class == dns.ClassINET {
			name := plainName(rr.Header().Name)
			r.extra[name] = append(r.extra[name], a)
		}
	}
}

// addressOf is the address that a record holds, if it holds one that a host can have.
func addressOf(rr dns.RR) (address, bool) {
	var ip netip.Addr
	var ok bool
	switch rr := rr.(type) {
	case *dns.A:
		ip, ok = netip.AddrFromSlice(rr.A.To4())
	case *dns.AAAA:
		ip, ok = netip.AddrFromSlice(rr.AAAA.To16())
		// Neither leads to a host: the one hides an IPv4 address, the other has no zone.
		ok = ok && !ip.Is4In6() && !ip.IsLinkLocalUnicast()
	}
	if !ok || ip.IsUnspecified() || ip.IsMulticast() {
		return address{}, false
	}
	return address{ip, ttlOf(rr)}, true
}

// ttlOf is a TTL as RFC 2181 section 8 reads it, with a cap.
func ttlOf(rr dns.RR) uint32 {
	ttl := rr.Header().Ttl
	if ttl > 1<<31-1 {
		return 0
	}
	return min(ttl, maxTTL)
}

// plainName is a name as this package compares them: lower case, no dot at the end.
// What the library had to escape stays escaped, and so is the name of no host.
func plainName(s string) string { return strings.TrimSuffix(dns.CanonicalName(s), ".") }

func aliasError(name string) error {
	return &Error{Kind: ErrAliases, Detail: "from " + name + " on they are a loop, more than 8, or no names",
		Advice: "tell who runs that zone"}
}
