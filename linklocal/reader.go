package linklocal

import (
	"errors"
	"fmt"
	"time"

	"meshbridge/internal/stanza"
)

// converse runs an attached stream from here to its end. first is the stanza that
// came with the binding, if there was one.
func (m *Mesh) converse(s *stream, first *stanza.Element) {
	m.handlers.Go(s.write)
	err := s.read(first)
	s.in.drop()
	s.end(err)
	m.call(func() { m.detach(s, err) })
}

// read passes stanzas on until the stream ends, and says why it did.
func (s *stream) read(first *stanza.Element) error {
	if err := s.conn.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	s.rd.Trust()
	for e := first; ; {
		if e != nil {
			if err := s.admitted(e); err != nil {
				return err
			}
			if err := s.take(e); err != nil {
				return err
			}
			s.in.disclaim()
		}
		var err error
		if e, err = s.next(); err != nil {
			return err
		}
	}
}

// next reads one top-level element.
func (s *stream) next() (*stanza.Element, error) {
	e, err := s.rd.Next()
	if isTimeout(err) {
		s.m.cfg.Count("LL-STR-25")
		err = &stanza.StreamError{Condition: "connection-timeout", Text: "a large stanza that does not end"}
	}
	s.in.whole()
	return e, err
}

// take passes one top-level element on.
func (s *stream) take(e *stanza.Element) error {
	st, ok := stanza.Parse(e)
	if !ok {
		return s.other(e)
	}
	s.touch(&s.last)
	if err := admit(&st, s.instance, s.m.cfg.LenientFrom); err != nil {
		s.m.cfg.Count("INJ-5")
		return err
	}
	if st.Lang == "" {
		st.Lang = s.lang
	}
	s.m.post(func() { s.m.received(s, st) })
	return nil
}

// errTheirs is a stream error that the peer sent. It is not answered with one.
var errTheirs = errors.New("the peer ended the stream")

// other handles what is no stanza: features that came late, errors, negotiation
// that was not offered.
func (s *stream) other(e *stanza.Element) error {
	if se, ok := stanza.AsStreamError(e); ok {
		return fmt.Errorf("%w: %s", errTheirs, se.Condition)
	}
	if e.Name == (stanza.Name{Space: stanza.NSStream, Local: "features"}) {
		s.told.Do(func() { s.disclose(e); close(s.ready) })
		return nil
	}
	return &stanza.StreamError{Condition: "unsupported-stanza-type", Text: "message and iq only"}
}
