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

// request is one line of the iq pass list: in which roles the gateway deals with it.
type request struct {
	rule         string
	space, local string
	get, set     Role // answered
	ask          Role // answered after asking whom the question is for, where that is possible
	ifCan        Role // answered only if that one can
	away         Role // answered also while that one is away
}

// requests is the iq pass list. Everything that is not here is service-unavailable.
// No iq is ever passed on as it is: where somebody is asked, it is in the gateway's
// own words. It is never changed.
var requests = [...]request{
	{rule: "MAP-X1", space: stanza.NSDiscoInfo, local: "query", get: AsComponent | AsPeer | AsColleague, ask: AsPeer},
	{rule: "MAP-X2", space: stanza.NSDiscoItems, local: "query", get: AsComponent | AsPeer | AsColleague},
	{rule: "MAP-X3", space: stanza.NSVCard, local: "vCard", get: AsComponent | AsPeer | AsColleague, ask: AsPeer},
	{rule: "MAP-X5", space: stanza.NSVersion, local: "query", get: AsComponent | AsPeer | AsColleague, ask: AsPeer, ifCan: AsPeer},
	{rule: "MAP-X6", space: stanza.NSPing, local: "ping", get: AsComponent | AsPeer | AsColleague, ask: AsPeer},
	{rule: "MAP-X7", space: stanza.NSTime, local: "time", get: AsComponent | AsPeer, ask: AsPeer, ifCan: AsPeer},
	{rule: "MAP-X8", space: stanza.NSLast, local: "query", get: AsComponent | AsPeer, away: AsPeer},
	{rule: "GW-20", space: stanza.NSCommands, local: "command", set: AsComponent},
	{rule: "GW-13", space: stanza.NSGateway, local: "query", get: AsComponent, set: AsComponent},
	{rule: "GW-3", space: stanza.NSRegister, local: "query", get: AsComponent, set: AsComponent},
}

// ways are features of the component that are no requests: how it is addressed and
// how it says what it can.
var ways = [...]string{stanza.NSCaps, `jid\20escaping`}

// passing are features of a client that are no requests and do cross: payloads of
// messages that bridge/translate lets through in both directions.
var passing = [...]string{
	stanza.NSCaps, stanza.NSChatStates, "urn:xmpp:receipts",
	"urn:xmpp:message-correct:0", "urn:xmpp:chat-markers:0", "jabber:x:oob",
}

// Features lists the namespaces that the gateway answers in that role whoever it
// stands for, sorted, as a disco#info answer has to name them: what is listed is
// answered and what is answered is listed (XEP-0030 section 3.1).
func Features(role Role) []string {
	var list []string
	for _, r := range requests {
		if (r.get|r.set)&role != 0 && r.ifCan&role == 0 {
			list = append(list, r.space)
		}
	}
	if role == AsComponent {
		list = append(list, ways[:]...)
	}
	slices.Sort(list)
	return list
}

// Reachable reports whether a feature that a peer's client has is of any use to
// somebody upstream: whether what belongs to it crosses, or is answered.
func Reachable(feature string) bool {
	answered := func(r request) bool { return r.space == feature && r.get&AsPeer != 0 }
	return slices.ContainsFunc(requests[:], answered) || slices.Contains(passing[:], feature)
}

// find returns the line of a well-formed request in the pass list, if it is there
// for that role.
func find(s stanza.Stanza, role Role) (request, bool) {
	for _, r := range requests {
		roles := r.get
		if s.Type == "set" {
			roles = r.set
		}
		if roles&role != 0 && s.Payload[0].Name == (stanza.Name{Space: r.space, Local: r.local}) {
			return r, true
		}
	}
	return request{}, false
}

// answerIQ decides on a well-formed request.
func answerIQ(s stanza.Stanza, role Role) (Verdict, bool) {
	r, known := find(s, role)
	switch {
	case !known:
		return refuse("INJ-18", NotServed)
	case r.ask&role != 0:
		return Verdict{Action: Ask, Rule: r.rule}, true
	}
	return answer(r.rule)
}
