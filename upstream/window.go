package upstream

import "time"

// window knows what has been written and has not yet passed through the server.
// It is kept by the routed pings: one is due behind each burst, and one that comes
// back takes everything written before it out of the window.
type window struct {
	pings  []routedPing // on their way, oldest first
	burst  int          // stanzas written since the last ping
	bytes  int          // of those
	seq    uint64       // number of the last stanza written
	routed uint64       // number of the last stanza known routed
	alive  time.Time    // when the server last showed that it routes
}

type routedPing struct {
	id    string
	seq   uint64 // what its return proves
	bytes int    // of the stanzas it stands behind
	sent  time.Time
}

// room returns how many stanzas may be written now.
func (w *window) room() int {
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
func (w *window) due(now time.Time, final bool) bool {
	switch {
	case w.burst >= burstStanzas:
		return true
	case w.burst > 0:
		return len(w.pings) == 0 || final
	}
	return len(w.pings) == 0 && !now.Before(w.alive.Add(pingIdle))
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
	for i, p := range w.pings {
		if p.id == id {
			moved = p.seq > w.routed
			w.pings = w.pings[i+1:]
			w.routed, w.alive = p.seq, now
			return moved, true
		}
	}
	return false, false
}

// wake returns when the window next wants to be looked at: the time at which the
// oldest ping is overdue, or at which an idle link is pinged.
func (w *window) wake() time.Time {
	if len(w.pings) > 0 {
		return w.pings[0].sent.Add(pingWait)
	}
	return w.alive.Add(pingIdle)
}

// overdue reports whether a ping has been on its way for too long.
func (w *window) overdue(now time.Time) bool {
	return len(w.pings) > 0 && !now.Before(w.wake())
}
