package policy

import (
	"strings"

	"meshbridge/internal/stanza"
)

// Action is what the gateway has to do with a stanza.
type Action uint8

const (
	// Drop: do nothing, beyond counting.
	Drop Action = iota
	// Relay: let it cross, as bridge/translate writes it. A message to a known
	// peer who is away is relayed too: it waits in the outbox.
	Relay
	// Answer: the gateway itself deals with it, and tells neither side.
	Answer
	// Ask: answer when the one it is for has been asked, in the gateway's own
	// words. Where that is not possible, Answer from what is known.
	Ask
	// Refuse: tell the sender no, with Verdict.Reply.
	Refuse
)

// Verdict is what is to be done with a stanza and why.
type Verdict struct {
	Action Action
	Rule   string       // the rule it rests on, to count under; "" when nothing stood against it
	Error  stanza.Error // what a refused message or iq is answered with
}

// Reply returns what a refused sender gets, with swapped addresses: an error, or
// for a presence "unsubscribed" from the bare address (RFC 6121 section 3.2). It
// reports false where the verdict is no refusal or no answer is allowed.
func (v Verdict) Reply(s stanza.Stanza) (stanza.Stanza, bool) {
	if v.Action != Refuse {
		return stanza.Stanza{}, false
	}
	if s.Kind == stanza.Presence {
		from, _, _ := strings.Cut(s.To, "/")
		to, _, _ := strings.Cut(s.From, "/")
		return stanza.Stanza{Kind: stanza.Presence, From: from, To: to, Type: "unsubscribed"}, true
	}
	return stanza.Reply(s, v.Error)
}

// Level is how much is known about who is behind a mesh stream; each level
// includes those before it.
type Level uint8

const (
	Unbound       Level = iota // nothing
	Bound                      // advertised records and source address fit the claimed instance
	Approved                   // and a person with authority said yes to it
	Linked                     // and it proved to own an XMPP account
	Authenticated              // and TLS and SASL protect the stream
)

// Target is what the address in a stanza's "to" stands for.
type Target uint8

const (
	// Impossible is an address that never was and never will be anybody's.
	Impossible Target = iota
	// Unknown is a possible address of nobody known. An instance that is not
	// published, and a proxy JID whose peer was never seen, are that.
	Unknown
	// Awaited is an Unknown one of the form that peers' addresses have: somebody
	// may well come who has it.
	Awaited
	// Person is the peer or colleague on the other side.
	Person
	// Gateway is the gateway itself: the bare component domain, or its control
	// instance on the mesh.
	Gateway
	// OwnSide is somebody on the side the stanza comes from: another peer, or
	// the proxy JID of a proxy instance, which is another colleague.
	OwnSide
)

// Peer is the mesh end of a case, as the gateway knows it.
type Peer struct {
	Level   Level // of the stream a stanza came on; not looked at towards the mesh
	Present bool  // advertised by DNS-SD now
	Denied  bool  // the colleague, or an admin, said no to it
	Gateway bool  // marked as published by a bridge (TXT key "gw")
}

// Colleague is the XMPP end of a case, as the gateway knows it.
type Colleague struct {
	JID        string // bare, in the normal form of RFC 7622
	Subscribed bool   // to the presence of the address in question
	Registered bool   // with the gateway
	Left       bool   // has ended the registration that the admin's list stands for
}

// Block says which of a peer and a colleague does not want to hear of the other.
type Block uint8

const (
	ByColleague Block = 1 << iota
	ByPeer
)

// RuleBlock is what a refusal for a Block is counted under: it is nobody's rule but
// that of the one who blocked.
const RuleBlock = "block"

// Case is everything the verdict about one stanza depends on, besides Policy.
type Case struct {
	Stanza    stanza.Stanza
	Target    Target    // what Stanza.To stands for
	Peer      Peer      // sender of what comes from the mesh, else recipient
	Colleague Colleague // recipient of what comes from the mesh, else sender
	Blocked   Block     // between Peer and Colleague
	Relayed   bool      // Stanza has the id of a message relayed the other way between these two in the last 10 minutes, or answers what the gateway asked its sender
}

// Policy is what the admin allows. It is never changed after it was made; the
// JIDs and domains in it have the normal form of RFC 7622.
type Policy struct {
	Domain  string          // the component domain
	Listed  map[string]bool // bare JIDs of the colleagues in the config
	Domains map[string]bool // domains whose users may subscribe and register
	Admins  map[string]bool // bare JIDs of those who command the gateway
	Mesh    Level           // what a peer needs; below Bound counts as Bound
	MaxBody int             // octets of a message's bodies together; 0 is 64 KiB
}

// defaultMaxBody is a long letter. As libpurple writes it, twice and escaped, it
// can take half a megabyte of a stream.
const defaultMaxBody = 64 << 10

// MaySubscribe reports whether the owner of a bare JID may subscribe to peers and
// register: listed colleagues and users of the admitted domains, never anybody
// of the component domain itself.
func (p Policy) MaySubscribe(bareJID string) bool {
	domain := domainOf(bareJID)
	return bareJID != "" && !p.owns(domain) && (p.Listed[bareJID] || p.Domains[domain])
}

// MayTalk reports whether stanzas may cross between a peer and a colleague: by
// the admin's list, or because the colleague asked for it by subscribing to the
// peer or registering and still may. The default is no.
func (p Policy) MayTalk(c Colleague) bool {
	return p.MaySubscribe(c.JID) && (p.joined(c) || c.Subscribed)
}

// MayAppear reports whether a colleague's presence may be shown on the mesh: only
// of those who opted in, by registering or through the admin's list.
func (p Policy) MayAppear(c Colleague) bool {
	return p.MaySubscribe(c.JID) && p.joined(c)
}

// joined reports whether a colleague opted in. Being listed is that until the
// colleague says otherwise.
func (p Policy) joined(c Colleague) bool { return c.Registered || p.Listed[c.JID] && !c.Left }

// owns reports whether domain is the component domain.
func (p Policy) owns(domain string) bool { return strings.EqualFold(domain, p.Domain) }

// domainOf returns the domain of a JID (RFC 7622 section 3.1).
func domainOf(jid string) string {
	jid, _, _ = strings.Cut(jid, "/")
	return jid[strings.LastIndexByte(jid, '@')+1:]
}
