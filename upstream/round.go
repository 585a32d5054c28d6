package upstream

import "time"

// round is one walk over the list of targets, from pause to pause.
type round struct {
	list    []Target        // still to be tried
	tried   map[string]bool // addresses that need a pause before they are tried again
	through bool            // the list ended without a session: it is not asked for anew
	refused bool            // one of them did not want us
	served  bool            // one of them did, until a moment ago
	pause   time.Duration   // the longest that one of them asks for
}

// add appends the targets that have not been tried in this round. A round is
// bounded, however many addresses turn up.
func (r *round) add(all []Target) {
	if r.tried == nil {
		r.tried = map[string]bool{}
	}
	for _, t := range all {
		if !r.tried[t.Address] && len(r.tried)+len(r.list) < roundTargets {
			r.list = append(r.list, t)
		}
	}
}

// take returns the target whose turn it is.
func (r *round) take() Target {
	t := r.list[0]
	r.list = r.list[1:]
	r.tried[t.Address] = true
	return t
}

// ended takes in how the attempt with a target ended, and how long that one wants
// to be left alone. The others need not wait for it.
func (r *round) ended(t Target, e ending, pause time.Duration) {
	switch {
	case e.stable(): // a new round, which begins behind the target just lost
		*r = round{tried: map[string]bool{t.Address: true}}
	case e.lived > 0: // it was there a moment ago: ask again where it is now
		r.list = nil
	case len(r.list) == 0:
		r.through = true
	}
	r.pause = max(r.pause, pause)
	switch {
	case e.class == Refused:
		r.refused = true
	case e.lived > 0:
		r.served = true
	}
}
