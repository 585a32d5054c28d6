package linklocal

import (
	"time"

	"meshbridge/internal/stanza"
)

// outgoing is something for the writer of a stream.
type outgoing struct {
	data  []byte
	token uint64 // 0: nobody waits for it
	last  bool   // our closing tag
}

// render writes a stanza with the addresses of this stream.
func (s *stream) render(st stanza.Stanza) []byte {
	st.From, st.To = s.self, s.instance
	return stanza.Append(nil, stanza.Client, st)
}

// writeWithin writes for at most d. Until the writer runs it is called by the
// reader, then by the writer only.
func (s *stream) writeWithin(d time.Duration, data []byte) error {
	if err := s.conn.SetWriteDeadline(time.Now().Add(d)); err != nil {
		return err
	}
	s.touch(&s.wrote)
	_, err := s.conn.Write(data)
	return err
}

// write is the writer: one goroutine until the closing tag is out or the
// connection gone. A peer that takes nothing loses the stream.
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
			if err := s.writeWithin(writeTimeout, o.data); err != nil {
				s.close()
				return
			}
			if o.token != 0 {
				s.touch(&s.last)
			}
			if o.token != 0 || s.full.Swap(false) {
				s.m.post(func() { s.m.written(s, o.token) })
			}
			if o.last {
				return
			}
		}
	}
}

// mayWrite lets the writer begin: there are no features to come, or they are of no
// matter.
func (s *stream) mayWrite() { s.told.Do(func() { close(s.ready) }) }

// enqueue hands data to the writer. It reports false when the queue is full or our
// closing tag was sent: nothing follows that (RFC 6120 section 4.4).
func (s *stream) enqueue(o outgoing) bool {
	if s.closer.Load() {
		return false
	}
	if s.offer(o) {
		return true
	}
	s.full.Store(true)
	return s.offer(o) // the writer may have taken the last one just before it could see that
}

func (s *stream) offer(o outgoing) bool {
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
	if s.offer(outgoing{data: stanza.AppendClose(nil), last: true}) {
		time.AfterFunc(closeTimeout, s.close)
	} else {
		s.close()
	}
}
