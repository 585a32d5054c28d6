package upstream

import "time"

// window knows what has been written and has not yet passed through the server.
// It is kept by the routed pings: one is due behind each burst, and one that comes
// back takes everything written before it out of the window.
type window struct {
	pings   []routedPing // on their way, oldest first
	burst   int          // stanzas written since the last ping
	bytes   int          // of those
	seq     uint64       // number of the last stanza written
	routed  uint64       // number of the last stanza known routed
	careful time.Time    // until then, one stanza at a time, and none before the first ping is back
	sweep   sweep
}

type routedPing struct {
	id    string
	seq   uint64 // what its return proves
	bytes int    // of the stanzas it stands behind
	sent  time.Time
}

// room returns how many stanzas may be written now.
func (w *window) room(now time.Time) int {
	if now.Before(w.careful) {
		if len(w.pings) > 0 {
			return 0
		}
		return 1
	}
	under := w.bytes
	for _, p := range w.pings {
		under += p.bytes
	}
	if under >= windowBytes {
		return 0
	}
	return burstStanzas - w.burst
}

// wrote notes n stanzas of that many bytes.
func (w *window) wrote(n, bytes int) {
	w.seq += uint64(n)
	w.burst += n
	w.bytes += bytes
}

// due reports whether a ping should be written. While one is on its way the burst
// may grow to its full size, so that a ping costs one round trip or 32 stanzas,
// whichever comes later; final asks for the last one there will be.
func (w *window) due(final bool) bool {
	return w.burst >= burstStanzas || w.burst > 0 && (len(w.pings) == 0 || final)
}

// sweepDue reports whether a sweep should be written: it is time for one, or a ping
// is out for so long that either the link is dead or somebody else got it.
func (w *window) sweepDue(now time.Time) bool {
	if len(w.pings) > 0 && len(w.sweep.out) == 0 && !now.Before(w.pings[0].sent.Add(pingDoubt)) {
		w.sweep.hurry(now)
	}
	return w.sweep.due(now)
}

// pinged notes a ping behind the burst.
func (w *window) pinged(id string, now time.Time) {
	w.pings = append(w.pings, routedPing{id, w.seq, w.bytes, now})
	w.burst, w.bytes = 0, 0
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
			moved = p.seq > w.routed
			w.pings = w.pings[i+1:]
			w.routed = p.seq
			return moved, true
		}
	}
	return false, ok
}

// wake returns when the window next wants to be looked at: when the oldest ping is
// doubtful or overdue, or when the sweep has something to do.
func (w *window) wake() time.Time {
	wake, set := w.sweep.wake()
	if len(w.pings) > 0 {
		wait := pingDoubt
		if len(w.sweep.out) > 0 { // it is in doubt already
			wait = pingWait
		}
		if t := w.pings[0].sent.Add(wait); !set || t.Before(wake) {
			wake = t
		}
	}
	return wake
}

// overdue reports whether a ping has been on its way for too long, and no later one
// came back either.
func (w *window) overdue(now time.Time) bool {
	return len(w.pings) > 0 && !now.Before(w.pings[0].sent.Add(pingWait))
}

// pending counts what was written and is not known routed.
func (w *window) pending() uint64 { return w.seq - w.routed }
