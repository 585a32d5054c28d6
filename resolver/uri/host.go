package uri

import (
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/net/idna"
)

const (
	maxName  = 253 // octets of a DNS name in text, without the dot at its end (RFC 1035 section 2.3.4)
	maxLabel = 63
)

// plainHost reports whether s holds nothing that separates the parts of a JID or
// cannot stand in any name, and no empty label. The JID library lets some of these
// pass; it is asked about both what was written and what that was normalised to.
func plainHost(s string) bool {
	if inner, ok := strings.CutPrefix(s, "["); ok {
		ip, err := netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		return err == nil && ip.Is6() && ip.Zone() == "" && strings.HasSuffix(inner, "]")
	}
	s = strings.TrimSuffix(s, ".")
	bad := strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r == 0x7f || strings.ContainsRune("\"#%&'()*,/:;<=>?@[\\]^`{|}", r)
	})
	return s != "" && !bad && !strings.Contains("."+s+".", "..")
}

// ASCII is a domain as it is asked of DNS: A-labels, lower case, no dot at the end
// (RFC 7622 section 3.2, RFC 5891). A domain that DNS cannot carry is an error.
func ASCII(domain string) (string, error) {
	name, err := dnsProfile().ToASCII(strings.TrimSuffix(domain, "."))
	if err != nil || !DNSName(name) {
		return "", fmt.Errorf("%w: its domain is no DNS name", ErrAddress)
	}
	return strings.ToLower(name), nil
}

// FQDN is ASCII for a domain that DNS can be asked about wherever one is: a name of
// two labels or more, outside .local, and no IP address. What a single label would mean is a local
// matter (RFC 3861 section 3), and nothing here completes it.
func FQDN(domain string) (string, error) {
	if _, err := netip.ParseAddr(strings.Trim(domain, "[]")); err == nil {
		return "", fmt.Errorf("%w: %s is an IP address", ErrNotFQDN, domain)
	}
	name, err := ASCII(domain)
	switch {
	case err != nil:
		return "", fmt.Errorf("%w: DNS has no such names", ErrNotFQDN)
	case !strings.Contains(name, "."):
		return "", fmt.Errorf("%w: %s is a single label", ErrNotFQDN, name)
	case strings.HasSuffix(name, ".local"):
		return "", fmt.Errorf("%w: %s is asked for on the local link only (RFC 6762 section 3)", ErrNotFQDN, name)
	case !strings.ContainsAny(name[strings.LastIndexByte(name, '.'):], "abcdefghijklmnopqrstuvwxyz"):
		return "", fmt.Errorf("%w: %s ends in a number", ErrNotFQDN, name)
	}
	return name, nil
}

// dnsProfile is IDNA2008 as for looking a name up (RFC 5891 section 5), except that
// underscores pass: which ASCII may stand in a name is DNSName's to say.
func dnsProfile() *idna.Profile {
	return idna.New(idna.MapForLookup(), idna.BidiRule(), idna.Transitional(false), idna.StrictDomainName(false))
}

// DNSName reports whether s may be asked of DNS: every label is of letters, digits,
// hyphens and underscores, and all lengths are within those of RFC 1035. It has no
// dot at its end.
func DNSName(s string) bool {
	if s == "" || len(s) > maxName {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > maxLabel ||
			strings.Trim(label, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
			return false
		}
	}
	return true
}
