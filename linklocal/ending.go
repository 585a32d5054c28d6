package linklocal

import (
	"errors"
	"io"
	"time"

	"meshbridge/internal/stanza"
)

// end answers the end of reading: a stream error with its explanation, a closing
// tag with ours (RFC 6120 section 4.4). Nothing is said to a connection that is
// gone.
func (s *stream) end(err error) {
	var se *stanza.StreamError
	switch {
	case errors.Is(err, stanza.ErrClosed), errors.Is(err, errTheirs):
		s.m.call(func() { s.m.closing(s) })
		if s.closer.Load() {
			s.awaitWriter() // ours went first: it is for us to end the connection
			return
		}
		s.finish()
		s.drain(closeTimeout)
	case errors.As(err, &se):
		s.m.cfg.Count("LL-STR-23")
		s.enqueue(outgoing{data: stanza.AppendElement(nil, stanza.Client, se.Element())})
		s.finish()
		s.linger()
	}
}

// linger lets the peer read our last words: closing with its own unread would make
// its kernel throw them away.
func (s *stream) linger() {
	if !s.awaitWriter() {
		return
	}
	if c, ok := s.conn.(interface{ CloseWrite() error }); ok {
		_ = c.CloseWrite() // drain ends it in any case
	}
	s.drain(lingerTime)
}

// awaitWriter gives the writer a moment to finish, and reports whether it did.
func (s *stream) awaitWriter() bool {
	timeout := time.NewTimer(lingerTime)
	defer timeout.Stop()
	select {
	case <-s.quiet:
		return true
	case <-timeout.C:
		return false
	}
}

// drain reads and forgets until the peer closes the connection, for at most d.
func (s *stream) drain(d time.Duration) {
	if s.conn.SetReadDeadline(time.Now().Add(d)) == nil {
		_, _ = io.CopyN(io.Discard, s.conn, maxDrain)
	}
}
