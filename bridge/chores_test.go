package bridge

import (
	"fmt"
	"testing"
	"time"

	"meshbridge/bridge/store"
	"meshbridge/internal/stanza"
	"meshbridge/upstream"
)

// words names presences: "to type".
func words(list []stanza.Stanza) []string {
	var out []string
	for _, s := range list {
		out = append(out, s.To+" "+standingOf(s))
	}
	return out
}

func TestChores(t *testing.T) {
	const me = component
	rows := []struct {
		name string
		say  []stanza.Stanza
		want []string
	}{
		{"in order", []stanza.Stanza{pres(me, "a", ""), pres(me, "b", "unavailable"), pres(me, "c", "")}, []string{"a available", "b unavailable", "c available"}},
		{"the later of two on one matter, at the place of the earlier", []stanza.Stanza{pres(me, "a", ""), pres(me, "b", ""), pres(me, "a", "unavailable")}, []string{"a unavailable", "b available"}},
		{"a subscription is answered before the presence that follows from it", []stanza.Stanza{pres(me, "a", ""), pres(me, "a", "subscribed"), pres(me, "a", "")}, []string{"a subscribed", "a available"}},
		{"the last word on a subscription counts", []stanza.Stanza{pres(me, "a", "subscribed"), pres(me, "a", "unsubscribed"), pres(me, "a", "subscribed")}, []string{"a subscribed"}},
		{"GW-9 behind the end of a subscription nothing that waited goes out", []stanza.Stanza{pres(me, "a", "subscribed"), pres(me, "a", ""), pres(me, "a", "unsubscribed")}, []string{"a unsubscribed"}},
		{"what is said and what is asked are two matters", []stanza.Stanza{pres(me, "a", "subscribe"), pres(me, "a", "probe"), pres(me, "a", ""), pres(me, "a", "probe")}, []string{"a subscribe", "a available", "a probe"}},
		{"other senders are other matters", []stanza.Stanza{pres(me, "a", ""), pres(julietJID, "a", "unavailable")}, []string{"a available", "a unavailable"}},
	}
	for _, row := range rows {
		synctestRun(t, row.name, func(t *testing.T) {
			c := newCoreRig(t)
			c.up()
			c.Gateway.session.(*fakeSession).room = -1
			for _, s := range row.say {
				c.say(s)
			}
			c.session.room = 0
			c.rest(time.Second)
			expectWords(t, words(c.session.take()), row.want)
			if len(c.chores.todo) != 0 || len(c.chores.order) != 0 {
				t.Errorf("left: %v", c.chores.order)
			}
		})
	}
	synctestRun(t, "fifty at once, then a hundred a second, and nothing runs when there is nothing to do", func(t *testing.T) {
		c := newCoreRig(t)
		c.routing = true
		c.Gateway.up(c.session)
		c.rest(time.Minute)
		c.session.take()
		for i := range 1000 {
			c.say(pres(me, fmt.Sprint("x", i), ""))
		}
		if n := len(c.session.take()); n != choreCredit {
			t.Errorf("%d at once", n)
		}
		for range 9 {
			c.rest(time.Second)
			if n := len(c.session.take()); n < 90 || n > 110 {
				t.Errorf("%d in a second", n)
			}
		}
		c.rest(time.Second)
		if n := len(c.session.take()); n == 0 || c.chores.next.set() {
			t.Errorf("%d left over, alarm %v", n, c.chores.next.set())
		}
	})
	synctestRun(t, "a full session is tried again, nothing is lost or reordered", func(t *testing.T) {
		c := newCoreRig(t)
		c.up()
		c.rest(time.Second)
		c.session.take()
		c.session.room = 3
		var want []string
		for i := range 10 {
			c.say(pres(me, fmt.Sprint("x", i), ""))
			want = append(want, fmt.Sprintf("x%d available", i))
		}
		if n := len(c.session.sent); n != 3 {
			t.Fatalf("%d went out", n)
		}
		c.rest(time.Second)
		c.session.room = 0
		c.rest(time.Second)
		expectWords(t, words(c.session.take()), want)
	})
	synctestRun(t, "a stanza that can never be sent does not stand in the way of the others", func(t *testing.T) {
		for _, err := range []error{upstream.ErrTooBig, upstream.ErrIncomplete, upstream.ErrForeignFrom} {
			c := newCoreRig(t)
			c.up()
			c.session.err, c.session.bad = err, func(s stanza.Stanza) bool { return s.To == "bad" }
			c.say(pres(me, "bad", ""))
			c.say(pres(me, "good", ""))
			c.answerUp(pres(me, "bad", ""))
			c.answerUp(pres(me, "good", "unavailable"))
			c.rest(time.Second)
			expectWords(t, words(c.session.take()), []string{"good available", "good unavailable"})
		}
	})
	synctestRun(t, "an answer does not overtake another", func(t *testing.T) {
		c := newCoreRig(t)
		c.up()
		c.session.room = -1
		c.answerUp(pres(me, "first", ""))
		c.session.room = 0
		c.answerUp(pres(me, "second", ""))
		c.rest(time.Second)
		expectWords(t, words(c.session.take()), []string{"first available", "second available"})
	})
	synctestRun(t, "answers wait for room, in order, in bounded number, ahead of presence, and die with the session", func(t *testing.T) {
		c := newCoreRig(t)
		c.routing = true
		c.up()
		c.session.room = -1
		c.say(pres(me, "later", ""))
		for i := range maxAnswers + 5 {
			c.answerUp(pres(me, fmt.Sprint("x", i), ""))
		}
		if n := c.drops.of("GW-14"); n != 5 {
			t.Errorf("%d were dropped", n)
		}
		c.session.room = 0
		c.rest(time.Second)
		got := words(c.session.take())
		if len(got) != maxAnswers+1 || got[0] != "x0 available" || got[maxAnswers-1] != fmt.Sprintf("x%d available", maxAnswers-1) || got[maxAnswers] != "later available" {
			t.Errorf("%d: %.5q … %.5q", len(got), got, got[len(got)-3:])
		}
		c.session.room = -1
		c.answerUp(pres(me, "old", ""))
		c.say(pres(me, "old", ""))
		c.down(upstream.Down{})
		c.session.room = 0
		c.up()
		c.rest(time.Second)
		for _, w := range words(c.session.take()) {
			if w == "old available" {
				t.Error("said on another session")
			}
		}
	})
	t.Run("without a session, and on the way out, nothing is said", func(t *testing.T) {
		c := newCoreRig(t)
		c.say(pres(me, "a", ""))
		c.answerUp(pres(me, "a", ""))
		c.up()
		c.stopping = true
		c.say(pres(me, "a", ""))
		if n := len(c.session.take()); n != 0 || len(c.chores.order) > 0 && c.chores.order[0].to == "a" {
			t.Errorf("%d were said", n)
		}
	})
	synctestRun(t, "GW-16 a flood of strangers is not answered at the cost of those who belong here", func(t *testing.T) {
		c := newCoreRig(t)
		c.up()
		for i := range 10000 {
			c.hears(pres(fmt.Sprintf("x%d@else.example", i), julietJID, "subscribe"))
		}
		if n := len(c.chores.order); n > maxRefusals+choreCredit {
			t.Errorf("%d wait", n)
		}
		c.watch(store.Pair{Colleague: aliceJID, Local: localOf(julietName)})
		c.rest(time.Minute)
		if n := len(c.session.take()); n > maxRefusals+2*choreCredit {
			t.Errorf("%d were answered", n)
		}
	})
}

func expectWords(t *testing.T, got, want []string) {
	t.Helper()
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Errorf("\n got %q\nwant %q", got, want)
	}
}
