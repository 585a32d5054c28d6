//go:build linux

package e2e

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A ledger is one way of one run of the crash experiment: what its author wrote. The
// other three lists are made when the run is over.
type ledger struct {
	way    string // up or down
	prefix string // of every id; a number follows

	mu      sync.Mutex
	written []entry // guarded by mu
}

// An entry is one message that left its author's hands whole.
type entry struct {
	id string
	at time.Time
}

// id is that of message n.
func (l *ledger) id(n int) string { return fmt.Sprintf("%s%d", l.prefix, n) }

// number is what follows the prefix; false for an id of somebody else.
func (l *ledger) number(id string) (int, bool) {
	rest, ours := strings.CutPrefix(id, l.prefix)
	n, err := strconv.Atoi(rest)
	return n, ours && err == nil
}

func (l *ledger) note(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.written = append(l.written, entry{id, time.Now()})
}

func (l *ledger) all() []entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.written)
}

// lists are the four lists of one way, and what else the trace says.
type lists struct {
	number   func(id string) (int, bool)
	written  []entry
	accepted map[string]bool // of the trace
	seen     []sighting      // raw, at the recipient
	errored  map[string]bool // at the author, or told in words and in the trace
}

// A tally is what the lists come to.
type tally struct {
	Written, Accepted, Seen, Errored int

	Lost       int // accepted, and neither seen nor errored
	Repeats    int // copies behind the first of each
	Unaccepted int // written and not accepted
	Unrecorded int // seen, without a word in the trace: the program was killed before it wrote that
	Refused    int // errored without having been accepted

	problems []string
}

// judge compares the lists by the law: what was accepted was seen or answered by an
// error, not both; what is repeated bears a delay stamp, all copies but one; first
// copies come in order. killed says that the program itself was killed meanwhile.
func (l lists) judge(killed bool) tally {
	var y tally
	wrong := func(format string, args ...any) { y.problems = append(y.problems, fmt.Sprintf(format, args...)) }
	copies, fresh, last := map[string]int{}, map[string]int{}, -1
	for _, s := range l.seen {
		n, ours := l.number(s.id)
		if !ours || s.condition != "" {
			continue
		}
		if copies[s.id]++; copies[s.id] == 1 {
			if n < last {
				wrong("%s came behind number %d", s.id, last)
			}
			last = n
		} else {
			y.Repeats++
		}
		if !s.late {
			if fresh[s.id]++; fresh[s.id] == 2 {
				wrong("%s was repeated without a delay stamp", s.id)
			}
		}
	}
	for _, e := range l.written {
		if !l.accepted[e.id] {
			y.Unaccepted++
		}
	}
	for id := range l.accepted {
		if copies[id] == 0 && !l.errored[id] {
			y.Lost++
			wrong("%s was accepted and is lost", id)
		}
	}
	for id := range copies {
		if l.errored[id] {
			wrong("%s was seen and called lost", id)
		}
		if !l.accepted[id] {
			y.Unrecorded++
			if !killed {
				wrong("%s was seen and never accepted", id)
			}
		}
	}
	for id := range l.errored {
		if l.accepted[id] {
			y.Errored++
		} else {
			y.Refused++
		}
	}
	y.Written, y.Accepted, y.Seen = len(l.written), len(l.accepted), len(copies)
	if y.Repeats > window {
		wrong("%d came again, more than a window of %d", y.Repeats, window)
	}
	slices.Sort(y.problems)
	return y
}

// TestLaw shows that the law of the crash experiment can be broken.
func TestLaw(t *testing.T) {
	numbers := (&ledger{prefix: "a."}).number
	accepted := func(ids ...string) map[string]bool {
		m := map[string]bool{}
		for _, id := range ids {
			m[id] = true
		}
		return m
	}
	plain := func(id string) sighting { return sighting{id: id} }
	stamped := func(id string) sighting { return sighting{id: id, late: true} }
	wrote := []entry{{id: "a.0"}, {id: "a.1"}}
	both := accepted("a.0", "a.1")
	for _, c := range []struct {
		name   string
		lists  lists
		killed bool
		want   []string
	}{
		{name: "all is well", lists: lists{accepted: both, seen: []sighting{plain("a.0"), plain("a.1"), plain("b.7")}}},
		{name: "one is answered", lists: lists{accepted: both, seen: []sighting{plain("a.0")}, errored: accepted("a.1")}},
		{name: "not accepted and not seen", lists: lists{accepted: accepted("a.0"), seen: []sighting{plain("a.0")}}},
		{name: "repeated with a stamp", lists: lists{accepted: both, seen: []sighting{plain("a.0"), plain("a.1"), stamped("a.0"), stamped("a.1")}}},
		{name: "lost", lists: lists{accepted: both, seen: []sighting{plain("a.0")}}, want: []string{"a.1 was accepted and is lost"}},
		{name: "an error is no sight of it", lists: lists{accepted: both, seen: []sighting{plain("a.0"), {id: "a.1", condition: "gone"}}}, want: []string{"a.1 was accepted and is lost"}},
		{name: "both", lists: lists{accepted: both, seen: []sighting{plain("a.0"), plain("a.1")}, errored: accepted("a.1")}, want: []string{"a.1 was seen and called lost"}},
		{name: "out of order", lists: lists{accepted: both, seen: []sighting{plain("a.1"), plain("a.0")}}, want: []string{"a.0 came behind number 1"}},
		{name: "repeated without", lists: lists{accepted: both, seen: []sighting{plain("a.0"), plain("a.1"), plain("a.1")}}, want: []string{"a.1 was repeated without a delay stamp"}},
		{name: "seen only", lists: lists{accepted: accepted("a.0"), seen: []sighting{plain("a.0"), plain("a.1")}}, want: []string{"a.1 was seen and never accepted"}},
		{name: "seen only, the program was killed", lists: lists{accepted: accepted("a.0"), seen: []sighting{plain("a.0"), plain("a.1")}}, killed: true},
		{name: "too often", lists: lists{accepted: both, seen: append([]sighting{plain("a.0"), plain("a.1")}, slices.Repeat([]sighting{stamped("a.1")}, window+1)...)}, want: []string{"33 came again, more than a window of 32"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.lists.number, c.lists.written = numbers, wrote
			if got := c.lists.judge(c.killed).problems; !slices.Equal(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
