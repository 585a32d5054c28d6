package config

import (
	"errors"
	"slices"
	"strings"

	"meshbridge/resolver/uri"

	"mellium.im/xmpp/jid"
)

const writeXMPP = "write xmpp:alice@example.org"

// takeColleagues takes the list of remote users, no two alike and none in the
// component's own domain (INJ-10).
func (c *Config) takeColleagues(v value) {
	first := make(map[string]int) // bare JID to line
	v.each("write a list of entries, each with - uri: xmpp:alice@example.org", func(item value) {
		one := Colleague{Introduce: IntroduceRoster}
		if item.kind != table {
			item.fail("is "+item.kind.noun(), "write - uri: xmpp:alice@example.org, and nick: below uri")
			return
		}
		item.section(one.table())
		if one.JID.Equal(jid.JID{}) {
			return
		}
		path, name := item.path+".uri", one.JID.String()
		if line, twice := first[name]; twice {
			v.r.fail(path, name+" is listed twice, first on line "+itoa(line), "remove one of the two")
			return
		}
		first[name] = v.r.at[path].line
		c.Colleagues = append(c.Colleagues, one)
		v.r.finally(func() { c.refuseOwn(v.r, path, one.JID.Domainpart()) })
	})
}

// takeDomains takes access.domains, no two alike and not the component's own.
func (c *Config) takeDomains(v value) {
	v.each("write a list of domains, such as [example.org]", func(item value) {
		var name string
		domain(&name)(item)
		switch {
		case name == "":
		case slices.Contains(c.Access.Domains, name):
			item.fail(quote(name)+" is listed twice", "remove one of the two")
		default:
			c.Access.Domains = append(c.Access.Domains, name)
			v.r.finally(func() { c.refuseOwn(v.r, item.path, name) })
		}
	})
}

// takeAdmins takes access.admins, no two alike and nobody of the LAN.
func (c *Config) takeAdmins(v value) {
	v.each("write a list of addresses, such as [xmpp:alice@example.org]", func(item value) {
		var who jid.JID
		colleagueURI(&who)(item)
		switch name := who.String(); {
		case name == "":
		case slices.Contains(c.Access.Admins, name):
			item.fail(quote(name)+" is listed twice", "remove one of the two")
		default:
			c.Access.Admins = append(c.Access.Admins, name)
			v.r.finally(func() { c.refuseOwn(v.r, item.path, who.Domainpart()) })
		}
	})
}

// refuseOwn reports a remote address in the component's domain: everybody there
// is a person of the LAN, and a stanza to them would come back to us.
func (c *Config) refuseOwn(r *report, path, domain string) {
	if domain == c.Upstream.Domain {
		r.fail(path, "is in "+quote(domain)+", the component's own domain, where the people of the LAN are",
			"remove it: they appear by themselves")
	}
}

// colleagueURI takes the address of a person: an xmpp: URI (RFC 5122).
func colleagueURI(dst *jid.JID) func(value) {
	return func(v value) {
		text, ok := v.scalar(writeXMPP)
		if !ok {
			return
		}
		address, what, do := personOf(text)
		if what != "" {
			v.fail(what, do)
			return
		}
		*dst = address
	}
}

// personOf is the bare JID that a URI names; what is empty when it names one.
func personOf(text string) (person jid.JID, what, do string) {
	scheme, _, isURI := strings.Cut(text, ":")
	switch scheme = strings.ToLower(scheme); {
	case isURI && scheme == uri.XMPP:
	case isURI && slices.Contains([]string{uri.IM, uri.Pres, "tel", "sip", "sips"}, scheme):
		return person, scheme + ": addresses are not yet looked up in this version", writeXMPP
	case !isURI && strings.Contains(text, "@"):
		return person, quote(text) + " has no scheme", "write xmpp:" + plain(text)
	default:
		return person, quote(text) + " is not an xmpp: address", writeXMPP
	}
	u, err := uri.Parse(text)
	switch {
	case errors.Is(err, uri.ErrPercent):
		return person, quote(text) + " " + err.Error(), "write %25 for a percent sign"
	case err != nil:
		return person, quote(text) + " is not a JID (RFC 7622)", writeXMPP
	case u.Domain == "":
		return person, quote(text) + " names an account to log in as, not a person (RFC 5122 section 2.3)",
			"write one colon and no slashes: xmpp:" + plain(u.Account)
	case u.Local == "":
		return person, quote(text) + " names a server and not a person", writeXMPP
	case u.Resource != "":
		return person, quote(text) + " names one device of a person", "leave out the / and what follows"
	}
	person, err = jid.New(u.Local, u.Domain, "")
	if err != nil {
		return jid.JID{}, quote(text) + " is not a JID (RFC 7622)", writeXMPP
	}
	return person, "", ""
}

func nick(dst *string) func(value) {
	return func(v value) {
		do := "write a name of at most " + itoa(maxNick) + " bytes"
		text, ok := v.scalar(do)
		switch {
		case !ok:
		case strings.TrimSpace(text) == "":
			v.fail("is empty", do+", or remove the key")
		case len(text) > maxNick:
			v.fail("is too long", do)
		default:
			*dst = text
		}
	}
}

// domain takes one XMPP domain and stores it as RFC 7622 normalises it.
func domain(dst *string) func(value) {
	return func(v value) {
		const do = "write a domain, such as lan.example.org"
		text, ok := v.scalar(do)
		if !ok {
			return
		}
		name, ok := normalDomain(text)
		if !ok {
			v.fail(quote(text)+" is not a domain", do)
			return
		}
		*dst = name
	}
}

// normalDomain is s in the form in which JIDs carry it. An IP address is a
// domain of a JID but none that a user of this program could mean.
func normalDomain(s string) (string, bool) {
	j, err := jid.New("", strings.TrimSuffix(s, "."), "")
	if err != nil || strings.Trim(s, "0123456789.") == "" || strings.ContainsAny(s, "@/:[] ") {
		return "", false
	}
	labels := strings.Split(j.Domainpart(), ".")
	return j.Domainpart(), !slices.Contains(labels, "")
}
