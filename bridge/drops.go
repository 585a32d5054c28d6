package bridge

import (
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"
)

// drops counts what was refused or dropped, by the rule that says so, and logs each
// rule at most once a minute. Any goroutine may count.
type drops struct {
	log *slog.Logger

	mu     sync.Mutex
	counts map[string]uint64    // guarded by mu
	logged map[string]time.Time // guarded by mu
}

func newDrops(log *slog.Logger) *drops {
	return &drops{log: log, counts: map[string]uint64{}, logged: map[string]time.Time{}}
}

func (d *drops) count(rule string) {
	d.mu.Lock()
	d.counts[rule]++
	n, now := d.counts[rule], time.Now()
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
