package upstream

import (
	"fmt"
	"strings"

	"mellium.im/xmpp/jid"
)

// domain is a JID's domainpart in the normal form of RFC 7622 section 3.2.
type domain string

func parseDomain(s string) (domain, error) {
	j, err := jid.New("", s, "")
	if err != nil {
		return "", fmt.Errorf("component domain %q is no domain: %w: give the domain that the server has a component entry for, as lan.example.org", s, err)
	}
	if strings.ContainsAny(s, "@/") {
		return "", fmt.Errorf("component domain %q is an address: give its domain only, as lan.example.org", s)
	}
	return domain(j.Domainpart()), nil
}

// holds reports whether the JID address lies in d, comparing normal forms.
func (d domain) holds(address string) bool { return d.is(domainpart(address)) }

// is reports whether s is d in some spelling. The server's addresses come in
// normal form already, so the expensive comparison is rare.
func (d domain) is(s string) bool {
	if s == string(d) {
		return true
	}
	if plainDNS(s) {
		return strings.EqualFold(strings.TrimSuffix(s, "."), string(d))
	}
	j, err := jid.New("", s, "")
	return err == nil && j.Domainpart() == string(d)
}

// domainpart cuts an address as RFC 7622 section 3.1 does: the resource begins at
// the first slash, and the localpart ends at the first at-sign before it.
func domainpart(address string) string {
	bare, _, _ := strings.Cut(address, "/")
	if _, after, found := strings.Cut(bare, "@"); found {
		return after
	}
	return bare
}

// plainDNS reports whether s has one spelling only, but for case: ASCII, and no
// label that stands for an internationalised one.
func plainDNS(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
		if s[i]|0x20 == 'x' && len(s) >= i+4 && strings.EqualFold(s[i:i+4], "xn--") {
			return false
		}
	}
	return true
}
