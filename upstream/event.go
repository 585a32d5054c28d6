package upstream

import (
	"time"

	"meshbridge/internal/stanza"
)

// Event is what a Link tells its handler: one of [Up], [Received], [Routed],
// [TooBig], [Shared], [Down], [Waiting].
type Event interface{ event() }

// Up tells that the server answered <handshake/>: stanzas may be sent from now on,
// by this Session. The server knows nothing of what an earlier one sent.
type Up struct{ Session *Session }

// Received is a stanza for the component: it carries from and to, to lies in the
// component's domain and from does not.
type Received struct {
	Session *Session
	Stanza  stanza.Stanza
}

// Routed tells that everything sent on the session with a number up to and
// including Seq has passed through the server.
type Routed struct {
	Session *Session
	Seq     uint64
}

// TooBig is a stanza for the component that was larger than Config.MaxStanza and
// has been passed over. Head has its addresses, id and type, and no payload.
type TooBig struct {
	Session *Session
	Head    stanza.Stanza
}

// Shared tells that another connection serves the same component and the server
// gives it a part of what is for this one, or that it is gone again: what was
// missed meanwhile is to be asked for anew (COMP-17).
type Shared struct {
	Session *Session
	On      bool
}

// Down tells that the session is over, or that an attempt to get one failed. It
// comes once after each Up, before anything is tried again; after it the session
// accepts nothing more, and what it had not reported Routed may or may not have
// passed.
type Down struct {
	Session *Session // nil when the attempt never got that far
	Target  string   // the address tried; empty when there was none to try
	Err     error    // says what to do, where something can be done
	Class   Class

	// Alone is the number of the stanza that had been written and not routed when
	// a server ended the session for no known reason, if it was the only such: the
	// server may not bear that stanza. 0 when there is nobody to suspect.
	Alone uint64
}

// Waiting tells that the whole list of targets was tried and nothing will be tried
// for a while.
type Waiting struct {
	For     time.Duration
	Refused bool // a server does not want us, or lets another take our place: a person has to mend it
}

func (Up) event()       {}
func (Received) event() {}
func (Routed) event()   {}
func (TooBig) event()   {}
func (Shared) event()   {}
func (Down) event()     {}
func (Waiting) event()  {}

// Class says what a failure means for the next attempt.
type Class int

const (
	// Transient: the network or the server failed; the Link tries again, the
	// next target at once and the list again within 60 s.
	Transient Class = iota

	// Conflict: the server has another connection for this component, often the
	// Link's own that it has not yet noticed to be dead. As Transient, but three
	// within 60 s bring a pause of 5 minutes, for then it is another program.
	Conflict

	// Refused: the server does not know this component or its secret. The Link
	// tries again after 5 minutes; somebody must mend the configuration.
	Refused

	// Stopped: the context ended and the stream was closed in order.
	Stopped
)

// String returns the name of the class as it stands in the log.
func (c Class) String() string {
	switch c {
	case Transient:
		return "transient"
	case Conflict:
		return "conflict"
	case Refused:
		return "refused"
	case Stopped:
		return "stopped"
	}
	return "unknown"
}
