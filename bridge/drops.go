package bridge

import (
	"log/slog"
	"maps"
	"slices"
	"sort"
	"sync"
	"time"

	"meshbridge/bridge/control"
)

// drops counts what was refused or dropped, by the rule that says so, and logs each
// rule at most once a minute. Any goroutine may count.
type drops struct {
	log *slog.Logger

	mu     sync.Mutex
	counts map[string]uint64    // guarded by mu
	logged map[string]time.Time // guarded by mu
	last   map[string]offender  // guarded by mu
}

// offender is whom a rule was last counted for. Who is "" is not known: it may have been
// nobody who has a name yet.
type offender struct {
	who  string // instance or bare JID
	when time.Time
}

func newDrops(log *slog.Logger) *drops {
	return &drops{log: log, counts: map[string]uint64{}, logged: map[string]time.Time{}, last: map[string]offender{}}
}

func (d *drops) count(rule string) { d.countOf(rule, "") }

// countOf counts a rule for somebody: the instance of a peer or a colleague's bare JID.
func (d *drops) countOf(rule, who string) {
	d.mu.Lock()
	d.counts[rule]++
	n, now := d.counts[rule], time.Now()
	if who != "" || d.last[rule].who == "" {
		d.last[rule] = offender{who, now}
	}
	quiet := now.Sub(d.logged[rule]) < dropLogPause
	if !quiet {
		d.logged[rule] = now
	}
	d.mu.Unlock()
	if !quiet {
		d.log.Info("dropped or refused", "rule", rule, "total", n)
	}
}

// rules lists those that were counted.
func (d *drops) rules() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Sorted(maps.Keys(d.counts))
}

// of returns how often a rule was counted.
func (d *drops) of(rule string) uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.counts[rule]
}

// list tells all counts, the greatest first.
func (d *drops) list(now time.Time) []control.Drop {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := []control.Drop{}
	for rule, n := range d.counts {
		last := d.last[rule]
		list = append(list, control.Drop{Rule: rule, Count: n, Last: last.who, LastSeconds: seconds(now.Sub(last.when))})
	}
	sort.Slice(list, func(i, j int) bool {
		a, b := list[i], list[j]
		return a.Count > b.Count || a.Count == b.Count && a.Rule < b.Rule
	})
	return list
}
