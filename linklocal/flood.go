package linklocal

import "time"

// flood judges whether a peer goes on sending faster than its rate (INJ-19). What
// counts is when octets come, not how long it takes to pass them on: who sends a
// thousand lines at once and then waits is patient, however many are still queued.
type flood struct {
	seen    int64 // octets that came so far
	stanzas int64 // stanzas among those that were read
	octets  int64 // that came in the current second
	held    bool  // the stream was held up in it
	full    bool  // and all that one stream may take in ahead was: the peer sends more than that

	began time.Time // of the current second
	since time.Time // of the first second over the rate in a row; zero: this one is none
}

func (f *flood) came(n int) {
	f.seen += int64(n)
	f.octets += int64(n)
}

// longer reports whether the peer has been over its rate for the whole of its
// patience. ahead is how much of what came was not read yet. The seconds in which a
// stream was held up are compared with as many stanzas of the usual length as the
// rate allows.
func (f *flood) longer(now time.Time, rate, ahead int) bool {
	if passed := now.Sub(f.began); passed >= time.Second {
		usual := (f.seen - int64(ahead)) / max(1, f.stanzas)
		over := f.held && (f.full || float64(f.octets) > float64(rate)*float64(usual)*passed.Seconds())
		switch {
		case !over:
			f.since = time.Time{}
		case f.since.IsZero():
			f.since = f.began
		}
		f.began, f.octets, f.held, f.full = now, 0, false, false
	}
	f.held = true
	return !f.since.IsZero() && now.Sub(f.since) >= floodPatience
}
