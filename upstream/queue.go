package upstream

import (
	"fmt"

	"meshbridge/internal/stanza"
)

// queue holds stanzas as they will stand on the wire, in one buffer, so that
// sending allocates nothing per stanza and the bound in bytes is the true one.
type queue struct {
	buf   []byte
	head  int    // where in buf the first waiting stanza begins
	sizes []int  // of the waiting stanzas
	last  uint64 // number of the last stanza accepted
}

// push appends a stanza of at most limit bytes and returns its number.
func (q *queue) push(st stanza.Stanza, limit int) (uint64, error) {
	if len(q.sizes) >= queueStanzas {
		return 0, ErrQueueFull
	}
	start := len(q.buf)
	buf := stanza.Append(q.buf, stanza.Component, st)
	size := len(buf) - start
	switch {
	case size > limit:
		return 0, fmt.Errorf("%w: it has %d bytes, the limit is %d", ErrTooBig, size, limit)
	case len(q.sizes) > 0 && len(buf)-q.head > queueBytes:
		return 0, ErrQueueFull
	}
	q.buf = buf
	q.sizes = append(q.sizes, size)
	q.last++
	return q.last, nil
}

func (q *queue) empty() bool { return len(q.sizes) == 0 }

// pop moves up to n stanzas to dst, fewer where more would make dst longer than a
// batch may be, but one at least. It returns dst and the sizes of those it moved, which
// are good until the next push.
func (q *queue) pop(dst []byte, n int) ([]byte, []int) {
	taken := 0
	for taken < n && taken < len(q.sizes) {
		size := q.sizes[taken]
		if taken > 0 && len(dst)+size > batchBytes {
			break
		}
		dst = append(dst, q.buf[q.head:q.head+size]...)
		q.head += size
		taken++
	}
	sizes := q.sizes[:taken]
	q.sizes = q.sizes[taken:]
	q.tidy()
	return dst, sizes
}

// tidy gives room in front of the first waiting stanza back.
func (q *queue) tidy() {
	switch {
	case q.empty() && cap(q.buf) > batchBytes:
		q.buf, q.sizes, q.head = nil, nil, 0
	case q.empty():
		q.buf, q.head = q.buf[:0], 0
	case q.head > len(q.buf)/2:
		q.buf = q.buf[:copy(q.buf, q.buf[q.head:])]
		q.head = 0
	}
}
