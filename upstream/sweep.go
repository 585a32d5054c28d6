package upstream

import (
	"slices"
	"time"
)

// sweep looks for a second connection of the same component (COMP-17). Some servers
// accept it without a word and give each of the two a part of what is for both. Of
// many pings to ourselves some then come back and some do not, out of their order,
// while a slow or dead link loses them from some point on.
type sweep struct {
	out    []string  // pings on their way, in the order written
	sent   time.Time // when they were written
	hole   bool      // a ping came back before an older one
	next   time.Time // when the next sweep is due
	shared bool      // what the last one found
	told   bool      // shared, as last handed out by news
}

// due reports whether it is time for a sweep.
func (s *sweep) due(now time.Time) bool { return len(s.out) == 0 && !now.Before(s.next) }

// hurry makes a sweep due at once, for something looks odd.
func (s *sweep) hurry(now time.Time) {
	if now.Before(s.next) {
		s.next = now
	}
}

// skipped takes in that a ping came back and an older one did not.
func (s *sweep) skipped(now time.Time) {
	s.hole = true
	s.hurry(now)
}

// began notes the pings of a sweep.
func (s *sweep) began(ids []string, now time.Time) {
	s.out, s.sent, s.hole = ids, now, false
	s.next = now.Add(sweepEvery)
}

// returned takes in that a ping is back. It reports false for one that is not of
// this sweep.
func (s *sweep) returned(id string) bool {
	i := slices.Index(s.out, id)
	if i < 0 {
		return false
	}
	if s.out = slices.Delete(s.out, i, i+1); len(s.out) == 0 {
		s.found(false)
	}
	return true
}

// settle ends a sweep whose missing pings have had their time. Without a hole the
// link may be dead or slow, which is not for the sweep to say.
func (s *sweep) settle(now time.Time) {
	if len(s.out) > 0 && s.hole && !now.Before(s.sent.Add(sweepWait)) {
		s.out = nil
		s.found(true)
	}
}

// found notes the result of a sweep. While the component is shared sweeps come
// closely, the first at once: its pings make the news known to the reader.
func (s *sweep) found(shared bool) {
	news := shared && !s.shared
	s.shared = shared
	switch {
	case news:
		s.next = s.sent
	case shared:
		s.next = s.sent.Add(sweepShared)
	}
}

// news returns what is to be told now, once.
func (s *sweep) news() (shared, news bool) {
	news = s.shared != s.told
	s.told = s.shared
	return s.shared, news
}

// wake returns when the sweep next wants to be looked at, if it knows.
func (s *sweep) wake() (at time.Time, ok bool) {
	switch {
	case len(s.out) == 0:
		return s.next, true
	case s.hole:
		return s.sent.Add(sweepWait), true
	}
	return time.Time{}, false
}
