package embedded

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"net"
	"sync"
	"time"

	"mellium.im/xmpp/jid"

	"meshbridge/internal/stanza"
	"meshbridge/upstream"
)

// connection is one authenticated component.
type connection struct {
	domain string
	conn   net.Conn
	wake   chan struct{} // cap 1

	mu     sync.Mutex
	out    []byte // guarded by mu; waiting to be written
	ending bool   // guarded by mu; nothing is added any more, and the connection closes behind out
}

// serve leads one connection from its header to its end.
func (s *Server) serve(conn net.Conn, stopped <-chan struct{}) {
	r := stanza.NewReader(conn, stanza.Component, stanza.Limits{Unbound: 16 << 10, Stanza: s.maximum, Depth: 64, Attrs: 32})
	conn.SetDeadline(time.Now().Add(openTimeout))
	domain, bad := s.authenticate(conn, r, stopped)
	if bad != nil {
		s.log.Info("refused a component", "domain", domain, "condition", bad.Condition)
		conn.SetWriteDeadline(time.Now().Add(closeTimeout))
		conn.Write(stanza.AppendClose(stanza.AppendElement(nil, stanza.Component, bad.Element())))
		return
	}
	if domain == "" {
		return // it went away
	}
	c := &connection{domain: domain, conn: conn, wake: make(chan struct{}, 1)}
	c.out = stanza.AppendElement(c.out, stanza.Component, stanza.New("", "handshake")) // before anything can be routed here
	if !s.enter(c) {
		return
	}
	r.Trust()
	conn.SetDeadline(time.Time{})
	written := make(chan struct{})
	go func() { defer close(written); c.write() }()
	bad = s.read(c, r)
	s.leave(c)
	if bad != nil {
		s.log.Info("ended a component's stream", "domain", domain, "condition", bad.Condition)
		c.fail(bad)
	} else {
		c.finish(stanza.AppendClose(nil))
	}
	<-written
}

// authenticate is the server's part of XEP-0114 section 3. It returns the domain of
// a component that knows its secret; the error to send to one that does not; and
// neither when the connection broke.
func (s *Server) authenticate(conn net.Conn, r *stanza.Reader, stopped <-chan struct{}) (domain string, bad *stanza.StreamError) {
	header, err := r.Header()
	id := rand.Text()
	reply := stanza.AppendHeader(nil, stanza.Component, stanza.Header{From: header.To, ID: id})
	if bad, ok := errors.AsType[*stanza.StreamError](err); ok {
		conn.Write(reply)
		return "", bad
	}
	if err != nil {
		return "", nil
	}
	if _, err := conn.Write(reply); err != nil {
		return "", nil
	}
	secret, known := s.secret(header.To)
	if !known {
		return header.To, &stanza.StreamError{Condition: "host-unknown", Text: "no component of that name is configured here"}
	}
	conn.SetReadDeadline(time.Now().Add(openTimeout))
	proof, err := r.Next()
	if bad, ok := errors.AsType[*stanza.StreamError](err); ok {
		return header.To, bad
	}
	if err != nil {
		return "", nil
	}
	want := upstream.Digest(id, secret)
	if (proof.Name != stanza.Name{Local: "handshake"}) || subtle.ConstantTimeCompare([]byte(proof.Text()), []byte(want)) != 1 {
		return header.To, &stanza.StreamError{Condition: "not-authorized", Text: "the handshake does not match"}
	}
	if !s.think(stopped) {
		return "", nil
	}
	if s.Connected(normal(header.To)) {
		return header.To, &stanza.StreamError{Condition: "conflict", Text: "component already connected"}
	}
	return normal(header.To), nil
}

// think takes the time that HandshakeDelay wants; false means that the server was
// stopped meanwhile.
func (s *Server) think(stopped <-chan struct{}) bool {
	if s.delay <= 0 {
		return true
	}
	timer := time.NewTimer(s.delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-stopped:
		return false
	}
}

func normal(domain string) string {
	j, err := jid.New("", domain, "")
	if err != nil {
		return domain
	}
	return j.Domainpart()
}

func (s *Server) secret(domain string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	secret, ok := s.secrets[normal(domain)]
	return secret, ok
}

// enter makes c the one connection of its domain, or reports false when another has
// been faster.
func (s *Server) enter(c *connection) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.components[c.domain] != nil {
		return false
	}
	s.components[c.domain] = c
	s.log.Info("component authenticated", "domain", c.domain)
	return true
}

// leave takes c out of the routing. Nobody is told, as real servers tell nobody.
func (s *Server) leave(c *connection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.components[c.domain] == c {
		delete(s.components, c.domain)
	}
}

// read routes what a component sends, until its stream ends. The error is what the
// component did wrong, nil when it only went.
func (s *Server) read(c *connection, r *stanza.Reader) *stanza.StreamError {
	for {
		el, err := r.Next()
		if bad, ok := errors.AsType[*stanza.StreamError](err); ok {
			return bad
		}
		if err != nil {
			return nil
		}
		st, ok := stanza.Parse(el)
		if !ok {
			return &stanza.StreamError{Condition: "unsupported-stanza-type"}
		}
		if from, err := jid.Parse(st.From); err != nil || from.Domainpart() != c.domain {
			return &stanza.StreamError{Condition: "invalid-from", Text: "a component writes as its own domain only"}
		}
		s.mu.Lock()
		s.route(st)
		s.mu.Unlock()
	}
}

// push queues bytes for the component. It never blocks: a component that lets too
// much pile up loses its stream.
func (c *connection) push(b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.ending:
		return
	case len(c.out)+len(b) > outboxBytes:
		c.ending, c.out = true, nil
		c.conn.Close()
	default:
		c.out = append(c.out, b...)
	}
	c.nudge()
}

// send queues a stanza.
func (c *connection) send(st stanza.Stanza) { c.push(stanza.Append(nil, stanza.Component, st)) }

// fail ends the stream with an error.
func (c *connection) fail(bad *stanza.StreamError) {
	c.finish(stanza.AppendClose(stanza.AppendElement(nil, stanza.Component, bad.Element())))
}

// finish ends the stream with these last bytes.
func (c *connection) finish(last []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ending {
		return
	}
	c.ending = true
	c.out = append(c.out, last...)
	c.conn.SetWriteDeadline(time.Now().Add(closeTimeout))
	c.nudge()
}

func (c *connection) nudge() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// write is the writer goroutine: it leaves, and closes the connection, behind the
// last bytes of the stream.
func (c *connection) write() {
	defer c.conn.Close()
	var batch []byte
	for {
		c.mu.Lock()
		batch, c.out = c.out, batch[:0]
		ending := c.ending
		if !ending {
			c.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
		}
		c.mu.Unlock()
		if len(batch) > 0 {
			if _, err := c.conn.Write(batch); err != nil {
				return
			}
		}
		switch {
		case ending:
			return
		case len(batch) == 0:
			<-c.wake
		}
	}
}
