package linklocal

import (
	"io"
	"net"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"weak"
)

// pouring is a connection on which octets come without end, and nothing else.
type pouring struct{ net.Conn }

func (pouring) Read(b []byte) (int, error) { return len(b), nil }

func TestIntake(t *testing.T) {
	t.Run("LL-STR-25 what was taken in ahead and then read is not kept", func(t *testing.T) {
		in := &intake{conn: pouring{}, room: newRoom(maxReadAhead / chunkSize)}
		for in.fill() {
		}
		var chunks []weak.Pointer[byte]
		for _, c := range in.chunks {
			chunks = append(chunks, weak.Make(&c[0]))
		}
		if _, err := io.CopyN(io.Discard, in, maxReadAhead); err != nil || len(chunks) != maxReadAhead/chunkSize {
			t.Fatalf("%d chunks, %v", len(chunks), err)
		}
		runtime.GC()
		kept := 0
		for _, c := range chunks {
			if c.Value() != nil {
				kept++
			}
		}
		runtime.KeepAlive(in)
		if kept > 0 {
			t.Errorf("%d of %d chunks are kept", kept, len(chunks))
		}
	})
}

// dead is a connection whose far end acknowledges nothing any more.
type dead struct{ net.Conn }

func (dead) Read([]byte) (int, error) {
	return 0, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ETIMEDOUT}
}

func TestDeadConnection(t *testing.T) {
	t.Run("LL-STR-25 a laptop that was closed has no large stanza that does not end", func(t *testing.T) {
		counted := map[string]int{}
		m, stop := bare(func(Event) {}, func(c *Config) { c.Count = func(rule string) { counted[rule]++ } })
		defer stop()
		near, far := net.Pipe()
		defer far.Close()
		s := m.newStream(near, bareLink(), remote(near))
		go io.WriteString(far, fuzzHeader+">")
		if _, err := s.rd.Header(); err != nil {
			t.Fatal(err)
		}
		s.rd.Trust()
		s.in.conn = dead{near}
		if _, err := s.next(); err == nil || strings.Contains(err.Error(), "large stanza") || len(counted) > 0 {
			t.Errorf("ended with %v, counted %v", err, counted)
		}
	})
	t.Run("INJ-19 nor has one whose stream is held up more to come", func(t *testing.T) {
		in := &intake{conn: dead{}, room: newRoom(1)}
		if in.fill(); in.err == nil {
			t.Error("read on")
		}
	})
}
