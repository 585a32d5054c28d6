package upstream

import (
	"strings"
	"testing"
	"time"
)

// shared returns when the sharing began and ended since the rig began, by event.
func (r *rig) shared() (news []bool) {
	for _, e := range r.take() {
		if e, ok := e.(Shared); ok {
			news = append(news, e.On)
		}
	}
	return news
}

// every takes each nth ping.
func every(n int) func(int) bool { return func(i int) bool { return i%n == n-1 } }

func TestSweep(t *testing.T) {
	inBubble(t, "COMP-17 16 pings of different ids follow the handshake", func(t *testing.T) {
		r := newRig(t).run()
		f := r.far()
		f.say(goodHeader)
		f.say(`<handshake/>`)
		ids := map[string]bool{}
		for _, id := range f.pings() {
			ids[id] = true
		}
		if len(ids) != 16 {
			t.Errorf("%d ids, want 16", len(ids))
		}
	})
	for name, taken := range map[string]func(int) bool{
		"half of what is routed":    every(2),
		"one in sixteen":            func(i int) bool { return i%16 == 7 },
		"all but one in sixteen":    func(i int) bool { return i%16 != 7 },
		"the first of each sixteen": func(i int) bool { return i%16 == 0 },
	} {
		inBubble(t, "COMP-17 a twin that gets "+name+" is told of within 65 s, and again when it is gone", func(t *testing.T) {
			r := newRig(t).run()
			f, _ := r.up()
			pass(time.Second)
			f.share(taken)
			pass(58 * time.Second)
			if news := r.shared(); news != nil {
				t.Fatalf("news %v before the sweep", news)
			}
			pass(6 * time.Second)
			if news := r.shared(); len(news) != 1 || !news[0] {
				t.Fatalf("news %v within 65 s, want that it is shared", news)
			}
			if log := r.log.String(); strings.Count(log, "level=ERROR") != 1 || !strings.Contains(log, "find the other program") {
				t.Errorf("log without an error or the remedy: %s", log)
			}
			before := len(f.pings())
			pass(time.Minute)
			if n := (len(f.pings()) - before) / 16; n < 11 || n > 13 {
				t.Errorf("%d sweeps in a minute, want one each 5 s", n)
			}
			if news := r.shared(); news != nil {
				t.Errorf("news %v while nothing changed", news)
			}
			f.share(nil)
			pass(5*time.Second + 10*time.Millisecond)
			if news := r.shared(); len(news) != 1 || news[0] {
				t.Errorf("news %v 5 s after it left, want that it is not shared any more", news)
			}
			before = len(f.pings())
			pass(54 * time.Second)
			if n := len(f.pings()) - before; n != 0 {
				t.Errorf("%d pings in the 54 s after it", n)
			}
			if d := r.route(); strings.Contains(d, " ") {
				t.Errorf("the link was given up: %s", d)
			}
		})
	}
	inBubble(t, "COMP-17 a twin that is there first is told of within 5 s of the handshake", func(t *testing.T) {
		r := newRig(t).run()
		f := r.far()
		f.share(every(2))
		f.say(goodHeader)
		f.say(`<handshake/>`)
		pass(4 * time.Second)
		if news := r.shared(); len(news) != 1 || !news[0] {
			t.Errorf("news %v", news)
		}
	})
	inBubble(t, "COMP-17 a ping that a twin takes from under a message does not end the session", func(t *testing.T) {
		r := newRig(t).run()
		f, s := r.up()
		pass(time.Second)
		f.share(func(i int) bool { return i == 0 || i > 1 && i%2 == 0 })
		s.Send(chat("1")) // its ping goes elsewhere
		pass(5*time.Second - time.Millisecond)
		if n := len(f.pings()); n != 1 {
			t.Fatalf("%d pings before the doubt", n)
		}
		pass(time.Millisecond)
		events := r.take()
		if len(f.pings()) != 17 || routedUpTo(t, events) != 1 {
			t.Errorf("%d pings after 5 s, events %v, want a sweep that proves the message routed", len(f.pings()), events)
		}
		pass(20 * time.Second)
		if d := r.route(); strings.Contains(d, " ") {
			t.Errorf("the link was given up: %s", d)
		}
		if news := r.shared(); len(news) != 1 || !news[0] {
			t.Errorf("news %v", news)
		}
	})
	inBubble(t, "COMP-17 a slow server is not taken for a shared one", func(t *testing.T) {
		r := newRig(t).run()
		f, _ := r.up()
		f.setEcho(false)
		pass(sweepEvery + 10*time.Second)
		f.setEcho(true)
		for _, id := range f.pings() {
			f.say(ping(id))
		}
		if news := r.shared(); news != nil {
			t.Errorf("news %v", news)
		}
		pass(2 * time.Minute)
		if news := r.shared(); news != nil || strings.Contains(r.route(), " ") {
			t.Errorf("news %v, went %s", news, r.route())
		}
	})
	inBubble(t, "COMP-17 INJ-32 an echo with an id that is not ours is dropped", func(t *testing.T) {
		r := newRig(t).run()
		f, _ := r.up()
		f.say(ping("forged"))
		if r.counts["INJ-32"] != 1 || len(r.take()) != 1 {
			t.Errorf("counts %v", r.counts)
		}
	})
	inBubble(t, "COMP-17 the next session begins with a clean slate", func(t *testing.T) {
		r := newRig(t).run()
		f, s := r.up()
		f.share(every(2))
		pass(64 * time.Second)
		if news := r.shared(); len(news) != 1 {
			t.Fatalf("news %v", news)
		}
		f.say(streamError("reset", ""))
		pass(2 * time.Second)
		if r.ending(s) == nil {
			t.Fatal("no end")
		}
		r.up()
		pass(10 * time.Second)
		if news := r.shared(); news != nil {
			t.Errorf("news %v", news)
		}
	})
}
