package linklocal

import (
	"net"
	"net/netip"
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
	in     *intake
	rd     *stanza.Reader // of in
	iface  mdns.Interface
	local  netip.Addr
	remote netip.Addr
	opened time.Time

	// Set by the reader before the stream is attached, never changed after.
	instance string          // of the peer, as advertised
	proxy    string          // key of the proxy at this end
	self     string          // instance of the proxy at this end
	disco    *stanza.Element // what that proxy can, nil when it does not say
	host     mdns.Endpoint   // what the peer's records said
	machine  Machine         // where it leads to
	lang     string

	forQuestions bool // we opened it, and no message has passed; of the goroutine of Run once attached

	excused []netip.Addr // other addresses of its instance that speak for no other machine; see recheck

	out     chan outgoing // for the writer, in order
	ready   chan struct{} // closed when stanzas may be written
	quiet   chan struct{} // closed when the writer has ended
	done    chan struct{} // closed when the connection is
	once    sync.Once     // for done
	told    sync.Once     // for ready
	last    atomic.Int64  // when a stanza last passed, a time.Duration since opened
	wrote   atomic.Int64  // when anything was last written, likewise
	full    atomic.Bool   // something waits for room in out
	looking atomic.Bool   // its records are looked at again
	closer  atomic.Bool   // our closing tag is on its way
}

func (m *Mesh) newStream(conn net.Conn, i mdns.Interface, from netip.Addr) *stream {
	limitUnacked(conn)
	in := &intake{conn: conn, room: m.ahead, large: m.large}
	limits := stanza.MeshLimits()
	limits.Claim = in.claim
	return &stream{
		m: m, conn: conn, iface: i, local: addrOf(conn.LocalAddr()), remote: from, opened: time.Now(),
		in: in, rd: stanza.NewReader(in, stanza.Client, limits),
		out: make(chan outgoing, writeQueue), ready: make(chan struct{}), quiet: make(chan struct{}), done: make(chan struct{}),
	}
}

func (s *stream) key() pairKey { return pairKey{s.proxy, mdns.Fold(s.instance)} }

// touch notes that something was done now. It counts from opened, since a router that
// learns the time long after its start must not take every stream for an old one.
func (s *stream) touch(t *atomic.Int64) { t.Store(int64(time.Since(s.opened))) }

// since returns how long before now something was done.
func (s *stream) since(t *atomic.Int64, now time.Time) time.Duration {
	return now.Sub(s.opened) - time.Duration(t.Load())
}

// close ends the connection.
func (s *stream) close() {
	s.once.Do(func() {
		close(s.done)
		s.conn.Close()
	})
}

// idle reports whether no stanza has passed for a long time.
func (s *stream) idle(now time.Time) bool {
	return !s.closer.Load() && s.since(&s.last, now) >= idleTimeout
}

// keepAlive writes white space when nothing was written for a while, so that a
// stream that is dead is found out (RFC 6120 section 4.6.1).
func (s *stream) keepAlive(now time.Time) {
	if s.since(&s.wrote, now) >= keepAlive {
		s.enqueue(outgoing{data: []byte(" ")})
	}
}
