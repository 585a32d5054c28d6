package bridge

import (
	"time"

	"meshbridge/upstream"
)

// standing is how the connection to the server is, as the link has told it: what an
// admin wants to know who asks (COMP-5, COMP-17).
type standing struct {
	up      bool
	since   time.Time // of being up, or not
	address string    // of the server; the last one tried
	ups     int       // how often it was up
	err     error     // of the last attempt that failed; nil while up
	class   upstream.Class
	retry   time.Time // of the next attempt; zero: now
	shared  bool
}

// note takes in what the link tells.
func (s *standing) note(ev upstream.Event, now time.Time) {
	switch ev := ev.(type) {
	case upstream.Up:
		*s = standing{up: true, since: now, ups: s.ups + 1}
		if ev.Session != nil {
			s.address = ev.Session.Target()
		}
	case upstream.Down:
		if s.up {
			s.up, s.shared, s.since = false, false, now
		}
		s.err, s.class, s.retry = ev.Err, ev.Class, time.Time{}
		if ev.Target != "" {
			s.address = ev.Target
		}
	case upstream.Waiting:
		s.retry = now.Add(ev.For)
	case upstream.Shared:
		s.shared = ev.On
	}
}

// state is a word for it.
func (s *standing) state(now time.Time) string {
	switch {
	case s.up:
		return "up"
	case s.retry.After(now):
		return "waiting"
	}
	return "connecting"
}
