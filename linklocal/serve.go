package linklocal

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"

	"meshbridge/internal/stanza"
	"meshbridge/linklocal/mdns"
)

// serve is the life of a connection that a peer opened: header, binding, stanzas,
// end. The connection is closed when it returns.
func (m *Mesh) serve(conn net.Conn, i mdns.Interface, from netip.Addr) {
	defer m.doors.gone()
	s := m.newStream(conn, i, from)
	defer s.close()
	stop := context.AfterFunc(m.ctx, s.close)
	first, err := s.welcome()
	stop()
	m.doors.settled(from)
	if err != nil {
		m.cfg.Log.Debug("stream refused", "address", from, "error", err)
		return
	}
	s.mayWrite()
	m.converse(s, first)
}

// converse runs a bound stream from here to its end.
func (m *Mesh) converse(s *stream, first *stanza.Element) {
	go s.write()
	if !m.call(func() { m.attach(s) }) {
		return
	}
	err := s.begin(first)
	m.call(func() { m.detach(s, err) })
}

// begin passes on the stanza that came with the binding, if there was one, and
// reads on.
func (s *stream) begin(first *stanza.Element) error {
	if first != nil {
		if err := s.take(first); err != nil {
			return s.ended(err)
		}
	}
	return s.converse()
}

// welcome answers a peer's header and binds the stream: by the header, or for old
// clients that leave names out by their first stanza, which it returns then.
// Whoever cannot be bound is told why.
func (s *stream) welcome() (first *stanza.Element, err error) {
	if err := s.conn.SetReadDeadline(time.Now().Add(headerTimeout)); err != nil {
		return nil, err
	}
	h, err := s.rd.Header()
	if err != nil {
		return nil, s.refuse(h, false, err)
	}
	s.lang = h.Lang
	if h.To != "" {
		err = s.bindSelf(h.To)
	}
	if h.From != "" && err == nil {
		err = s.bindPeer(h.From)
	}
	if err != nil {
		return nil, s.refuse(h, false, err)
	}
	if err := s.writeNow(s.answer(h)); err != nil {
		return nil, err
	}
	if s.proxy != "" && s.instance != "" {
		return nil, nil
	}
	first, err = s.bindByStanza()
	if err != nil {
		return nil, s.refuse(h, true, err)
	}
	return first, nil
}

// bindByStanza binds what the header left open by the first stanza (INJ-6).
func (s *stream) bindByStanza() (*stanza.Element, error) {
	e, err := s.rd.Next()
	if err != nil {
		return nil, err
	}
	st, ok := stanza.Parse(e)
	if !ok {
		return nil, errNotBound("not-authorized", "a stanza is expected first")
	}
	if s.proxy == "" {
		if err := s.bindSelf(st.To); err != nil {
			return nil, err
		}
	}
	if s.instance == "" {
		if err := s.bindPeer(st.From); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// answer is our header, and features where both sides speak version 1.0 (XEP-0174
// section 6). A name that the peer left out is left out too.
func (s *stream) answer(h stanza.Header) []byte {
	own := stanza.Header{From: s.self, To: s.instance, ID: newID(), Lang: "en"}
	if !modern(h.Version) {
		return stanza.AppendHeader(nil, stanza.Client, own)
	}
	own.Version = "1.0"
	out := stanza.AppendHeader(nil, stanza.Client, own)
	return stanza.AppendElement(out, stanza.Client, stanza.New(stanza.NSStream, "features"))
}

// refuse ends a stream that is not bound, with its reason if the peer is to know
// it, and returns the error.
func (s *stream) refuse(h stanza.Header, answered bool, err error) error {
	var se *stanza.StreamError
	var timeout net.Error
	switch {
	case errors.As(err, &se):
	case errors.As(err, &timeout) && timeout.Timeout():
		s.m.cfg.Count("LL-STR-25")
		se = &stanza.StreamError{Condition: "connection-timeout", Text: "no stream header in time"}
	default:
		return err
	}
	s.m.cfg.Count("LL-STR-23")
	var out []byte
	if !answered {
		out = stanza.AppendHeader(out, stanza.Client, stanza.Header{From: s.self, To: h.From, ID: newID(), Lang: "en"})
	}
	out = stanza.AppendElement(out, stanza.Client, se.Element())
	if s.writeNow(stanza.AppendClose(out)) == nil {
		close(s.quiet) // there is no writer, and nothing more to write
		s.linger()
	}
	return err
}
