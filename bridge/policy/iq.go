package policy

import (
	"slices"

	"meshbridge/internal/stanza"
)

// Role is in whose place the gateway is asked something by iq.
type Role uint8

const (
	AsComponent Role = 1 << iota // its own
	AsPeer                       // a peer's, by somebody upstream
	AsColleague                  // a colleague's, by a peer
)

// request is one line of the iq pass list: a get that the gateway answers, and
// in which roles.
type request struct {
	rule         string
	space, local string
	roles        Role
}

// requests is the iq pass list. Nothing is forwarded to anybody yet, and no set
// is answered at all; everything that is not here is service-unavailable. It is
// never changed.
var requests = [...]request{
	{rule: "MAP-X1", space: stanza.NSDiscoInfo, local: "query", roles: AsComponent | AsPeer | AsColleague},
	{rule: "MAP-X2", space: stanza.NSDiscoItems, local: "query", roles: AsComponent | AsPeer | AsColleague},
	{rule: "MAP-X5", space: stanza.NSVersion, local: "query", roles: AsComponent | AsColleague},
	{rule: "MAP-X6", space: stanza.NSPing, local: "ping", roles: AsComponent | AsPeer | AsColleague},
}

// Features lists the namespaces that the gateway answers in that role, sorted, as
// a disco#info answer has to name them: what is listed is answered and what is
// answered is listed (XEP-0030 section 3.1).
func Features(role Role) []string {
	var list []string
	for _, r := range requests {
		if r.roles&role != 0 {
			list = append(list, r.space)
		}
	}
	slices.Sort(list)
	return list
}

// answerIQ finds a well-formed request in the pass list.
func answerIQ(s stanza.Stanza, role Role) (Verdict, bool) {
	for _, r := range requests {
		if s.Type == "get" && s.Payload[0].Name == (stanza.Name{Space: r.space, Local: r.local}) && r.roles&role != 0 {
			return answer(r.rule)
		}
	}
	return refuse("INJ-18", NotServed)
}
