package mdns

import "slices"

// Service describes one DNS-SD service instance to be published (RFC 6763 section 4).
type Service struct {
	Type     string   // such as "_presence._tcp", without domain
	Instance string   // one label of 1 to 63 octets, raw: dots and UTF-8 are data
	Port     uint16   // of the SRV record, the one really listened on
	TXT      []string // up to 255 octets each, as on the wire; none at all is fine
	// Null is the rdata of a NULL record: larger data about the instance, said when it changes
	// or is asked for. It stands under the instance's name, and under the one that comes of
	// taking the dots of the instance for separators, where clients look for it that write
	// names as text. "" is no such record; over MaxNull octets cannot be sent and is none.
	Null string
	// Rename yields the n-th other name (n >= 1) after conflicts; nil appends "-n".
	// A name that does not differ from one tried before ends in Failed.
	Rename func(n int) string
	// Kin reports whether who probes for the name with that TXT is of our own kind. The name
	// is defended against those alone and left to all others, who may be unable to take
	// another. It runs on the engine's goroutine; nil is nobody.
	Kin func(txt []string) bool
	// Notify learns what becomes of the service; nil is allowed. It runs on the engine's
	// goroutine and must not block.
	Notify func(Status)
}

// State is where a publication stands.
type State int

// States of a publication.
const (
	Probing   State = iota // asking whether the name is free (RFC 6762 section 8.1)
	Announced              // the first announcement left on every joined interface (section 8.3)
	Renamed                // the name was taken, Status.Instance is the next, probing again (section 9)
	Failed                 // given up, see Status.Err; nothing is published
	Withdrawn              // goodbye was said, or there was nothing to say it for
)

// String names the state in lower case, for logs.
func (s State) String() string {
	names := []string{"probing", "announced", "renamed", "failed", "withdrawn"}
	if s < 0 || int(s) >= len(names) {
		return "unknown"
	}
	return names[s]
}

// Status is one step in the life of a publication.
type Status struct {
	State    State
	Instance string // the current name
	Err      error  // why, for Failed; ends with what to do
}

// Publication is the handle of a published service. Its methods may be called from any
// goroutine, also from Notify, and never block.
type Publication struct {
	e *Engine
	s *service
}

// Publish offers a service on every joined interface, now and whenever one comes up. It
// returns at once and works before Run; what becomes of it is told to s.Notify.
func (e *Engine) Publish(s Service) *Publication {
	s.TXT = slices.Clone(s.TXT)
	p := &Publication{e: e, s: newService(e, s)}
	e.post(p.s.start)
	return p
}

// Set replaces the TXT and the NULL record, as SetTXT does. The NULL record is said first, so
// that who reads of it in the TXT record finds the new one (XEP-0174 section 11.2).
func (p *Publication) Set(txt []string, null string) {
	txt = slices.Clone(txt)
	p.e.post(func() { p.s.set(content{p.s.encode(txt), p.s.fitting(null)}) })
}

// SetTXT replaces the TXT record. Updates are coalesced: at least 2 s apart, at most ten a
// minute, and the last one always gets out (RFC 6762 section 8.4, LL-5-3). The same TXT
// again sends nothing. After Withdraw it does nothing.
func (p *Publication) SetTXT(txt []string) {
	txt = slices.Clone(txt)
	p.e.post(func() { p.s.set(content{p.s.encode(txt), p.s.latest().null}) })
}

// Withdraw ends the publication with a goodbye for PTR, SRV, TXT and NULL (RFC 6762 section
// 10.1). Doing it twice is no error.
func (p *Publication) Withdraw() { p.e.post(p.s.withdraw) }
