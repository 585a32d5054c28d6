package policy

import "meshbridge/internal/stanza"

// Reason is why a stanza did not get through, as its sender is told: a condition
// of RFC 6120 section 8.3.3.
type Reason string

const (
	NeverSeen     Reason = "item-not-found"        // no such instance or colleague
	NotServed     Reason = "service-unavailable"   // nobody here does this, now or ever
	Forbidden     Reason = "forbidden"             // policy says no
	NotRegistered Reason = "registration-required" // policy would say yes to a subscriber
	Unreachable   Reason = "remote-server-timeout" // the stream to the peer failed
	TooLarge      Reason = "policy-violation"      // over a limit, or under the level asked for
	TooFast       Reason = "resource-constraint"   // over a rate, or no room to keep it
	Malformed     Reason = "bad-request"           // not a stanza RFC 6120 allows
	Unbearable    Reason = "not-acceptable"        // the server ends the stream on it
)

// StanzaError returns the error of that reason, with the type that tells the
// sender whether trying again makes sense, and without words: those are for the
// log.
func (r Reason) StanzaError() stanza.Error {
	kind := "cancel"
	switch r {
	case Forbidden, NotRegistered:
		kind = "auth"
	case Unreachable, TooFast:
		kind = "wait"
	case TooLarge, Malformed, Unbearable:
		kind = "modify"
	}
	return stanza.Error{Type: kind, Condition: string(r)}
}
