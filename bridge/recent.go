package bridge

import "time"

// recent remembers keys, each with a word about it, for a while and in bounded
// memory: of too many, the oldest is forgotten.
type recent[K comparable] struct {
	keep  time.Duration
	limit int
	seen  map[K]memory
	order []moment[K] // oldest first; a key that was noted again stands here again
}

type memory struct {
	since time.Time
	word  string
}

type moment[K comparable] struct {
	since time.Time
	key   K
}

func newRecent[K comparable](keep time.Duration, limit int) *recent[K] {
	return &recent[K]{keep: keep, limit: limit, seen: map[K]memory{}}
}

// add remembers key from now on. It reports false when key is remembered already,
// which does not prolong it.
func (r *recent[K]) add(key K, now time.Time) bool {
	if _, known := r.get(key, now); known {
		return false
	}
	r.note(key, "", now)
	return true
}

// note remembers key from now on, with this word, whatever was known of it.
func (r *recent[K]) note(key K, word string, now time.Time) {
	r.age(now)
	if len(r.order) >= r.limit {
		r.forget()
	}
	r.seen[key] = memory{now, word}
	r.order = append(r.order, moment[K]{now, key})
}

// drop forgets key.
func (r *recent[K]) drop(key K) { delete(r.seen, key) }

// get returns the word about key, if key is remembered.
func (r *recent[K]) get(key K, now time.Time) (word string, known bool) {
	r.age(now)
	m, known := r.seen[key]
	return m.word, known
}

// age forgets what is too old.
func (r *recent[K]) age(now time.Time) {
	for len(r.order) > 0 && now.Sub(r.order[0].since) >= r.keep {
		r.forget()
	}
}

// forget takes the oldest moment away, and its key unless that was noted again.
func (r *recent[K]) forget() {
	oldest := r.order[0]
	r.order = r.order[1:]
	if r.seen[oldest.key].since.Equal(oldest.since) {
		delete(r.seen, oldest.key)
	}
}
