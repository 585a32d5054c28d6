package bridge

import (
	"meshbridge/bridge/policy"
)

// privileged takes in what a server allows us with the accounts of its domain
// (XEP-0356 section 4.2, GW-17). Each message says all of it. The rosters are the only
// thing we want, and only to read and write; messages in somebody's name would be
// forged whoever allows them (INJ-3).
func (g *Gateway) privileged(w parties) {
	domain, both := w.Colleague.JID, false
	for _, perm := range policy.Privilege(w.Stanza).Elements() {
		if perm.Name.Local == "perm" && perm.Attr("access") == "roster" {
			both = perm.Attr("type") == "both"
		}
	}
	if g.grants[domain] != both {
		g.log.Info("the server says whether people may be written into rosters", "domain", domain, "allowed", both)
	}
	delete(g.grants, domain)
	if both {
		g.grants[domain], g.lists.every = true, true
		g.enlistLater()
	}
}
