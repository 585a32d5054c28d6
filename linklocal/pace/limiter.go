package pace

import (
	"slices"
	"sync"
	"time"
)

// Rates are the numbers of a [Limiter], each 1 or more.
type Rates struct {
	Each  int // a second for one
	Burst int // at once for one
	All   int // a second for all together, and as many at once
}

// Limiter shares a rate. Its methods may be called from any goroutine.
type Limiter struct {
	mu     sync.Mutex
	rates  Rates             // guarded by mu
	all    bucket            // guarded by mu
	shares map[string]*share // guarded by mu
	queued int               // waits in all shares; guarded by mu
	timer  *time.Timer       // to the next grant; guarded by mu
}

// share is what one of them has taken, and who waits for more.
type share struct {
	bucket
	used  use
	waits []*Wait // first come, first served
}

// Wait is somebody's wait for a token.
type Wait struct {
	who     string
	wake    func()
	granted chan struct{}
}

// Granted is closed when the token is there.
func (w *Wait) Granted() <-chan struct{} { return w.granted }

// New returns a limiter with full buckets.
func New(r Rates) *Limiter {
	return &Limiter{
		rates:  r,
		all:    bucket{interval: time.Second / time.Duration(r.All), burst: r.All},
		shares: map[string]*share{},
	}
}

// Take takes a token for who. When there is none it returns a wait for it: wake is
// called once, just before Granted is closed, and must not block or call the limiter.
// A wait that is over before that must be given to [Limiter.Cancel].
func (l *Limiter) Take(who string, wake func()) *Wait {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.shares[who]
	if s == nil {
		s = &share{bucket: bucket{interval: time.Second / time.Duration(l.rates.Each), burst: l.rates.Burst}}
		l.shares[who] = s
	}
	if now := time.Now(); len(s.waits) == 0 && !s.ready().After(now) && !l.all.ready().After(now) && l.first(now) == nil {
		l.spend(s, now)
		return nil
	}
	w := &Wait{who, wake, make(chan struct{})}
	s.waits = append(s.waits, w)
	l.queued++
	l.grant()
	return w
}

// Rates returns the numbers that hold now.
func (l *Limiter) Rates() Rates {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rates
}

// SetRates changes the numbers, for who waits already too. What was taken stays taken.
func (l *Limiter) SetRates(r Rates) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rates = r
	now := time.Now()
	l.all.resize(time.Second/time.Duration(r.All), r.All, now)
	for _, s := range l.shares {
		s.resize(time.Second/time.Duration(r.Each), r.Burst, now)
	}
	l.grant()
}

// Cancel gives up a wait. One that was granted meanwhile has cost its token.
func (l *Limiter) Cancel(w *Wait) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.shares[w.who]
	if s == nil {
		return
	}
	if at := slices.Index(s.waits, w); at >= 0 {
		s.waits = slices.Delete(s.waits, at, at+1)
		l.queued--
	}
}

// Sweep forgets those who have taken nothing for so long that it makes no difference.
// It is to be called now and then.
func (l *Limiter) Sweep() {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	for who, s := range l.shares {
		if len(s.waits) == 0 && s.isFull(now) {
			delete(l.shares, who)
		}
	}
}

// grant gives what there is to who waits, and sets the timer for the rest.
func (l *Limiter) grant() {
	now := time.Now()
	for !l.all.ready().After(now) {
		s := l.first(now)
		if s == nil {
			break
		}
		l.spend(s, now)
		w := s.waits[0]
		s.waits = slices.Delete(s.waits, 0, 1)
		l.queued--
		w.wake()
		close(w.granted)
	}
	l.rest(now)
}

// first returns whose turn it is: of those who wait and may, the one who has taken
// least of late. So a flood has what others leave, and they do not wait for it.
func (l *Limiter) first(now time.Time) (first *share) {
	if l.queued == 0 {
		return nil
	}
	var least float64
	for _, s := range l.shares {
		if len(s.waits) == 0 || s.ready().After(now) {
			continue
		}
		if used := s.used.now(now); first == nil || used < least {
			first, least = s, used
		}
	}
	return first
}

func (l *Limiter) spend(s *share, now time.Time) {
	s.take(now)
	s.used.add(now)
	l.all.take(now)
}

// rest sets the timer for when the next grant may be possible.
func (l *Limiter) rest(now time.Time) {
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
	if l.queued == 0 {
		return
	}
	next := now.Add(time.Hour)
	for _, s := range l.shares {
		if at := s.ready(); len(s.waits) > 0 && at.Before(next) {
			next = at
		}
	}
	if all := l.all.ready(); all.After(next) {
		next = all
	}
	l.timer = time.AfterFunc(next.Sub(now), func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.grant()
	})
}
