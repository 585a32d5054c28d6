package upstream

import (
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"meshbridge/internal/stanza"
)

var errUnanswered = fmt.Errorf("the server did not route a ping of ours within %v: see whether it still runs and the network still reaches it", pingWait)

// write is the writer goroutine. It leaves when the session has ended, or when the
// closing tag has been written.
func (s *Session) write() {
	defer close(s.written)
	var batch []byte
	for {
		batch = batch[:0]
		next, wait := s.compose(&batch)
		if len(batch) > 0 {
			if _, err := s.conn.Write(batch); err != nil {
				s.giveUp(fmt.Errorf("writing to the server: %w", err), refusalGrace)
				return
			}
		}
		switch next {
		case unanswered:
			s.giveUp(errUnanswered, 0)
			return
		case leave:
			return
		case pause:
			s.sleep(wait)
		}
	}
}

// step is what the writer does after it has written what compose gave it.
type step int

const (
	again      step = iota // compose anew
	pause                  // nothing to do until a nudge or the given time
	leave                  // these were the last bytes
	unanswered             // the link is dead
)

// compose appends what is to be written now and says what comes after it.
func (s *Session) compose(batch *[]byte) (step, time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	switch {
	case s.phase == ended:
		*batch = append(*batch, s.farewell...)
		return leave, now
	case s.window.overdue(now):
		return unanswered, now
	}
	s.window.sweep.settle(now)
	s.fill(batch, now)
	if s.phase == closing && (s.queue.empty() || !now.Before(s.flushBy)) {
		*batch = stanza.AppendClose(*batch)
		s.conn.SetWriteDeadline(s.flushBy.Add(farewellTimeout))
		s.conn.SetReadDeadline(now.Add(closeTimeout))
		return leave, now
	}
	wait := s.window.wake()
	if s.phase == closing { // the window may want a sweep, of which there are no more
		wait = s.flushBy
	}
	if len(*batch) == 0 {
		return pause, wait
	}
	s.conn.SetWriteDeadline(s.writeBy(now))
	return again, now
}

// fill appends as many stanzas as the window has room for, and the ping behind them.
func (s *Session) fill(batch *[]byte, now time.Time) {
	if s.phase == open && s.window.sweepDue(now) {
		s.sweep(batch, now)
	}
	if room := s.window.room(now); room > 0 {
		var sizes []int
		*batch, sizes = s.queue.pop(*batch, room)
		s.window.wrote(sizes, now)
	}
	if s.window.due(s.phase == closing && s.queue.empty(), now) {
		s.ping(batch, now)
	}
}

// ping appends a ping.
func (s *Session) ping(batch *[]byte, now time.Time) (id string) {
	id = rand.Text()
	*batch = stanza.Append(*batch, stanza.Component, s.domain.ping(id))
	s.window.pinged(id, now)
	return id
}

// sweep appends the pings of a sweep.
func (s *Session) sweep(batch *[]byte, now time.Time) {
	ids := make([]string, sweepPings)
	for i := range ids {
		ids[i] = s.ping(batch, now)
	}
	s.window.sweep.began(ids, now)
}

// ping is the stanza that a component sends to itself, to see the server route it.
func (d domain) ping(id string) stanza.Stanza {
	return stanza.Stanza{
		Kind: stanza.IQ, From: string(d), To: string(d), ID: id, Type: "get",
		Payload: []*stanza.Element{stanza.New(stanza.NSPing, "ping")},
	}
}

// writeBy returns the deadline of a write that begins now.
func (s *Session) writeBy(now time.Time) time.Time {
	by := now.Add(writeTimeout)
	if s.phase == closing && s.flushBy.Before(by) {
		return s.flushBy
	}
	return by
}

// sleep waits for a nudge, and no longer than until the given time.
func (s *Session) sleep(until time.Time) {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-s.wake:
	case <-timer.C:
	}
}

// farewellTo returns what we still say to a server after the reader ended with err:
// what was wrong with its input, and that we close too.
func farewellTo(err error) []byte {
	var last []byte
	if bad, ok := errors.AsType[*stanza.StreamError](err); ok {
		last = stanza.AppendElement(last, stanza.Component, bad.Element())
		return stanza.AppendClose(last)
	}
	_, said := errors.AsType[*ServerError](err)
	if said || errors.Is(err, stanza.ErrClosed) {
		return stanza.AppendClose(last)
	}
	return nil
}
