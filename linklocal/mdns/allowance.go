package mdns

import "time"

// An allowance is spent in one go or little by little, and comes back with time. The zero
// allowance is whole.
type allowance struct {
	spent float64
	at    time.Time // when spent was true
}

// take takes one of at most burst, of which so many come back each second, and reports
// whether there was one.
func (a *allowance) take(now time.Time, burst, perSecond float64) bool {
	a.spent = max(0, a.spent-now.Sub(a.at).Seconds()*perSecond)
	a.at = now
	if a.spent+1 > burst {
		return false
	}
	a.spent++
	return true
}
