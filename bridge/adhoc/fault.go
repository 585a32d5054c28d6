package adhoc

import "meshbridge/internal/stanza"

// Fault is why a request was not served: an error, and what commands call it (XEP-0050
// section 4.4).
type Fault struct {
	stanza.Error
	Specific string // "" where the error says all
}

// The faults of this package. They are never changed.
var (
	malformedAction = badRequest("malformed-action")
	badAction       = badRequest("bad-action")
	badLocale       = badRequest("bad-locale")
	badPayload      = badRequest("bad-payload")
	badSession      = badRequest("bad-sessionid")
	expired         = &Fault{stanza.Error{Type: "cancel", Condition: "not-allowed"}, "session-expired"}
	busy            = &Fault{Error: stanza.Error{Type: "wait", Condition: "resource-constraint"}}
)

func badRequest(specific string) *Fault {
	return &Fault{stanza.Error{Type: "modify", Condition: "bad-request"}, specific}
}

// Answer returns the answer to a request that was not served.
func (f *Fault) Answer(s stanza.Stanza) stanza.Stanza {
	r, _ := stanza.Reply(s, f.Error) // a set may be answered
	if f.Specific != "" {
		r.Payload[len(r.Payload)-1].Add(stanza.New(NS, f.Specific))
	}
	return r
}
