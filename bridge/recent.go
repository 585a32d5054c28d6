package bridge

import "time"

// recent remembers keys, each with a word about it, for a while and in bounded
// memory: of too many, the oldest is forgotten.
type recent struct {
	keep  time.Duration
	limit int
	seen  map[string]memory
	order []string // oldest first
}

type memory struct {
	since time.Time
	word  string
}

func newRecent(keep time.Duration, limit int) *recent {
	return &recent{keep: keep, limit: limit, seen: map[string]memory{}}
}

// add remembers key from now on. It reports false when key is remembered already,
// which does not prolong it.
func (r *recent) add(key, word string, now time.Time) bool {
	if _, known := r.get(key, now); known {
		return false
	}
	if len(r.order) >= r.limit {
		r.forget()
	}
	r.seen[key] = memory{now, word}
	r.order = append(r.order, key)
	return true
}

// get returns the word about key, if key is remembered.
func (r *recent) get(key string, now time.Time) (word string, known bool) {
	for len(r.order) > 0 && now.Sub(r.seen[r.order[0]].since) >= r.keep {
		r.forget()
	}
	m, known := r.seen[key]
	return m.word, known
}

func (r *recent) forget() {
	delete(r.seen, r.order[0])
	r.order = r.order[1:]
}
