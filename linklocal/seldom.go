package linklocal

import (
	"sync"
	"time"
)

// seldom is for a log line that strangers can bring about as often as they like: it is
// written once in a while, the counters know the rest.
type seldom struct {
	mu   sync.Mutex
	told time.Time // guarded by mu
}

// now reports whether the line may be written, and takes in that it is.
func (s *seldom) now() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if !s.told.IsZero() && now.Sub(s.told) < logPause {
		return false
	}
	s.told = now
	return true
}
