package linklocal

import (
	"context"
	"errors"
	"net"

	"meshbridge/internal/stanza"
	"meshbridge/linklocal/mdns"
)

// serve is the life of a connection that a peer opened: header, binding, stanzas,
// end. The connection is closed when it returns.
func (m *Mesh) serve(conn net.Conn, i mdns.Interface, v *visitor) {
	s := m.newStream(conn, i, v.from)
	defer s.close()
	bound := false
	defer func() { m.doors.gone(v, bound) }()
	first, err := m.settle(s, v, &bound)
	m.doors.settled(v) // attached by now, or it would not hold back our own dial
	if err != nil {
		m.cfg.Log.Debug("stream refused", "address", v.from, "error", err)
		return
	}
	m.converse(s, first)
}

// settle takes a connection to where it is bound and attached, or refused.
func (m *Mesh) settle(s *stream, v *visitor, bound *bool) (first *stanza.Element, err error) {
	ctx, cancel := context.WithDeadline(m.ctx, s.opened.Add(headerTimeout))
	defer cancel()
	stop := context.AfterFunc(m.ctx, s.close)
	defer stop()
	stay := context.AfterFunc(v.stay, func() { cancel(); s.giveWay() })
	defer stay()
	if first, err = s.welcome(ctx); err != nil {
		return nil, err
	}
	if *bound = m.doors.bind(v); !*bound {
		m.cfg.Count("LL-STR-25")
		return nil, s.refuse(stanza.Header{}, true, errCrowded)
	}
	s.mayWrite()
	s.machine = s.identify()
	if !m.call(func() { err = m.attach(s) }) {
		return nil, ErrStopped
	}
	if err != nil {
		return nil, s.refuse(stanza.Header{}, true, err)
	}
	return first, nil
}

var errCrowded = &stanza.StreamError{Condition: "resource-constraint", Text: "too many connections"}

// giveWay ends a connection in its handshake that has to make room for another one.
// It is told why, without time to read it.
func (s *stream) giveWay() {
	s.m.cfg.Count("LL-STR-25")
	turnAway(s.conn, errCrowded)
	s.close()
}

// welcome answers a peer's header and binds the stream: by the header, or for old
// clients that leave names out by their first stanza, which it returns then.
// Whoever cannot be bound is told why.
func (s *stream) welcome(ctx context.Context) (first *stanza.Element, err error) {
	if err := s.conn.SetReadDeadline(s.opened.Add(headerTimeout)); err != nil {
		return nil, err
	}
	h, err := s.rd.Header()
	if err != nil {
		return nil, s.refuse(h, false, err)
	}
	s.lang = h.Lang
	if h.To != "" {
		err = s.bindSelf(ctx, h.To)
	}
	if h.From != "" && err == nil {
		err = s.bindPeer(ctx, h.From)
	}
	if err != nil {
		return nil, s.refuse(h, false, err)
	}
	if err := s.writeWithin(writeTimeout, s.answer(h)); err != nil {
		return nil, err
	}
	if s.proxy != "" && s.instance != "" {
		return nil, nil
	}
	first, err = s.bindByStanza(ctx)
	if err != nil {
		return nil, s.refuse(h, true, err)
	}
	return first, nil
}

// bindByStanza binds what the header left open by the first stanza (INJ-6).
func (s *stream) bindByStanza(ctx context.Context) (*stanza.Element, error) {
	e, err := s.rd.Next()
	if err != nil {
		return nil, err
	}
	st, ok := stanza.Parse(e)
	if !ok {
		return nil, errNotBound("not-authorized", "a stanza is expected first")
	}
	if s.proxy == "" {
		if err := s.bindSelf(ctx, st.To); err != nil {
			return nil, err
		}
	}
	if s.instance == "" {
		if err := s.bindPeer(ctx, st.From); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// refuse ends a stream that is not bound, with its reason if the peer is to know
// it, and returns the error.
func (s *stream) refuse(h stanza.Header, answered bool, err error) error {
	var se *stanza.StreamError
	switch {
	case errors.As(err, &se):
	case isTimeout(err):
		s.m.cfg.Count("LL-STR-25")
		se = &stanza.StreamError{Condition: "connection-timeout", Text: "no stream header in time"}
	case answered && errors.Is(err, stanza.ErrClosed):
		s.depart(stanza.AppendClose(nil))
		return err
	default:
		return err
	}
	s.m.cfg.Count("LL-STR-23")
	var out []byte
	if !answered {
		own := stanza.Header{From: s.self, To: h.From, ID: newID(), Lang: lang}
		if modern(h.Version) {
			own.Version = "1.0"
		}
		out = stanza.AppendHeader(out, stanza.Client, own)
	}
	out = stanza.AppendElement(out, stanza.Client, se.Element())
	s.depart(stanza.AppendClose(out))
	return err
}

// depart says last words on a stream that has no writer.
func (s *stream) depart(words []byte) {
	if s.writeWithin(lingerTime, words) == nil {
		close(s.quiet)
		s.linger()
	}
}
