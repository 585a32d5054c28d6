package resolver

import (
	"net/netip"
	"strings"

	"meshbridge/resolver/uri"
)

// fqdn is a domain in A-labels, if DNS can be asked about it: a name of two labels or
// more, and no IP address. What a single label would mean is a local matter (RFC
// 3861 section 3), and nothing here completes it.
func fqdn(domain string) (string, error) {
	if _, err := netip.ParseAddr(strings.Trim(domain, "[]")); err == nil {
		return "", &Error{Kind: ErrNotFQDN, Detail: domain + " is an IP address", Advice: writeFQDN}
	}
	name, err := uri.ASCII(domain)
	switch {
	case err != nil:
		return "", &Error{Kind: ErrNotFQDN, Detail: "DNS has no such names", Advice: writeFQDN}
	case !strings.Contains(name, "."):
		return "", &Error{Kind: ErrNotFQDN, Detail: domain + " is a single label", Advice: writeFQDN}
	case !strings.ContainsAny(name[strings.LastIndexByte(name, '.'):], "abcdefghijklmnopqrstuvwxyz"):
		return "", &Error{Kind: ErrNotFQDN, Detail: domain + " ends in a number", Advice: writeFQDN}
	}
	return name, nil
}
