package upstream

import "meshbridge/internal/stanza"

// Event is what a Link tells its handler: one of [Up], [Received], [Routed],
// [TooBig], [Down].
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

// Down tells that the session is over, or that an attempt to get one failed. It
// comes once after each Up, before anything is tried again; after it the session
// accepts nothing more, and what it had not reported Routed may or may not have
// passed.
type Down struct {
	Session *Session // nil when the attempt never got that far
	Target  string   // the address tried; empty when there was none to try
	Err     error    // says what to do, where something can be done
	Class   Class
}

func (Up) event()       {}
func (Received) event() {}
func (Routed) event()   {}
func (TooBig) event()   {}
func (Down) event()     {}

// Class says what a failure means for the next attempt.
type Class int

const (
	// Transient: the network or the server failed; the Link tries again, the
	// next target at once and the list again within 60 s.
	Transient Class = iota

	// Conflict: the server has another connection for this component, often the
	// Link's own that it has not yet noticed to be dead. As Transient, but three
	// within 60 s bring a pause of 5 minutes.
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
