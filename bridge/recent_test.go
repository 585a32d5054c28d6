package bridge

import (
	"fmt"
	"testing"
	"time"
)

func TestRecent(t *testing.T) {
	start := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	at := func(minutes int) time.Time { return start.Add(time.Duration(minutes) * time.Minute) }
	for _, row := range []struct {
		name string
		do   func(r *recent[string])
		at   int
		want map[string]string // what is remembered at that minute
	}{
		{"a key is remembered with its word", func(r *recent[string]) { r.note("a", "1", at(0)) }, 9, map[string]string{"a": "1"}},
		{"and forgotten after the time", func(r *recent[string]) { r.note("a", "1", at(0)) }, 10, nil},
		{"adding it again changes nothing", func(r *recent[string]) { r.note("a", "1", at(0)); r.add("a", at(5)) }, 9, map[string]string{"a": "1"}},
		{"nor prolongs it", func(r *recent[string]) { r.note("a", "1", at(0)); r.add("a", at(5)) }, 10, nil},
		{"noting it again does both", func(r *recent[string]) { r.note("a", "1", at(0)); r.note("a", "2", at(5)) }, 14, map[string]string{"a": "2"}},
		{"and only once", func(r *recent[string]) { r.note("a", "1", at(0)); r.note("a", "2", at(5)) }, 15, nil},
		{"of too many the oldest goes", func(r *recent[string]) {
			for i := range 4 {
				r.note(fmt.Sprint(i), "x", at(i))
			}
		}, 5, map[string]string{"1": "x", "2": "x", "3": "x"}},
		{"a key noted again and again does not push the others out of their time", func(r *recent[string]) {
			r.note("a", "1", at(0))
			r.note("b", "1", at(1))
			r.note("b", "2", at(2))
		}, 9, map[string]string{"a": "1", "b": "2"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := newRecent[string](10*time.Minute, 3)
			row.do(r)
			for _, key := range []string{"a", "b", "0", "1", "2", "3"} {
				word, known := r.get(key, at(row.at))
				want, should := row.want[key]
				if known != should || word != want {
					t.Errorf("%s: %q %v, want %q %v", key, word, known, want, should)
				}
			}
			if len(r.seen) > len(r.order) || len(r.order) > 3 {
				t.Errorf("%d keys, %d moments", len(r.seen), len(r.order))
			}
		})
	}
	t.Run("add says whether it was new", func(t *testing.T) {
		r := newRecent[string](10*time.Minute, 3)
		if !r.add("a", at(0)) || r.add("a", at(9)) || !r.add("a", at(10)) {
			t.Error("it does not")
		}
	})
	t.Run("a flood is held in bounded memory", func(t *testing.T) {
		r := newRecent[string](10*time.Minute, 100)
		for i := range 10000 {
			r.note(fmt.Sprint(i%7), "", at(0))
			r.note(fmt.Sprint(i), "", at(0))
		}
		if len(r.seen) > 100 || len(r.order) > 100 || cap(r.order) > 1000 {
			t.Errorf("%d keys, %d moments in %d", len(r.seen), len(r.order), cap(r.order))
		}
	})
}
