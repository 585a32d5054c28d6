package upstream

import "time"

// window knows what has been written and has not yet passed through the server. A
// server handles a stream in order, so what comes back proves that all that was written
// before it has passed: a ping of ours to ourselves, and an answer to any question that
// we asked. Whatever nothing has proved within pingDelay gets a ping behind it.
type window struct {
	open      []span       // not known routed, oldest first
	bytes     int          // of those
	seq       uint64       // number of the last stanza written
	routed    uint64       // number of the last stanza known routed
	proved    time.Time    // when that became known
	pings     []routedPing // on their way, oldest first
	questions []question   // accepted and not answered, oldest first
	covered   uint64       // number of the last stanza with a ping behind it
	careful   time.Time    // until then, one stanza at a time, and none before the first ping is back
	sweep     sweep
}

// span is a stanza on its way.
type span struct {
	bytes   int
	written time.Time
}

type routedPing struct {
	id    string
	seq   uint64    // what its return proves
	since time.Time // when the first of what it stands behind was written
}

// question is an iq that somebody is to answer.
type question struct {
	id  string
	seq uint64
}

// room returns how many stanzas may be written now.
func (w *window) room(now time.Time) int {
	switch {
	case now.Before(w.careful) && len(w.pings) > 0:
		return 0
	case now.Before(w.careful):
		return 1
	case w.bytes >= windowBytes:
		return 0
	}
	return burstStanzas - w.burst()
}

// burst counts what was written since the last ping or question.
func (w *window) burst() int {
	last := max(w.covered, w.routed)
	for i := len(w.questions) - 1; i >= 0; i-- {
		if q := w.questions[i]; q.seq <= w.seq {
			last = max(last, q.seq)
			break
		}
	}
	return int(w.seq - last)
}

// asked notes a question, which was accepted as the stanza of that number.
func (w *window) asked(id string, seq uint64) {
	w.questions = append(w.questions, question{id, seq})
}

// wrote notes stanzas of those sizes.
func (w *window) wrote(sizes []int, now time.Time) {
	for _, n := range sizes {
		w.open = append(w.open, span{n, now})
		w.bytes += n
	}
	w.seq += uint64(len(sizes))
}

// due reports whether a ping should be written: behind a burst, and behind what nothing
// has proved for a while. final asks for the last one there will be.
func (w *window) due(final bool, now time.Time) bool {
	switch {
	case w.covered == w.seq || len(w.open) == 0:
		return false
	case final || w.burst() >= burstStanzas:
		return true
	case w.pinging():
		return false
	}
	return !now.Before(w.late())
}

// pinging reports whether a ping is on its way that will prove something.
func (w *window) pinging() bool { return w.covered > w.routed }

// late is when the oldest stanza that nothing has proved should have a ping behind it.
func (w *window) late() time.Time {
	at := w.open[0].written
	if at.Before(w.careful) {
		return at
	}
	return at.Add(pingDelay)
}

// sweepDue reports whether a sweep should be written: it is time for one, or a ping
// is out for so long that either the link is dead or somebody else got it.
func (w *window) sweepDue(now time.Time) bool {
	if len(w.pings) > 0 && len(w.sweep.out) == 0 && !now.Before(w.waiting().Add(pingDoubt)) {
		w.sweep.hurry(now)
	}
	return w.sweep.due(now)
}

// pinged notes a ping behind all that was written.
func (w *window) pinged(id string, now time.Time) {
	since := now
	if last := max(w.covered, w.routed); last < w.seq {
		since = w.open[last-w.routed].written
	}
	w.pings = append(w.pings, routedPing{id, w.seq, since})
	w.covered = w.seq
}

// returned takes out the ping of that id and all before it, which a server that
// handles a stream in order must have handled too. It reports false for an id that
// is not on its way. moved tells whether more stanzas are known routed than before.
func (w *window) returned(id string, now time.Time) (moved, ok bool) {
	ok = w.sweep.returned(id)
	for i, p := range w.pings {
		if p.id == id {
			if i > 0 {
				w.sweep.skipped(now)
			}
			w.pings = w.pings[i+1:]
			return w.prove(p.seq, now), true
		}
	}
	return false, ok
}

// answered takes in the answer to the question of that id, if there is one, and reports
// whether more stanzas are known routed than before.
func (w *window) answered(id string, now time.Time) (moved bool) {
	for _, q := range w.questions {
		if q.id == id && q.seq <= w.seq {
			return w.prove(q.seq, now)
		}
	}
	return false
}

// prove notes that everything up to seq is routed. It reports whether that is news.
func (w *window) prove(seq uint64, now time.Time) bool {
	if seq <= w.routed {
		return false
	}
	gone := w.open[:seq-w.routed]
	for _, s := range gone {
		w.bytes -= s.bytes
	}
	w.open = w.open[len(gone):]
	w.routed, w.proved = seq, now
	n := 0
	for n < len(w.questions) && w.questions[n].seq <= seq {
		n++
	}
	w.questions = w.questions[n:]
	return true
}

// wake returns when the window next wants to be looked at: when something is to have a
// ping behind it, when the oldest ping is doubtful or overdue, or when the sweep has
// something to do.
func (w *window) wake() time.Time {
	wake, set := w.sweep.wake()
	earlier := func(t time.Time) {
		if !set || t.Before(wake) {
			wake, set = t, true
		}
	}
	if len(w.open) > 0 && !w.pinging() {
		earlier(w.late())
	}
	if len(w.pings) > 0 {
		wait := pingDoubt
		if len(w.sweep.out) > 0 { // it is in doubt already
			wait = pingWait
		}
		earlier(w.waiting().Add(wait))
	}
	return wake
}

// waiting is since when the oldest ping is waited for: as long as others come back the server
// is slow and not dead.
func (w *window) waiting() time.Time {
	if since := w.pings[0].since; since.After(w.proved) {
		return since
	}
	return w.proved
}

// overdue reports whether a ping has been on its way for too long, and no later one
// came back either.
func (w *window) overdue(now time.Time) bool {
	return len(w.pings) > 0 && !now.Before(w.waiting().Add(pingWait))
}

// pending counts what was written and is not known routed.
func (w *window) pending() uint64 { return w.seq - w.routed }
