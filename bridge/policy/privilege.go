package policy

import (
	"strings"

	"meshbridge/internal/stanza"
)

// Privilege returns what a server tells a component about the rights that it has been
// given (XEP-0356 section 4.2, of version 0.3 or later), nil when nothing is told.
func Privilege(s stanza.Stanza) *stanza.Element {
	for _, space := range [...]string{"urn:xmpp:privilege:2", "urn:xmpp:privilege:1"} {
		if e := s.Child(space, "privilege"); e != nil && s.Kind == stanza.Message {
			return e
		}
	}
	return nil
}

// serverPrivilege: GW-17. Rights over the accounts of a domain are given by that
// domain itself and nobody in it: servers let nobody else write from there.
func serverPrivilege(c Case, p Policy) (Verdict, bool) {
	switch {
	case c.Target != Gateway || Privilege(c.Stanza) == nil:
		return noOpinion()
	case strings.ContainsAny(c.Stanza.From, "@/") || !p.knows(c.Colleague.JID):
		return drop("GW-17")
	}
	return answer("GW-17")
}

// knows reports whether a domain is that of anybody who may cross.
func (p Policy) knows(domain string) bool {
	if p.Domains[domain] {
		return true
	}
	for jid := range p.Listed {
		if domainOf(jid) == domain {
			return true
		}
	}
	return false
}
