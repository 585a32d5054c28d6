//go:build linux

package e2e

import (
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// A journal is an append-only list of events that tests wait for. Every event
// stays, so what came before somebody began to look is not lost.
type journal[E any] struct {
	mu      sync.Mutex
	events  []E           // guarded by mu
	changed chan struct{} // guarded by mu; closed at the next add
}

func newJournal[E any]() *journal[E] { return &journal[E]{changed: make(chan struct{})} }

// add appends what happened at once, and wakes all who wait.
func (j *journal[E]) add(e ...E) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.events = append(j.events, e...)
	close(j.changed)
	j.changed = make(chan struct{})
}

// from returns the events from position i on, and a channel that is closed
// when there are more.
func (j *journal[E]) from(i int) ([]E, <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.events[i:len(j.events):len(j.events)], j.changed
}

// all returns every event so far.
func (j *journal[E]) all() []E {
	events, _ := j.from(0)
	return events
}

// now returns a cursor that sees only what is added from here on.
func (j *journal[E]) now() *cursor[E] {
	j.mu.Lock()
	defer j.mu.Unlock()
	return &cursor[E]{journal: j, next: len(j.events)}
}

// start returns a cursor that sees everything.
func (j *journal[E]) start() *cursor[E] { return &cursor[E]{journal: j} }

// A cursor is one reader's position in a journal.
type cursor[E any] struct {
	journal *journal[E]
	next    int
}

// find waits until an event at or after the cursor matches, moves the cursor
// behind it and returns it; false when within has passed.
func (c *cursor[E]) find(within time.Duration, match func(E) bool) (E, bool) {
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	for {
		events, more := c.journal.from(c.next)
		for i, e := range events {
			if match(e) {
				c.next += i + 1
				return e, true
			}
		}
		c.next += len(events)
		select {
		case <-more:
		case <-deadline.C:
			var none E
			return none, false
		}
	}
}

// await is find that ends the test, saying what was waited for.
func (c *cursor[E]) await(t testing.TB, within time.Duration, what string, match func(E) bool) E {
	t.Helper()
	begin := time.Now()
	e, ok := c.find(within, match)
	if !ok {
		t.Fatalf("waited %v in vain for %s", within, what)
	}
	if os.Getenv("E2E_KEEP") != "" {
		t.Logf("%6.3f s: %s", time.Since(begin).Seconds(), what)
	}
	return e
}

// absent watches the journal for the whole window and fails the test when an
// event matches.
func (c *cursor[E]) absent(t testing.TB, window time.Duration, what string, match func(E) bool) {
	t.Helper()
	if e, ok := c.find(window, match); ok {
		t.Errorf("%s: %+v", what, e)
	}
}

// rest returns the events at or after the cursor without moving it.
func (c *cursor[E]) rest() []E {
	events, _ := c.journal.from(c.next)
	return events
}

// eventually polls a condition that nobody announces (a port that opens, a
// process that grows) until it holds or within has passed.
func eventually(t testing.TB, within time.Duration, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("waited %v in vain for %s", within, what)
		}
	}
}

// A line is one line that a process wrote.
type line struct {
	at   time.Time
	text string
}

// has matches lines that contain each of the parts.
func has(parts ...string) func(line) bool {
	return func(l line) bool {
		for _, p := range parts {
			if !strings.Contains(l.text, p) {
				return false
			}
		}
		return true
	}
}
