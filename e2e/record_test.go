//go:build linux

package e2e

import (
	"bytes"
	"encoding/xml"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// A record keeps every byte that came over a connection, and when. It reads
// the connection dry on its own, so that nothing waits in the kernel while a
// test or a parser is busy.
type record struct {
	conn net.Conn

	mu     sync.Mutex
	data   []byte        // guarded by mu
	chunks []chunk       // guarded by mu
	err    error         // guarded by mu; set when the connection has ended
	more   chan struct{} // guarded by mu; closed at the next change
}

// A chunk says when the bytes up to end had come.
type chunk struct {
	end int
	at  time.Time
}

func newRecord(conn net.Conn) *record {
	r := &record{conn: conn, more: make(chan struct{})}
	go r.pump()
	return r
}

func (r *record) pump() {
	buf := make([]byte, 64<<10)
	for {
		n, err := r.conn.Read(buf)
		at := time.Now()
		r.mu.Lock()
		if n > 0 {
			r.data = append(r.data, buf[:n]...)
			r.chunks = append(r.chunks, chunk{len(r.data), at})
		}
		r.err = err
		close(r.more)
		r.more = make(chan struct{})
		r.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// look returns all bytes so far, a channel that is closed when there is more to
// see, and how the connection ended (nil: it has not).
func (r *record) look() ([]byte, <-chan struct{}, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.data[:len(r.data):len(r.data)], r.more, r.err
}

// text is what came so far.
func (r *record) text() string {
	data, _, _ := r.look()
	return string(data)
}

// before returns the bytes that had come by the time at.
func (r *record) before(at time.Time) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	end := 0
	for _, c := range r.chunks {
		if c.at.After(at) {
			break
		}
		end = c.end
	}
	return string(r.data[:end])
}

// when tells when the first occurrence of part had come whole; false when it
// has not come.
func (r *record) when(part string) (time.Time, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := bytes.Index(r.data, []byte(part))
	if i < 0 {
		return time.Time{}, false
	}
	for _, c := range r.chunks {
		if c.end >= i+len(part) {
			return c.at, true
		}
	}
	return time.Time{}, false
}

// until waits until done accepts what came and how it ended; false when within
// has passed.
func (r *record) until(within time.Duration, done func(data []byte, err error) bool) bool {
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	for {
		data, more, err := r.look()
		if done(data, err) {
			return true
		}
		select {
		case <-more:
		case <-deadline.C:
			return false
		}
	}
}

// await waits for a part of the conversation.
func (r *record) await(t testing.TB, within time.Duration, part string) {
	t.Helper()
	if !r.until(within, func(data []byte, _ error) bool { return bytes.Contains(data, []byte(part)) }) {
		t.Fatalf("waited %v in vain for %q; heard: %q", within, part, r.text())
	}
}

// end waits until the other side has closed and returns all it said.
func (r *record) end(t testing.TB, within time.Duration) string {
	t.Helper()
	if !r.until(within, func(_ []byte, err error) bool { return err != nil }) {
		t.Fatalf("the connection is still open after %v; heard: %q", within, r.text())
	}
	return r.text()
}

// reader reads the record from its beginning, waiting for what is not there
// yet.
func (r *record) reader() io.Reader { return &recordReader{record: r} }

type recordReader struct {
	record *record
	pos    int
}

func (r *recordReader) Read(p []byte) (int, error) {
	for {
		data, more, err := r.record.look()
		if n := copy(p, data[r.pos:]); n > 0 {
			r.pos += n
			return n, nil
		}
		if err != nil {
			return 0, io.EOF
		}
		<-more
	}
}

// stanzas reads all whole elements of a stream that was heard: what stands
// between its header and its end.
func stanzas(said string) []node {
	d := xml.NewDecoder(strings.NewReader(said))
	if _, err := nextStart(d); err != nil {
		return nil
	}
	var all []node
	for {
		n, err := nextNode(d)
		if err != nil {
			return all
		}
		all = append(all, n)
	}
}

// streamError returns the condition of the stream error in what was said; ""
// when there is none.
func streamError(said string) string {
	for _, n := range stanzas(said) {
		if n.XMLName == (xml.Name{Space: streamNS, Local: "error"}) {
			return n.condition()
		}
	}
	return ""
}
