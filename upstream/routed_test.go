package upstream

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"meshbridge/internal/stanza"
)

// routedUpTo returns the highest number reported routed, and checks that the numbers
// only grow.
func routedUpTo(t *testing.T, events []Event) (seq uint64) {
	t.Helper()
	for _, e := range events {
		if e, ok := e.(Routed); ok {
			if e.Seq <= seq {
				t.Errorf("routed %d after %d", e.Seq, seq)
			}
			seq = e.Seq
		}
	}
	return seq
}

func TestRouted(t *testing.T) {
	inBubble(t, "a stanza is reported once its ping is back, and not before", func(t *testing.T) {
		r := newRig(t).run()
		f, s := r.up()
		f.setEcho(false)
		seq, _ := s.Send(chat("1"))
		if routedUpTo(t, r.take()) != 0 {
			t.Error("routed before the ping was back")
		}
		ids := f.due()
		if len(ids) != 1 {
			t.Fatalf("pings %v", ids)
		}
		f.say(ping("x" + ids[0]))
		if routedUpTo(t, r.take()) != 0 || r.counts["INJ-32"] != 1 {
			t.Error("an id that is not ours was taken for the ping")
		}
		f.say(ping(ids[0]))
		if got := routedUpTo(t, r.take()); got != seq {
			t.Errorf("routed up to %d, want %d", got, seq)
		}
		f.say(ping(ids[0]))
		if routedUpTo(t, r.take()) != 0 || r.counts["INJ-32"] != 2 {
			t.Error("a ping counts twice")
		}
	})
	inBubble(t, "the ping is an iq of the component to itself with a random id", func(t *testing.T) {
		r := newRig(t).run()
		f, s := r.up()
		s.Send(chat("1"))
		first := f.due()
		s.Send(chat("2"))
		second := f.due()
		if len(second) != 2 || first[0] == second[1] || len(first[0]) < 20 {
			t.Errorf("ids %v", second)
		}
		el := f.got[len(f.got)-1]
		if el.Attr("type") != "get" || el.Child(stanza.NSPing, "ping") == nil {
			t.Errorf("%+v is no ping", el)
		}
		if len(r.counts) != 0 {
			t.Errorf("own pings were counted as dropped: %v", r.counts)
		}
	})
	inBubble(t, "an error in the ping's place proves as much", func(t *testing.T) {
		r := newRig(t).run()
		f, s := r.up()
		f.setEcho(false)
		seq, _ := s.Send(chat("1"))
		f.say(strings.Replace(ping(f.due()[0]), "get", "error", 1))
		if got := routedUpTo(t, r.take()); got != seq {
			t.Errorf("routed up to %d", got)
		}
	})
	inBubble(t, "a later ping proves what stands before an earlier one", func(t *testing.T) {
		r := newRig(t).run()
		f, s := r.up()
		f.setEcho(false)
		for i := range 100 {
			s.Send(chat(fmt.Sprint(i)))
		}
		ids := f.due()
		f.say(ping(ids[len(ids)-1]))
		if got := routedUpTo(t, r.take()); got <= 100-burstStanzas {
			t.Errorf("routed up to %d of 100", got)
		}
		f.say(ping(ids[0]))
		if got := routedUpTo(t, r.take()); got != 0 {
			t.Errorf("went back to %d", got)
		}
	})
	inBubble(t, "at most 32 stanzas stand between two pings, and all get routed", func(t *testing.T) {
		r := newRig(t).run()
		f, s := r.up()
		var last uint64
		for i := range 3000 {
			seq, err := s.Send(chat(fmt.Sprint(i)))
			if err != nil {
				r.take()
				if seq, err = s.Send(chat(fmt.Sprint(i))); err != nil {
					t.Fatal(err)
				}
			}
			last = seq
		}
		if f.due(); s.window.routed != last || last != 3000 {
			t.Errorf("routed up to %d, want %d", s.window.routed, last)
		}
		burst, longest := 0, 0
		for _, el := range f.got[1:] {
			if burst++; isSelfPing(el) {
				burst = 0
			}
			longest = max(longest, burst)
		}
		if longest > burstStanzas || longest < 20 {
			t.Errorf("longest burst %d, want up to %d", longest, burstStanzas)
		}
		for i, el := range f.stanzas() {
			if el.Attr("id") != fmt.Sprint(i) {
				t.Fatalf("stanza %d has id %s", i, el.Attr("id"))
			}
		}
	})
}

// ask is a question about a colleague's client.
func ask(id string) stanza.Stanza {
	return stanza.Stanza{
		Kind: stanza.IQ, From: "juliet@" + testDomain, To: "alice@example.org/desk", ID: id, Type: "get",
		Payload: []*stanza.Element{stanza.New(stanza.NSPing, "ping")},
	}
}

// answer is one of its answers.
func answer(kind, id string) string {
	return "<iq from='alice@example.org/desk' to='juliet@" + testDomain + "' type='" + kind + "' id='" + id + "'/>"
}

func TestAnswersProve(t *testing.T) {
	for _, kind := range []string{"result", "error"} {
		inBubble(t, "COMP-16 an answer ("+kind+") proves routed what stands before the question, and no ping goes out", func(t *testing.T) {
			r := newRig(t).run()
			f, s := r.up()
			var seq uint64
			for range 100 {
				s.Send(chat("x"))
				seq, _ = s.Send(ask("q"))
				synctest.Wait()
				f.say(answer(kind, "q"))
				events := r.take()
				if got := routedUpTo(t, events); got != seq {
					t.Fatalf("routed up to %d, want %d", got, seq)
				}
				if _, last := events[len(events)-1].(Received); !last {
					t.Fatalf("the answer itself is not handed on behind that: %v", events)
				}
				if len(s.window.open)+len(s.window.questions)+s.window.bytes != 0 {
					t.Fatalf("left over: %+v", s.window)
				}
			}
			if n := len(f.due()); n != 0 {
				t.Errorf("%d pings", n)
			}
		})
	}
	inBubble(t, "COMP-16 a question that is not answered in time gets a ping, and so does what comes behind it", func(t *testing.T) {
		r := newRig(t).run()
		f, s := r.up()
		f.setEcho(false)
		s.Send(chat("1"))
		s.Send(ask("q"))
		s.Send(chat("2"))
		pass(pingDelay - 1)
		if n := len(f.pings()); n != 0 {
			t.Fatalf("%d pings at once", n)
		}
		f.say(answer("result", "q"))
		if got := routedUpTo(t, r.take()); got != 2 {
			t.Fatalf("routed up to %d, want 2", got)
		}
		pass(1)
		if n := len(f.pings()); n != 1 {
			t.Fatalf("%d pings", n)
		}
		f.say(ping(f.pings()[0]))
		if got := routedUpTo(t, r.take()); got != 3 {
			t.Errorf("routed up to %d, want 3", got)
		}
		s.Send(ask("r"))
		pass(pingDelay)
		if n := len(f.pings()); n != 2 {
			t.Errorf("%d pings", n)
		}
	})
	inBubble(t, "COMP-16 nothing is proved by an answer to nothing, by a question, or twice", func(t *testing.T) {
		r := newRig(t).run()
		f, s := r.up()
		f.setEcho(false)
		s.Send(ask("q"))
		for _, other := range []string{answer("result", "x"), answer("get", "q"), answer("result", "")} {
			f.say(other)
		}
		if got := routedUpTo(t, r.take()); got != 0 {
			t.Errorf("routed up to %d", got)
		}
		f.say(answer("result", "q"))
		f.say(answer("result", "q"))
		routed := 0
		for _, e := range r.take() {
			if _, ok := e.(Routed); ok {
				routed++
			}
		}
		if routed != 1 {
			t.Errorf("%d times routed", routed)
		}
	})
	inBubble(t, "COMP-16 a question stands for a ping behind a burst", func(t *testing.T) {
		r := newRig(t).run()
		f, s := r.up()
		f.setEcho(false)
		for i := range 4 * burstStanzas {
			if i%(burstStanzas-1) == burstStanzas-2 {
				s.Send(ask(fmt.Sprint(i)))
			} else {
				s.Send(chat(fmt.Sprint(i)))
			}
		}
		if n, pings := len(f.stanzas()), len(f.pings()); n != 4*burstStanzas || pings != 0 {
			t.Errorf("%d stanzas at once, with %d pings", n, pings)
		}
		if n := len(f.due()); n != 1 {
			t.Errorf("%d pings when no answer came", n)
		}
	})
	inBubble(t, "COMP-16 what is on its way is bounded though nobody answers", func(t *testing.T) {
		r := newRig(t).run()
		f, s := r.up()
		f.setEcho(false)
		for i := range queueStanzas {
			s.Send(ask(fmt.Sprint(i)))
		}
		synctest.Wait()
		if n := len(s.window.questions); n > queueStanzas || s.window.bytes > windowBytes+batchBytes {
			t.Errorf("%d questions, %d bytes", n, s.window.bytes)
		}
		ids := f.due()
		f.say(ping(ids[len(ids)-1]))
		synctest.Wait()
		if n := len(s.window.questions); n != 0 {
			t.Errorf("%d questions are remembered that are known routed", n)
		}
	})
}

func TestLiveness(t *testing.T) {
	inBubble(t, "COMP-10 COMP-17 an idle link is pinged each 60 s, by a sweep of 16", func(t *testing.T) {
		r := newRig(t).run()
		f, _ := r.up()
		pass(sweepEvery - 1)
		before := len(f.pings())
		pass(1)
		if before != 0 || len(f.pings()) != 16 {
			t.Errorf("%d pings before 60 s, %d at it", before, len(f.pings()))
		}
		pass(10 * time.Minute)
		if n := len(f.pings()); n != 11*16 {
			t.Errorf("%d pings in 11 minutes", n)
		}
		if events := r.take(); len(events) != 1 {
			t.Errorf("events %v, want Up alone", events)
		}
	})
	inBubble(t, "COMP-10 a black hole is noticed within 75 s when idle", func(t *testing.T) {
		r := newRig(t).run()
		f, s := r.up()
		f.setEcho(false)
		r.resolve = targets("nobody")
		r.refuse["nobody:5347"] = errRefused
		pass(75*time.Second - 1)
		if events := r.take(); len(events) != 1 {
			t.Errorf("events %v before 75 s", events)
		}
		pass(1)
		events := r.take()
		if d, ok := events[0].(Down); !ok || d.Session != s || d.Class != Transient || d.Err != errUnanswered {
			t.Errorf("event %#v", events[0])
		}
	})
	inBubble(t, "COMP-10 and within 15 s under traffic", func(t *testing.T) {
		r := newRig(t).run()
		f, s := r.up()
		f.setEcho(false)
		pass(10 * time.Second)
		r.take()
		for range 14 {
			s.Send(chat("x"))
			pass(time.Second)
		}
		if events := r.take(); len(events) != 0 {
			t.Errorf("events %v before 15 s", events)
		}
		pass(time.Second)
		if events := r.take(); len(events) == 0 {
			t.Error("no Down after 15 s")
		}
	})
	inBubble(t, "COMP-10 a server that takes ten seconds for everything is slow, not dead", func(t *testing.T) {
		r := newRig(t).run()
		f, s := r.up()
		f.setEcho(false)
		s.Send(chat("1"))
		f.due()
		s.Send(chat("2"))
		pass(10*time.Second - pingDelay)
		f.say(ping(f.pings()[0])) // and only now the second goes out
		pass(10 * time.Second)
		if got := routedUpTo(t, r.take()); got != 1 {
			t.Fatalf("routed up to %d", got)
		}
		ids := f.pings()
		f.say(ping(ids[len(ids)-1]))
		if events := r.take(); routedUpTo(t, events) != 2 {
			t.Errorf("events %v", events)
		}
	})
	inBubble(t, "a server that takes no bytes is dropped after 10 s", func(t *testing.T) {
		r := newRig(t).run()
		f, s := r.up()
		f.stopReading()
		s.Send(chat("x")) // taken by the read that waits
		synctest.Wait()
		s.Send(chat("y"))
		pass(writeTimeout + refusalGrace)
		if d := r.ending(s); d == nil || d.Class != Transient {
			t.Errorf("%#v", d)
		}
	})
	inBubble(t, "a server that says why before it hangs up is heard", func(t *testing.T) {
		r := newRig(t)
		r.run()
		f, s := r.up()
		f.stopReading()
		s.Send(chat("x"))
		synctest.Wait()
		s.Send(chat("y"))
		pass(writeTimeout + refusalGrace/2)
		f.say(streamError("conflict", ""))
		if d := r.ending(s); d == nil || d.Class != Conflict {
			t.Errorf("%#v, want the server's conflict", d)
		}
	})
}
