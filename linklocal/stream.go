package linklocal

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"meshbridge/internal/stanza"
	"meshbridge/linklocal/mdns"
)

// stream is one connection with one peer. Its reader runs the whole life of it,
// its writer is the only one who writes once it is bound.
type stream struct {
	m      *Mesh
	conn   net.Conn
	rd     *stanza.Reader
	iface  mdns.Interface
	remote netip.Addr

	// Set by the reader before the stream is attached, never changed after.
	instance string        // of the peer, as advertised
	proxy    string        // key of the proxy at this end
	self     string        // instance of the proxy at this end
	host     mdns.Endpoint // what the peer's records said
	lang     string
	opened   time.Time

	out    chan outgoing // for the writer, in order
	ready  chan struct{} // closed when stanzas may be written
	quiet  chan struct{} // closed when the writer has ended
	done   chan struct{} // closed when the connection is
	once   sync.Once     // for done
	told   sync.Once     // for ready
	last   atomic.Int64  // when a stanza last passed, unix nanoseconds
	wrote  atomic.Int64  // when anything was last written, unix nanoseconds
	closer atomic.Bool   // our closing tag is on its way
}

type outgoing struct {
	data  []byte
	token uint64 // 0: nobody waits for it
	last  bool   // our closing tag
}

func (m *Mesh) newStream(conn net.Conn, i mdns.Interface, from netip.Addr) *stream {
	limitUnacked(conn)
	s := &stream{
		m: m, conn: conn, iface: i, remote: from, opened: time.Now(),
		rd:  stanza.NewReader(conn, stanza.Client, stanza.MeshLimits()),
		out: make(chan outgoing, writeQueue), ready: make(chan struct{}), quiet: make(chan struct{}), done: make(chan struct{}),
	}
	s.touch(&s.last)
	s.touch(&s.wrote)
	return s
}

func (s *stream) touch(t *atomic.Int64) { t.Store(time.Now().UnixNano()) }

// newID returns an unpredictable stream id of 128 bits (RFC 6120 section 4.7.3).
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// modern reports whether a stream header says version 1.0 or later (RFC 6120
// section 4.7.5): numbers, not text.
func modern(version string) bool {
	major, minor, ok := strings.Cut(version, ".")
	a, err := strconv.ParseUint(major, 10, 32)
	_, err2 := strconv.ParseUint(minor, 10, 32)
	return ok && err == nil && err2 == nil && a >= 1
}

// writeNow writes before the writer runs.
func (s *stream) writeNow(data []byte) error {
	if err := s.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	s.touch(&s.wrote)
	_, err := s.conn.Write(data)
	return err
}

// write is the writer: one goroutine until the closing tag is out or the
// connection gone.
func (s *stream) write() {
	defer close(s.quiet)
	patience := time.NewTimer(featureWait)
	defer patience.Stop()
	select {
	case <-s.ready:
	case <-patience.C:
	case <-s.done:
		return
	}
	for {
		select {
		case <-s.done:
			return
		case o := <-s.out:
			if err := s.writeNow(o.data); err != nil {
				s.close()
				return
			}
			if o.token != 0 {
				s.touch(&s.last)
				s.m.post(func() { s.m.written(s, o.token) })
			}
			if o.last {
				return
			}
		}
	}
}

// mayWrite lets the writer begin: there are no features to come.
func (s *stream) mayWrite() { s.told.Do(func() { close(s.ready) }) }

// enqueue hands data to the writer. It reports false when the queue is full or our
// closing tag was sent: nothing follows that (RFC 6120 section 4.4).
func (s *stream) enqueue(o outgoing) bool {
	if s.closer.Load() {
		return false
	}
	select {
	case s.out <- o:
		return true
	default:
		return false
	}
}

// finish sends our closing tag behind what is queued, and gives the peer some time
// for its own. A queue that is full belongs to a peer that does not read: it loses
// the stream at once. May be called again.
func (s *stream) finish() {
	if s.closer.Swap(true) {
		return
	}
	select {
	case s.out <- outgoing{data: stanza.AppendClose(nil), last: true}:
		time.AfterFunc(closeTimeout, s.close)
	default:
		s.close()
	}
}

// close ends the connection.
func (s *stream) close() {
	s.once.Do(func() {
		close(s.done)
		s.conn.Close()
	})
}

// attend keeps a quiet stream alive and closes an idle one.
func (s *stream) attend(now time.Time) {
	switch {
	case now.Sub(time.Unix(0, s.last.Load())) >= idleTimeout:
		s.finish()
	case now.Sub(time.Unix(0, s.wrote.Load())) >= keepAlive:
		s.enqueue(outgoing{data: []byte(" ")})
	}
}

// converse reads stanzas until the stream ends. The stream is bound.
func (s *stream) converse() error {
	if err := s.conn.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	s.rd.Trust()
	for {
		e, err := s.rd.Next()
		if err != nil {
			return s.ended(err)
		}
		if err := s.take(e); err != nil {
			return s.ended(err)
		}
	}
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

// other handles what is no stanza: features that came late, errors, negotiation
// that was not offered.
func (s *stream) other(e *stanza.Element) error {
	if se, ok := stanza.AsStreamError(e); ok {
		return se
	}
	if e.Name == (stanza.Name{Space: stanza.NSStream, Local: "features"}) {
		s.mayWrite()
		return nil
	}
	return &stanza.StreamError{Condition: "unsupported-stanza-type", Text: "message and iq only"}
}

// ended answers the end of reading: a stream error with its explanation, a closing
// tag with ours. It returns why the stream ended, nil for an orderly end.
func (s *stream) ended(err error) error {
	var se *stanza.StreamError
	switch {
	case errors.Is(err, stanza.ErrClosed):
		if s.closer.Load() {
			return nil // ours went first: it is for us to end the connection
		}
		s.m.call(func() { s.m.closing(s) })
		s.finish()
		s.drain(closeTimeout)
		return nil
	case errors.As(err, &se):
		s.m.cfg.Count("LL-STR-23")
		s.enqueue(outgoing{data: stanza.AppendElement(nil, stanza.Client, se.Element())})
		s.finish()
		s.linger()
	}
	return err
}

// linger lets the peer read our last words: closing with its own unread would make
// its kernel throw them away.
func (s *stream) linger() {
	timeout := time.NewTimer(lingerTime)
	defer timeout.Stop()
	select {
	case <-s.quiet:
	case <-timeout.C:
		return
	}
	if c, ok := s.conn.(interface{ CloseWrite() error }); ok {
		_ = c.CloseWrite() // drain ends it in any case
	}
	s.drain(lingerTime)
}

// drain reads and forgets until the peer closes the connection, for at most d.
func (s *stream) drain(d time.Duration) {
	if s.conn.SetReadDeadline(time.Now().Add(d)) == nil {
		_, _ = io.CopyN(io.Discard, s.conn, maxDrain)
	}
}

// maxDrain bounds in octets what a peer may still send into a stream that is over.
const maxDrain = 1 << 20
