package upstream

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"meshbridge/internal/stanza"
)

// Session is one authenticated connection: it exists only because the server has
// answered <handshake/> on it. Its methods may be called from any goroutine.
type Session struct {
	domain domain
	max    int    // bytes of one stanza
	target string // the address that was dialled
	since  time.Time

	wake    chan struct{} // cap 1: something for the writer to look at
	written chan struct{} // closed when the writer has left
	conn    net.Conn      // written by the writer only; its deadlines are set under mu

	mu       sync.Mutex
	phase    phase     // guarded by mu
	queue    queue     // guarded by mu
	window   window    // guarded by mu
	flushBy  time.Time // guarded by mu; end of the time for flushing
	farewell []byte    // guarded by mu; the last bytes of an ended session
	gaveUp   error     // guarded by mu; why the writer ended the session
}

// phase is how far a session has come. It only grows.
type phase int

const (
	open    phase = iota
	closing       // no more is accepted, the queue is being flushed
	ended         // nothing is written any more but the farewell
)

func newSession(conn net.Conn, target string, d domain, limit int, now time.Time) *Session {
	return &Session{
		domain:  d,
		max:     limit,
		target:  target,
		since:   now,
		wake:    make(chan struct{}, 1),
		written: make(chan struct{}),
		conn:    conn,
		window:  window{sweep: sweep{next: now}},
	}
}

// Target returns the address of the server this session is with.
func (s *Session) Target() string { return s.target }

// Since returns when the server answered <handshake/>.
func (s *Session) Since() time.Time { return s.since }

// Send queues a stanza and returns its number, which grows by one with each stanza
// accepted and which [Routed] refers to. It never blocks.
//
// Errors, each to be compared with errors.Is: ErrClosed, ErrQueueFull, ErrTooBig,
// ErrIncomplete and ErrForeignFrom. A stanza refused has no number and will not be
// written. One accepted is written on this connection or not at all.
func (s *Session) Send(st stanza.Stanza) (seq uint64, err error) {
	if err := s.domain.mayWrite(st); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase != open {
		return 0, ErrClosed
	}
	seq, err = s.queue.push(st, s.max)
	if err != nil {
		return 0, err
	}
	if isQuestion(st) {
		s.window.asked(st.ID, seq)
	}
	s.nudge()
	return seq, nil
}

// isQuestion reports whether somebody is to answer a stanza.
func isQuestion(st stanza.Stanza) bool {
	return st.Kind == stanza.IQ && (st.Type == "get" || st.Type == "set")
}

// mayWrite checks what XEP-0114 section 3 demands of a stanza that a component
// writes. A server may answer a breach by ending the stream for everybody.
func (d domain) mayWrite(st stanza.Stanza) error {
	switch {
	case st.Kind != stanza.Message && st.Kind != stanza.Presence && st.Kind != stanza.IQ:
		return fmt.Errorf("%w: it is a %q", ErrIncomplete, st.Kind)
	case !writable(st.From):
		return fmt.Errorf("%w: from", ErrIncomplete)
	case !writable(st.To):
		return fmt.Errorf("%w: to", ErrIncomplete)
	case st.Kind == stanza.IQ && !writable(st.ID):
		return fmt.Errorf("%w: id", ErrIncomplete)
	case st.Kind == stanza.IQ && !iqType(st.Type):
		return fmt.Errorf("%w: type", ErrIncomplete)
	case !d.holds(st.From):
		return ErrForeignFrom
	}
	return nil
}

// writable reports whether an attribute's value stands on the wire as it is. One
// that the writer would have to clean might be empty then, or another address.
func writable(value string) bool { return value != "" && stanza.Clean(value) == value }

func iqType(t string) bool {
	return t == "get" || t == "set" || t == "result" || t == "error"
}

// nudge makes the writer look again.
func (s *Session) nudge() {
	select {
	case s.wake <- struct{}{}:
	default: // it has not yet looked since the last nudge
	}
}

// stop closes the session in order: no more is accepted, the queue is written, then
// the closing tag.
func (s *Session) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase == open {
		s.phase = closing
		s.flushBy = time.Now().Add(flushTimeout)
		s.conn.SetWriteDeadline(s.flushBy)
		s.nudge()
	}
}

// end ends the session at once: the queue is thrown away and nothing is written any
// more but the farewell.
func (s *Session) end(farewell []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase == ended {
		return
	}
	s.phase = ended
	s.queue = queue{}
	s.farewell = farewell
	s.conn.SetWriteDeadline(time.Now().Add(farewellTimeout))
	s.nudge()
}

// giveUp ends the session because its writer cannot go on, and makes the reader
// notice. The reader gets a grace: a server that closes on us has often just told
// why.
func (s *Session) giveUp(cause error, grace time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase == ended {
		return // the reader was first, and knows better
	}
	s.phase = ended
	s.queue = queue{}
	s.gaveUp = cause
	s.conn.SetReadDeadline(time.Now().Add(grace))
}

// takeCare makes the session write one stanza at a time for a while.
func (s *Session) takeCare() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.window.careful = s.since.Add(careTime)
}

// pending returns how many stanzas were written and are not known routed, and the
// number of the last of them.
func (s *Session) pending() (n, last uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.window.pending(), s.window.seq
}

// causeOf returns why the session ended, given what its reader ended with: the
// server's own word, or else the writer's reason, of which the reader saw only the
// consequence.
func (s *Session) causeOf(read error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, said := errors.AsType[*ServerError](read); said || s.gaveUp == nil {
		return read
	}
	return s.gaveUp
}
