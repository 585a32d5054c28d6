package linklocal

import (
	"time"

	"meshbridge/internal/stanza"
	"meshbridge/linklocal/mdns"
	"meshbridge/linklocal/pace"
)

// admitted waits until the rates allow one more stanza of the peer (INJ-19). Meanwhile
// the stream passes nothing on, and takes in no more than there is room for: TCP
// holds the peer back then. Nothing is lost, unless the peer goes on like that for
// too long.
func (s *stream) admitted(e *stanza.Element) error {
	s.in.flood.stanzas++
	w := s.m.rates.Take(mdns.Fold(s.instance), s.wake)
	if w == nil {
		return nil
	}
	if err := s.hold(w); err != nil {
		s.m.rates.Cancel(w)
		return err
	}
	if !s.in.flood.longer(time.Now(), s.m.rates.Rates().Each, s.in.ahead) {
		return nil
	}
	s.m.cfg.Count("INJ-19")
	s.m.cfg.Log.Warn("a peer sends far too much, its stream is closed", "peer", s.instance)
	if st, ok := stanza.Parse(e); ok {
		s.m.bounce(s, st, stanza.Error{Type: "wait", Condition: "resource-constraint", Text: "you send too fast"})
	}
	return &stanza.StreamError{Condition: "resource-constraint", Text: "you send too fast"}
}

// wake ends a read that takes in ahead: the stream may go on.
func (s *stream) wake() { _ = s.conn.SetReadDeadline(time.Unix(1, 0)) } // a connection that is gone reads nothing anyway

// hold takes in what comes until w is granted. A connection that ends meanwhile is no
// reason to forget what it has said.
func (s *stream) hold(w *pace.Wait) error {
	open := s.in.err == nil
	for s.in.fill() {
		select {
		case <-w.Granted():
			return s.goOn()
		default:
		}
	}
	if open && s.in.err != nil {
		s.m.post(func() { s.m.closing(s) }) // now, not once all it has said was passed on: nothing more arrives there
	}
	select {
	case <-w.Granted():
		return s.goOn()
	case <-s.m.ctx.Done():
		return ErrStopped
	}
}

// goOn lets reads wait for the peer again.
func (s *stream) goOn() error {
	if s.in.err == nil {
		s.in.err = s.conn.SetReadDeadline(time.Time{})
	}
	return nil
}
