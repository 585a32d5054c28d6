package outbox

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// model is the box as one would write it without caring for time: a slice in the
// order of acceptance.
type model struct {
	limits  Limits
	entries []modelEntry
}

type modelEntry struct {
	Entry
	flying bool
}

func (m *model) find(id ID) *modelEntry {
	for i := range m.entries {
		if m.entries[i].ID == id {
			return &m.entries[i]
		}
	}
	return nil
}

func (m *model) usage() (u Usage) {
	for _, e := range m.entries {
		u.Entries++
		u.Bytes += footprint(e.Entry)
	}
	return u
}

func (m *model) bound(e Entry) Bound {
	of := 0
	for _, kept := range m.entries {
		if kept.Recipient == e.Recipient {
			of++
		}
	}
	switch {
	case of >= m.limits.PerRecipient:
		return BoundRecipient
	case len(m.entries) >= m.limits.Total:
		return BoundTotal
	case m.usage().Bytes+footprint(e) > m.limits.Bytes:
		return BoundBytes
	}
	return ""
}

func (m *model) waiting(recipient string) []Entry {
	var list []Entry
	for _, e := range m.entries {
		if e.Recipient == recipient && !e.flying {
			list = append(list, e.Entry)
		}
	}
	return list
}

func (m *model) recipients() []string {
	var list []string
	for _, e := range m.entries {
		if !e.flying && !slices.Contains(list, e.Recipient) {
			list = append(list, e.Recipient)
		}
	}
	return list
}

// take removes and returns the waiting entries that match.
func (m *model) take(match func(Entry) bool) []Entry {
	var taken []Entry
	m.entries = slices.DeleteFunc(m.entries, func(e modelEntry) bool {
		if e.flying || !match(e.Entry) {
			return false
		}
		taken = append(taken, e.Entry)
		return true
	})
	return taken
}

func TestMemoryIsTheModel(t *testing.T) {
	names := []string{"alice", "carol", "mesh:juliet"}
	t.Run("any sequence of calls keeps order and bounds", rapid.MakeCheck(func(t *rapid.T) {
		limits := Limits{
			PerRecipient: rapid.IntRange(0, 8).Draw(t, "per recipient"), Total: rapid.IntRange(0, 16).Draw(t, "total"),
			Bytes: rapid.IntRange(0, 12000).Draw(t, "bytes"), MaxAge: time.Duration(rapid.IntRange(0, 20).Draw(t, "age")) * time.Second,
		}
		m, box := &model{limits: limits}, NewMemory(limits)
		now, last := time.Unix(1e9, 0), ID(0)
		recipient := rapid.SampledFrom(names)
		anID := func(t *rapid.T) ID { return ID(rapid.Uint64Range(0, uint64(last)+1).Draw(t, "id")) }
		t.Repeat(map[string]func(*rapid.T){
			"accept": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "later")) * time.Second)
				e := Entry{Recipient: recipient.Draw(t, "to"), Accepted: now, Stanza: message(fmt.Sprint(last + 1))}
				id, err := box.Accept(e)
				var full *Full
				if bound := m.bound(e); bound != "" {
					if !errors.As(err, &full) || full.Bound != bound {
						t.Fatalf("Accept: %v, want bound %s", err, bound)
					}
					return
				}
				if err != nil || id != last+1 {
					t.Fatalf("Accept = %d %v, want %d", id, err, last+1)
				}
				last, e.ID = id, id
				m.entries = append(m.entries, modelEntry{Entry: e})
			},
			"written": func(t *rapid.T) {
				id := anID(t)
				e := m.find(id)
				want := e != nil && !e.flying && m.waiting(e.Recipient)[0].ID == id
				if box.Written(id) != want {
					t.Fatalf("Written(%d) != %v", id, want)
				}
				if want {
					e.flying = true
					e.Tries++
				}
			},
			"write what is ready": func(t *rapid.T) {
				for _, e := range box.Ready(recipient.Draw(t, "to"), 3) {
					if !box.Written(e.ID) {
						t.Fatalf("%d was ready and could not be written", e.ID)
					}
					m.find(e.ID).flying = true
					m.find(e.ID).Tries++
				}
			},
			"return": func(t *rapid.T) {
				id := anID(t)
				e := m.find(id)
				if box.Return(id) != (e != nil && e.flying) {
					t.Fatalf("Return(%d) is wrong", id)
				}
				if e != nil {
					e.flying = false
				}
			},
			"return all": func(t *rapid.T) {
				to, n := recipient.Draw(t, "to"), 0
				for i := range m.entries {
					if m.entries[i].Recipient == to && m.entries[i].flying {
						m.entries[i].flying = false
						n++
					}
				}
				if got := box.ReturnAll(func(r string) bool { return r == to }); got != n {
					t.Fatalf("ReturnAll = %d, want %d", got, n)
				}
			},
			"done": func(t *rapid.T) {
				id := anID(t)
				e, ok := box.Done(id)
				if kept := m.find(id); ok != (kept != nil) || ok && !cmp.Equal(e, kept.Entry) {
					t.Fatalf("Done(%d) = %+v %v", id, e, ok)
				}
				m.entries = slices.DeleteFunc(m.entries, func(e modelEntry) bool { return e.ID == id })
			},
			"expire": func(t *rapid.T) {
				want := m.take(func(e Entry) bool { return limits.MaxAge > 0 && now.Sub(e.Accepted) >= limits.MaxAge })
				same(t, "expired", box.Expire(now), want)
			},
			"discard": func(t *rapid.T) {
				to := recipient.Draw(t, "to")
				same(t, "discarded", box.Discard(to), m.take(func(e Entry) bool { return e.Recipient == to }))
			},
			"": func(t *rapid.T) { compare(t, box, m, names) },
		})
	}))
}

// compare looks at everything a box shows, and at its insides for leaks.
func compare(t *rapid.T, box *Memory, m *model, names []string) {
	for _, to := range names {
		want := m.waiting(to)
		same(t, "ready", box.Ready(to, 100), want)
		same(t, "ready", box.Ready(to, 2), want[:min(2, len(want))])
		if box.Waiting(to) != len(want) {
			t.Fatalf("Waiting(%s) = %d, want %d", to, box.Waiting(to), len(want))
		}
	}
	if !slices.Equal(box.Recipients(), m.recipients()) {
		t.Fatalf("Recipients = %v, want %v", box.Recipients(), m.recipients())
	}
	each := 0
	box.Each(func(e Entry, inFlight bool) {
		each++
		if kept := m.find(e.ID); kept == nil || kept.flying != inFlight || !cmp.Equal(e, kept.Entry) {
			t.Fatalf("Each visits %+v (in flight: %v), the model has %+v", e, inFlight, kept)
		}
	})
	if each != len(m.entries) {
		t.Fatalf("Each visits %d entries of %d", each, len(m.entries))
	}
	if box.Usage() != m.usage() || len(box.items) != len(m.entries) || len(box.lanes) > len(m.entries) {
		t.Fatalf("%+v, %d items, %d lanes; want %+v", box.Usage(), len(box.items), len(box.lanes), m.usage())
	}
}

func same(t *rapid.T, what string, got, want []Entry) {
	if len(got)+len(want) > 0 && !cmp.Equal(got, want) {
		t.Fatalf("%s: %s", what, cmp.Diff(want, got))
	}
}
