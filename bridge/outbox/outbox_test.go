package outbox

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"meshbridge/internal/stanza"
)

var roomy = Limits{PerRecipient: 100, Total: 1000, Bytes: 1 << 20, MaxAge: time.Hour}

func message(body string) stanza.Stanza {
	return stanza.Stanza{
		Kind: stanza.Message, From: `juliet\40pronto@lan.example.org`, To: "alice@example.org", ID: "m1", Type: "chat",
		Payload: []*stanza.Element{stanza.New("", "body").AddText(body)},
	}
}

func accept(t testing.TB, b Box, recipient, body string, at time.Time) ID {
	t.Helper()
	id, err := b.Accept(Entry{Recipient: recipient, Sender: "juliet", Stanza: message(body), Accepted: at})
	if err != nil {
		t.Fatalf("Accept(%s): %v", body, err)
	}
	return id
}

// bodies names entries by their bodies.
func bodies(entries []Entry) string {
	var names []string
	for _, e := range entries {
		names = append(names, e.Stanza.Child("", "body").Text())
	}
	return strings.Join(names, " ")
}

func expect(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s = %q, want %q", what, got, want)
	}
}

func TestOrder(t *testing.T) {
	now := time.Now()
	t.Run("an entry returned goes before its youngers", func(t *testing.T) {
		b := NewMemory(roomy)
		var ids []ID
		for _, body := range []string{"1", "2", "3", "4"} {
			ids = append(ids, accept(t, b, "alice", body, now))
		}
		for _, id := range ids[:3] {
			b.Written(id)
		}
		expect(t, "ready", bodies(b.Ready("alice", 10)), "4")
		b.Return(ids[1]) // 1 and 3 are still in flight
		expect(t, "ready", bodies(b.Ready("alice", 10)), "2 4")
		if b.Written(ids[3]) {
			t.Error("4 could be written before 2")
		}
		if !b.Written(ids[1]) {
			t.Error("2 could not be written")
		}
		expect(t, "ready", bodies(b.Ready("alice", 10)), "4")
	})
	t.Run("a dead connection gives everything back in order", func(t *testing.T) {
		b := NewMemory(roomy)
		var ids []ID
		for _, body := range []string{"1", "2", "3", "4", "5"} {
			ids = append(ids, accept(t, b, "alice", body, now))
		}
		other := accept(t, b, "mesh:juliet", "x", now)
		b.Written(other)
		for _, id := range ids[:4] {
			b.Written(id)
		}
		b.Return(ids[1])
		b.Written(ids[1]) // written last now
		b.Done(ids[0])
		if n := b.ReturnAll(func(r string) bool { return r == "alice" }); n != 3 {
			t.Errorf("returned %d, want 3", n)
		}
		ready := b.Ready("alice", 10)
		expect(t, "ready", bodies(ready), "2 3 4 5")
		if ready[0].Tries != 2 || ready[1].Tries != 1 || ready[3].Tries != 0 {
			t.Errorf("tries are %d, %d and %d", ready[0].Tries, ready[1].Tries, ready[3].Tries)
		}
		if b.Waiting("mesh:juliet") != 0 {
			t.Error("another connection's entry came back too")
		}
		if n := b.ReturnAll(nil); n != 1 {
			t.Errorf("returned %d of all, want 1", n)
		}
	})
	t.Run("recipients by how long they have waited", func(t *testing.T) {
		b := NewMemory(roomy)
		first := accept(t, b, "carol", "1", now)
		accept(t, b, "alice", "2", now)
		accept(t, b, "carol", "3", now)
		expect(t, "recipients", strings.Join(b.Recipients(), " "), "carol alice")
		b.Written(first)
		expect(t, "recipients", strings.Join(b.Recipients(), " "), "alice carol")
	})
}

func TestBounds(t *testing.T) {
	now := time.Now()
	fill := func(limits Limits, recipients ...string) error {
		b := NewMemory(limits)
		for i, r := range recipients {
			if _, err := b.Accept(Entry{Recipient: r, Stanza: message(fmt.Sprint(i)), Accepted: now}); err != nil {
				if i != len(recipients)-1 {
					t.Errorf("entry %d was refused: %v", i, err)
				}
				return err
			}
		}
		return nil
	}
	size := footprint(Entry{Recipient: "a", Stanza: message("0")})
	for _, v := range []struct {
		name       string
		limits     Limits
		recipients []string
		bound      Bound
	}{
		{"limit 3, the fourth is refused", Limits{PerRecipient: 3, Total: 9, Bytes: 1 << 20}, []string{"a", "a", "a", "a"}, BoundRecipient},
		{"a full recipient leaves the others alone", Limits{PerRecipient: 3, Total: 9, Bytes: 1 << 20}, []string{"a", "a", "a", "b"}, ""},
		{"total", Limits{PerRecipient: 3, Total: 3, Bytes: 1 << 20}, []string{"a", "b", "c", "d"}, BoundTotal},
		{"bytes", Limits{PerRecipient: 9, Total: 9, Bytes: 2*size + size/2}, []string{"a", "a", "a"}, BoundBytes},
		{"bytes, just enough", Limits{PerRecipient: 9, Total: 9, Bytes: 3 * size}, []string{"a", "a", "a"}, ""},
		{"off: no count", Limits{Total: 9, Bytes: 1 << 20}, []string{"a"}, BoundRecipient},
		{"off: no total", Limits{PerRecipient: 9, Bytes: 1 << 20}, []string{"a"}, BoundTotal},
		{"off: no bytes", Limits{PerRecipient: 9, Total: 9}, []string{"a"}, BoundBytes},
	} {
		t.Run(v.name, func(t *testing.T) {
			err := fill(v.limits, v.recipients...)
			var full *Full
			if errors.As(err, &full) != (v.bound != "") || full != nil && full.Bound != v.bound {
				t.Errorf("got %v, want bound %q", err, v.bound)
			}
			if err != nil && !strings.Contains(err.Error(), "raise the outbox limits") {
				t.Errorf("%v does not say what to do", err)
			}
		})
	}
	t.Run("what is in flight counts, what is done does not", func(t *testing.T) {
		b := NewMemory(Limits{PerRecipient: 1, Total: 1, Bytes: 1 << 20})
		id := accept(t, b, "alice", "1", now)
		b.Written(id)
		if _, err := b.Accept(Entry{Recipient: "alice", Stanza: message("2")}); err == nil {
			t.Error("accepted beside one in flight")
		}
		if e, ok := b.Done(id); !ok || e.Sender != "juliet" || e.ID != id {
			t.Errorf("Done = %+v %v", e, ok)
		}
		accept(t, b, "alice", "2", now)
	})
	t.Run("an emptied box holds nothing", func(t *testing.T) {
		b := NewMemory(roomy)
		for i := range 100 {
			accept(t, b, fmt.Sprint("stranger", i), "x", now)
		}
		for i := range 100 {
			b.Discard(fmt.Sprint("stranger", i))
		}
		if b.Usage() != (Usage{}) || len(b.items) != 0 || len(b.lanes) != 0 {
			t.Errorf("%+v, %d items and %d lanes left", b.Usage(), len(b.items), len(b.lanes))
		}
	})
}

func TestExpire(t *testing.T) {
	now := time.Now()
	t.Run("only what waits, oldest first", func(t *testing.T) {
		b := NewMemory(roomy)
		flying := accept(t, b, "alice", "flying", now)
		accept(t, b, "alice", "1", now)
		accept(t, b, "carol", "2", now.Add(time.Minute))
		accept(t, b, "alice", "3", now.Add(time.Minute))
		accept(t, b, "alice", "young", now.Add(time.Minute+1))
		b.Written(flying)
		expect(t, "expired early", bodies(b.Expire(now.Add(time.Hour-1))), "")
		expect(t, "expired", bodies(b.Expire(now.Add(time.Hour+time.Minute))), "1 2 3")
		expect(t, "left", bodies(b.Ready("alice", 9)), "young")
		b.Return(flying)
		expect(t, "expired once back", bodies(b.Expire(now.Add(time.Hour+time.Minute))), "flying")
	})
	t.Run("no age, no expiry", func(t *testing.T) {
		b := NewMemory(Limits{PerRecipient: 1, Total: 1, Bytes: 1 << 20})
		accept(t, b, "alice", "1", now)
		expect(t, "expired", bodies(b.Expire(now.Add(1e6*time.Hour))), "")
	})
	t.Run("discard leaves what is in flight", func(t *testing.T) {
		b := NewMemory(roomy)
		flying := accept(t, b, "alice", "flying", now)
		b.Written(flying)
		accept(t, b, "alice", "1", now)
		accept(t, b, "carol", "2", now)
		accept(t, b, "alice", "3", now)
		expect(t, "discarded", bodies(b.Discard("alice")), "1 3")
		expect(t, "discarded of nobody", bodies(b.Discard("nobody")), "")
		b.Return(flying)
		expect(t, "left", bodies(b.Ready("alice", 9))+bodies(b.Ready("carol", 9)), "flying2")
	})
}

func TestWrongCalls(t *testing.T) {
	b := NewMemory(roomy)
	id := accept(t, b, "alice", "1", time.Now())
	if b.Written(0) || b.Written(id+1) || b.Return(id) || b.Return(id+1) {
		t.Error("a call on an unknown or waiting entry was taken")
	}
	b.Written(id)
	if b.Written(id) {
		t.Error("written twice")
	}
	b.Done(id)
	if _, ok := b.Done(id); ok || b.Return(id) {
		t.Error("a call on a forgotten entry was taken")
	}
	if len(b.Ready("alice", 1)) != 0 || len(b.Ready("nobody", 1)) != 0 || b.Ready("alice", -1) != nil {
		t.Error("an entry out of nowhere")
	}
}

func TestFootprint(t *testing.T) {
	t.Run("grows with every part of a stanza", func(t *testing.T) {
		plain := Entry{Stanza: message("x")}
		size := footprint(plain)
		nested := stanza.New("urn:x", "a").With("k", "v").Add(stanza.New("urn:x", "b").AddText(strings.Repeat("y", 1000)))
		big := Entry{Recipient: "alice", Sender: "juliet", Stanza: message("x")}
		big.Stanza.Payload = append(big.Stanza.Payload, nested)
		if grown := footprint(big) - size; grown < 1000+len("alicejulietkv") || grown > 2000 {
			t.Errorf("grew by %d for a kilobyte", grown)
		}
	})
}

func BenchmarkAcceptWrittenDone(b *testing.B) {
	box := NewMemory(Limits{PerRecipient: 1 << 20, Total: 1 << 20, Bytes: 1 << 30})
	now := time.Now()
	recipients := make([]string, 100)
	for i := range recipients {
		recipients[i] = fmt.Sprintf("colleague%d@example.org", i)
		for range 100 { // a box that is in use
			accept(b, box, recipients[i], "kept", now)
		}
	}
	entry := Entry{Sender: "juliet", Stanza: message("hello"), Accepted: now}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		entry.Recipient = recipients[i%len(recipients)]
		i++
		if _, err := box.Accept(entry); err != nil {
			b.Fatal(err)
		}
		next := box.Ready(entry.Recipient, 1)[0].ID
		box.Written(next)
		box.Done(next)
	}
}

func TestSetLimits(t *testing.T) {
	box := NewMemory(Limits{PerRecipient: 2, Total: 2, Bytes: 1 << 20})
	for range 2 {
		if _, err := box.Accept(Entry{Recipient: "a"}); err != nil {
			t.Fatal(err)
		}
	}
	box.SetLimits(Limits{PerRecipient: 3, Total: 3, Bytes: 1 << 20})
	if _, err := box.Accept(Entry{Recipient: "a"}); err != nil {
		t.Errorf("COMP-14 more room: %v", err)
	}
	box.SetLimits(Limits{PerRecipient: 1, Total: 1, Bytes: 1 << 20})
	if _, err := box.Accept(Entry{Recipient: "b"}); err == nil || box.Usage().Entries != 3 {
		t.Errorf("COMP-14 less room: %v, %d are kept", err, box.Usage().Entries)
	}
}

func TestReserve(t *testing.T) {
	b := NewMemory(roomy)
	b.Reserve(7)
	b.Reserve(3)
	if id := accept(t, b, "alice", "1", time.Now()); id != 8 {
		t.Errorf("the ID is %d", id)
	}
}
