package upstream

import (
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// allergic makes a server that ends the stream with last when it is given a stanza
// whose id is POISON.
func allergic(last string) func(*far) {
	return func(f *far) {
		f.mu.Lock()
		f.allergy, f.poison = last, true
		f.mu.Unlock()
		f.conn.Write([]byte(goodHeader + `<handshake/>`))
	}
}

// resend sends on every new session what was not routed on the former one, in order,
// as the gateway does, until so many sessions are over. It returns what Alone said of
// each, as the stanza's id.
func (r *rig) resend(sessions int, ids ...string) (suspects []string) {
	left, queue := ids, []string(nil)
	for range 600 {
		pass(100 * time.Millisecond)
		for _, e := range r.take() {
			switch e := e.(type) {
			case Up:
				queue = left
				for _, id := range queue {
					e.Session.Send(chat(id))
				}
			case Routed:
				left = queue[e.Seq:]
			case Down:
				if e.Session == nil {
					break
				}
				suspect := ""
				if e.Alone > 0 {
					suspect = queue[e.Alone-1]
				}
				if suspects = append(suspects, suspect); len(suspects) == sessions {
					return suspects
				}
			}
		}
	}
	return suspects
}

func TestCare(t *testing.T) {
	for name, c := range map[string]struct {
		last string
		want string // suspects of four sessions, comma separated
	}{
		"with an error that may be about a stanza": {streamError("not-well-formed", ""), ",POISON,POISON,POISON"},
		"with policy-violation":                    {streamError("policy-violation", "too big"), ",POISON,POISON,POISON"},
		"without a word":                           {"", ",,POISON,POISON"},
	} {
		inBubble(t, "COMP-19 a server that ends the stream on a stanza "+name+" is given one at a time", func(t *testing.T) {
			r := newRig(t)
			r.serve = allergic(c.last)
			r.run()
			ids := []string{"1", "2", "3", "4", "POISON", "5", "6"}
			if got := strings.Join(r.resend(4, ids...), ","); got != c.want {
				t.Errorf("suspects %q, want %q", got, c.want)
			}
			if !strings.Contains(r.log.String(), "one stanza at a time") {
				t.Errorf("no word of it in the log: %s", r.log.String())
			}
		})
	}
	for _, condition := range []string{"conflict", "system-shutdown", "reset", "connection-timeout", "host-unknown"} {
		inBubble(t, "COMP-19 an end by "+condition+" casts no suspicion", func(t *testing.T) {
			r := newRig(t)
			r.serve = inTurn(allergic(streamError(condition, "")), meet(time.Hour, ""))
			r.run()
			if got := r.resend(1, "POISON"); got[0] != "" {
				t.Errorf("suspect %q", got)
			}
			pass(10 * time.Minute)
			if log := r.log.String(); strings.Contains(log, "one stanza at a time") || strings.Count(log, "msg=authenticated") != 2 {
				t.Errorf("no session without care after it: %s", log)
			}
		})
	}
	inBubble(t, "COMP-19 a ping that is not answered casts none either", func(t *testing.T) {
		r := newRig(t).run()
		f, s := r.up()
		f.setEcho(false)
		s.Send(chat("1"))
		pass(20 * time.Second)
		if d := r.ending(s); d == nil || d.Alone != 0 {
			t.Errorf("%#v", d)
		}
	})
	inBubble(t, "COMP-19 nothing is written before the first ping is back, then one at a time, for a minute", func(t *testing.T) {
		r := newRig(t)
		r.serve = inTurn(allergic(streamError("not-well-formed", "")))
		r.run()
		s := r.last().(Up).Session
		s.Send(chat("POISON"))
		s.Send(chat("next"))
		pass(2 * time.Second)
		f := r.far()
		f.setEcho(false)
		f.say(goodHeader)
		f.say(`<handshake/>`)
		s = r.last().(Up).Session
		for i := range 40 {
			s.Send(chat(strconv.Itoa(i)))
		}
		if n := len(f.stanzas()); n != 0 {
			t.Fatalf("%d stanzas before the first ping was back", n)
		}
		for want := range 3 {
			ids := f.pings()
			f.say(ping(ids[len(ids)-1]))
			if n := len(f.stanzas()); n != want+1 {
				t.Errorf("%d stanzas, want %d", n, want+1)
			}
		}
		f.route()
		synctest.Wait()
		if n := len(f.stanzas()); n != 40 {
			t.Errorf("%d stanzas in the end", n)
		}
		pass(careTime)
		f.setEcho(false)
		before := len(f.stanzas())
		for i := range 20 {
			s.Send(chat(strconv.Itoa(i)))
		}
		if n := len(f.stanzas()) - before; n != 20 {
			t.Errorf("%d stanzas at once after the minute, want 20", n)
		}
	})
	inBubble(t, "COMP-19 the end of a line casts no suspicion on the only one under way, nor does our own end", func(t *testing.T) {
		r := newRig(t)
		r.serve = inTurn(allergic(""))
		r.run()
		if got := r.resend(1, "POISON"); got[0] != "" {
			t.Errorf("suspect %q", got)
		}
		r = newRig(t).run()
		f, s := r.up()
		f.setEcho(false)
		s.Send(chat("1"))
		synctest.Wait()
		r.cancel()
		f.say(streamError("undefined-condition", ""))
		if d := r.ending(s); d == nil || d.Alone != 0 || d.Class != Stopped {
			t.Errorf("%#v", d)
		}
	})
	inBubble(t, "COMP-19 a crash under traffic alone does not slow the next session down", func(t *testing.T) {
		r := newRig(t)
		r.serve = inTurn(allergic(""))
		r.run()
		r.last().(Up).Session.Send(chat("POISON"))
		pass(2 * time.Second)
		f := r.far()
		f.say(goodHeader)
		f.say(`<handshake/>`)
		f.setEcho(false)
		s := r.last().(Up).Session
		for i := range 20 {
			s.Send(chat(strconv.Itoa(i)))
		}
		if n := len(f.stanzas()); n != 20 {
			t.Errorf("%d stanzas at once, want 20", n)
		}
	})
}
