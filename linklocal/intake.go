package linklocal

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// intake is what the reader of a stream reads from: the connection, after what was
// taken in ahead while the stream was held up. It is for one goroutine.
type intake struct {
	conn   net.Conn
	room   *room    // for chunks
	large  *room    // for a large stanza
	claims int      // of it, by the stanza that is being read
	chunks [][]byte // taken in ahead, oldest first
	at     int      // how much of the first one was read
	ahead  int      // octets taken in ahead
	err    error    // how reading the connection ended; told behind the chunks
	flood  flood
}

// chunkSize is what the backlog of a stream grows by.
const chunkSize = 16 << 10

// room is how many pieces of memory all streams together may still take.
type room struct{ left atomic.Int64 }

func newRoom(pieces int64) *room {
	r := &room{}
	r.left.Store(pieces)
	return r
}

func (r *room) take() bool {
	if r.left.Add(-1) >= 0 {
		return true
	}
	r.give(1)
	return false
}

func (r *room) give(n int) { r.left.Add(int64(n)) }

// Read implements io.Reader.
func (in *intake) Read(b []byte) (int, error) {
	switch {
	case in.ahead > 0:
		return in.readAhead(b), nil
	case in.err != nil:
		return 0, in.err
	}
	n, err := in.conn.Read(b)
	in.flood.came(n)
	return n, err
}

func (in *intake) readAhead(b []byte) int {
	n := copy(b, in.chunks[0][in.at:])
	in.at += n
	in.ahead -= n
	if in.at == len(in.chunks[0]) {
		in.chunks[0] = nil // or what lies behind the slice would keep it
		in.chunks, in.at = in.chunks[1:], 0
		in.room.give(1)
	}
	return n
}

// fill takes some more in ahead. It reports false when there is no room for it, or
// nothing more to come.
func (in *intake) fill() bool {
	if in.err != nil {
		return false
	}
	last := len(in.chunks) - 1
	if last < 0 || len(in.chunks[last]) == chunkSize {
		if in.full() {
			in.flood.full = true
			return false
		}
		if !in.room.take() {
			return false // others have it, which says nothing about this peer
		}
		in.chunks = append(in.chunks, make([]byte, 0, chunkSize))
		last++
	}
	c := in.chunks[last]
	n, err := in.conn.Read(c[len(c):chunkSize])
	in.chunks[last] = c[:len(c)+n]
	in.ahead += n
	in.flood.came(n)
	if len(in.chunks[last]) == 0 {
		in.chunks = in.chunks[:last]
		in.room.give(1)
	}
	if err != nil && !isTimeout(err) {
		in.err = err
	}
	return err == nil
}

func (in *intake) full() bool { return len(in.chunks) >= maxReadAhead/chunkSize }

// claim takes room for some more of a large stanza, and some time for all of it: who
// begins one and does not end it keeps others from theirs.
func (in *intake) claim() bool {
	if !in.large.take() {
		return false
	}
	if in.claims++; in.claims == 1 {
		_ = in.conn.SetReadDeadline(time.Now().Add(largeTimeout)) // a connection that is gone reads nothing anyway
	}
	return true
}

// whole takes in that a stanza was read to its end.
func (in *intake) whole() {
	if in.claims > 0 {
		_ = in.conn.SetReadDeadline(time.Time{})
	}
}

// disclaim gives back what a stanza has claimed that was passed on.
func (in *intake) disclaim() {
	in.large.give(in.claims)
	in.claims = 0
}

// drop gives all room back.
func (in *intake) drop() {
	in.disclaim()
	in.room.give(len(in.chunks))
	in.chunks, in.ahead, in.at = nil, 0, 0
}

// isTimeout reports whether a read took longer than we let it. A kernel that gives up
// on the far end (ETIMEDOUT) calls that a timeout too; such a connection is gone.
func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
