package pace

import (
	"math"
	"time"
)

// bucket is a token bucket: burst tokens, one more every interval.
type bucket struct {
	interval time.Duration
	burst    int
	full     time.Time // when it is full again; the past counts as now
}

// ready returns when the next token is there; now or the past if one is already.
func (b *bucket) ready() time.Time {
	return b.full.Add(-time.Duration(b.burst-1) * b.interval)
}

// take takes a token that is there.
func (b *bucket) take(now time.Time) {
	if b.full.Before(now) {
		b.full = now
	}
	b.full = b.full.Add(b.interval)
}

// resize gives the bucket other numbers. As many tokens as were missing still are, and
// no more than all of them.
func (b *bucket) resize(interval time.Duration, burst int, now time.Time) {
	missing := min(max(0, int((b.full.Sub(now)+b.interval-1)/b.interval)), burst)
	b.interval, b.burst = interval, burst
	b.full = now.Add(time.Duration(missing) * interval)
}

// isFull reports whether nothing has been taken that has not grown again.
func (b *bucket) isFull(now time.Time) bool { return !b.full.After(now) }

// use is how much somebody has taken of late: each token counts for less and less as
// time passes.
type use struct {
	sum float64
	at  time.Time // when sum was right
}

// lately is how long it takes for a token to count a third. Long enough to tell who
// takes ten a second from who takes one, short enough to forgive.
const lately = 2 * time.Second

func (u *use) now(t time.Time) float64 {
	return u.sum * math.Exp(-t.Sub(u.at).Seconds()/lately.Seconds())
}

func (u *use) add(t time.Time) { u.sum, u.at = u.now(t)+1, t }
