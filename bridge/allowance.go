package bridge

import "time"

// rate is how often something may happen: so often at once, and once more each time
// the interval has passed.
type rate struct {
	burst    int
	interval time.Duration
}

// allowance is what is left of a rate, kept as the time when it will be whole again.
// The zero value is whole.
type allowance struct{ whole time.Time }

// take uses the allowance up by one. It reports false when nothing is left.
func (a *allowance) take(r rate, now time.Time) bool {
	if !a.has(r, now) {
		return false
	}
	if a.isWhole(now) {
		a.whole = now
	}
	a.whole = a.whole.Add(r.interval)
	return true
}

// has reports whether something is left.
func (a *allowance) has(r rate, now time.Time) bool {
	return a.whole.Sub(now) <= time.Duration(r.burst-1)*r.interval
}

// isWhole reports whether nothing has been used that has not grown again.
func (a *allowance) isWhole(now time.Time) bool { return !a.whole.After(now) }
