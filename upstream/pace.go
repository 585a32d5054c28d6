package upstream

import "time"

// pace decides how long to wait before the next attempt. It is told of every
// ending and owns nothing but that history.
type pace struct {
	random func() float64
	spread time.Duration // upper end of the wait after system-shutdown

	step      time.Duration // upper end of the next back-off; 0 means the first
	conflicts []time.Time   // the latest ones, oldest first, at most conflictLimit
}

// ending is how an attempt ended.
type ending struct {
	err   error
	class Class
	lived time.Duration // from <handshake/> to the end; 0 when there was none

	pending uint64 // stanzas that were written and not known routed
}

func (e ending) stable() bool { return e.lived >= stableAfter }

// after returns the wait that an ending asks for before the same server is tried
// again, beside the one that every round ends with.
func (p *pace) after(e ending, now time.Time) time.Duration {
	if e.stable() {
		p.step = 0
	}
	switch {
	case e.class == Conflict:
		return p.conflict(now)
	case isShutdown(e.err):
		return time.Duration(p.random() * float64(p.spread))
	}
	return 0
}

// through returns the wait after a walk over the whole list: a long one when all
// that can be had is a refusal, or our place is taken.
func (p *pace) through(r round) Waiting {
	switch {
	case r.refused && !r.served:
		return Waiting{refusedPause, true}
	case r.pause > 0:
		return Waiting{r.pause, r.pause >= conflictPause}
	}
	return Waiting{For: p.backoff()}
}

// conflict backs off, and pauses when conflicts come so close together that it
// cannot be our own dead connection.
func (p *pace) conflict(now time.Time) time.Duration {
	if len(p.conflicts) == conflictLimit {
		p.conflicts = p.conflicts[1:]
	}
	p.conflicts = append(p.conflicts, now)
	if len(p.conflicts) == conflictLimit && now.Sub(p.conflicts[0]) <= conflictWindow {
		p.conflicts = nil
		return conflictPause
	}
	return p.backoff()
}

// backoff returns the wait before the list is walked again: random, from half of
// an upper end that doubles each time.
func (p *pace) backoff() time.Duration {
	if p.step == 0 {
		p.step = backoffFirst
	}
	half := p.step / 2
	p.step = min(2*p.step, backoffMax)
	return half + time.Duration(p.random()*float64(half))
}
