package upstream

import (
	"errors"
	"time"

	"meshbridge/internal/stanza"
)

// read hands on what the server sends until the stream ends, and returns why it
// ended.
func (s *Session) read(r *stanza.Reader, l *Link, handle func(Event)) error {
	for {
		el, err := r.Next()
		if big, ok := errors.AsType[*stanza.Skipped](err); ok {
			if s.admit(big.Head, l.count) {
				handle(TooBig{s, big.Head})
			}
			continue
		}
		if err != nil {
			return err
		}
		if said, ok := stanza.AsStreamError(el); ok {
			return l.said(said, "")
		}
		st, ok := stanza.Parse(el)
		if !ok {
			l.log.Debug("dropped an element that is no stanza", "name", el.Name.Local, "space", el.Name.Space)
			continue
		}
		if news, ok := s.returned(st); ok {
			for _, e := range news {
				l.tell(e, handle)
			}
			continue
		}
		if s.admit(st, l.count) {
			if e, ok := s.answered(st); ok {
				handle(e)
			}
			handle(Received{s, st})
		}
	}
}

// admit reports whether a stanza is for this component, and counts what is not
// (INJ-31, INJ-32).
func (s *Session) admit(st stanza.Stanza, count func(rule string)) bool {
	switch {
	case st.From == "" || st.To == "" || !s.domain.holds(st.To):
		count("INJ-31")
		return false
	case s.domain.holds(st.From):
		count("INJ-32")
		return false
	}
	return true
}

// returned reports whether st is one of our own pings come back, and what that
// proves: up to where the server has routed, and whether it routes to us alone. An
// error instead of the ping proves as much: the server had it in hand.
func (s *Session) returned(st stanza.Stanza) (news []Event, ok bool) {
	if st.Kind != stanza.IQ || !s.domain.is(st.From) || !s.domain.is(st.To) {
		return nil, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	moved, ok := s.window.returned(st.ID, time.Now())
	if !ok {
		return nil, false
	}
	s.nudge()
	if moved {
		news = append(news, Routed{s, s.window.routed})
	}
	if shared, changed := s.window.sweep.news(); changed {
		news = append(news, Shared{s, shared})
	}
	return news, true
}

// answered reports what an answer to a question of ours proves. Who answers must have
// got the question, and ids cannot be guessed.
func (s *Session) answered(st stanza.Stanza) (Event, bool) {
	if st.Kind != stanza.IQ || isQuestion(st) {
		return nil, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.window.answered(st.ID, time.Now()) {
		return nil, false
	}
	s.nudge()
	return Routed{s, s.window.routed}, true
}

// tell hands on what a ping has proved.
func (l *Link) tell(e Event, handle func(Event)) {
	if e, ok := e.(Shared); ok && e.On {
		l.log.Error("another connection serves this component as well and takes a part of what is for it: " +
			"find the other program that uses this domain and secret, and stop it")
	} else if ok {
		l.log.Info("this connection serves the component alone again")
	}
	handle(e)
}
