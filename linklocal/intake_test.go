package linklocal

import (
	"io"
	"net"
	"runtime"
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
