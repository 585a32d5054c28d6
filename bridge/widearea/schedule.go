package widearea

import "time"

// schedule is when something is asked again, and how long it is believed.
type schedule struct {
	due    time.Time
	until  time.Time // what was answered is believed
	misses int       // questions in a row that nobody answered
}

// holds takes in an answer that is good for ttl; 0 says that there is nothing.
func (s *schedule) holds(ttl time.Duration) {
	if ttl == 0 {
		ttl = absence
	}
	now := time.Now()
	s.due, s.until, s.misses = now.Add(min(max(ttl, refreshMin), refreshMax)), now.Add(ttl), 0
}

// failed takes in that there was no answer. It reports whether what was answered before
// is not to be believed any more.
func (s *schedule) failed() bool {
	now := time.Now()
	s.due = now.Add(min(refreshMin<<min(s.misses, 8), retryMax))
	s.misses++
	return now.After(s.until.Add(grace))
}
