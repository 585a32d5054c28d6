package linklocal_test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
	"meshbridge/linklocal/meshtest"
)

func TestConfirmed(t *testing.T) {
	inOffice(t, "LL-STR-30 acknowledged, and the stream outlived it by a second", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		o.send(juliet, 1, "hello")
		o.hears(s, "hello")
		at := time.Now()
		o.until(5*time.Second, "delivered", func() bool { d, _ := o.tokens(); return len(d) == 1 })
		if d := time.Since(at); d < time.Second || d > 2100*time.Millisecond {
			t.Errorf("delivered after %v", d)
		}
		o.wait(10 * time.Second)
		if d, r := o.tokens(); len(d) != 1 || len(r) != 0 {
			t.Errorf("delivered %v, returned %v", d, r)
		}
	})
	inOffice(t, "LL-STR-30 what the peer's kernel does not acknowledge is not delivered", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		s.Far().SetUnsent(100)
		o.send(juliet, 1, "one")
		o.send(juliet, 2, "two")
		o.wait(15 * time.Second)
		if d, r := o.tokens(); len(d)+len(r) != 0 {
			t.Errorf("delivered %v, returned %v", d, r)
		}
		s.Far().SetUnsent(-1) // the kernel has given up
		o.wait(3 * time.Second)
		s.Close()
		o.wait(time.Millisecond)
		o.wantReturned(linklocal.ErrStream, 1, 2)
	})
	inOffice(t, "LL-STR-30 acknowledged late is delivered late", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		s.Far().SetUnsent(100)
		o.send(juliet, 1, "one")
		o.wait(15 * time.Second)
		s.Far().SetUnsent(0)
		o.wait(900 * time.Millisecond)
		if d, _ := o.tokens(); len(d) != 0 {
			t.Error("at once, though the stream may be dead in a second")
		}
		o.wait(1200 * time.Millisecond)
		if d, _ := o.tokens(); len(d) != 1 {
			t.Error("not delivered")
		}
	})
	inOffice(t, "LL-STR-30 many messages, each once and in order", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		var want []string
		var tokens []uint64
		for i := range 500 {
			want, tokens = append(want, fmt.Sprint(i)), append(tokens, uint64(i+1))
			o.send(juliet, uint64(i+1), fmt.Sprint(i))
		}
		o.wait(5 * time.Second)
		if d := cmp.Diff(want, bodies(s)); d != "" {
			t.Error(d)
		}
		if d, _ := o.tokens(); !slices.Equal(d, tokens) {
			t.Errorf("delivered %v", d)
		}
	})
}

// wantReturned requires that exactly these messages came back, in this order, and
// none was delivered.
func (o *office) wantReturned(err error, tokens ...uint64) {
	o.t.Helper()
	delivered, returned := o.tokens()
	if len(delivered) != 0 || !slices.Equal(returned, tokens) {
		o.t.Errorf("delivered %v, returned %v, want %v back", delivered, returned, tokens)
	}
	for _, r := range of[linklocal.Returned](o) {
		if !errors.Is(r.Err, err) {
			o.t.Errorf("returned with %v, want %v", r.Err, err)
		}
		if r.Proxy != nurseJ && r.Proxy != "" {
			o.t.Errorf("returned for the proxy %q", r.Proxy)
		}
	}
}

// TestGivenBack is what becomes of messages whose stream ends too early.
func TestGivenBack(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(s *meshtest.Stream)
	}{
		{"LL-STR-18 LL-STR-30 closed right after opening", func(s *meshtest.Stream) { s.Say(endTag); s.Close() }},
		{"LL-STR-30 cut right after opening", func(s *meshtest.Stream) { s.Close() }},
		{"LL-STR-30 LL-STR-23 ended by garbage", func(s *meshtest.Stream) { s.Say("<<<") }},
		{"LL-STR-30 ended by the peer's stream error", func(s *meshtest.Stream) {
			s.Say("<stream:error><reset xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>" + endTag)
			s.Close()
		}},
	} {
		inOffice(t, tt.name+": all messages come back in order", func(t *testing.T, o *office) {
			j, _ := o.staff()
			for i := range 5 {
				o.send(juliet, uint64(i+1), "hello")
			}
			s := o.answer(j)
			o.hears(s, "hello")
			tt.end(s)
			o.wait(2 * time.Second)
			o.wantReturned(linklocal.ErrStream, 1, 2, 3, 4, 5)
			s.Close()
		})
	}
	inOffice(t, "LL-STR-30 closed in order a second later: the older have arrived, the rest comes back", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		o.send(juliet, 1, "old")
		o.send(juliet, 2, "old")
		o.wait(1500 * time.Millisecond)
		o.send(juliet, 3, "young")
		o.hears(s, "young")
		o.say(s, endTag)
		o.wait(time.Second)
		d, r := o.tokens()
		if !slices.Equal(d, []uint64{1, 2}) || !slices.Equal(r, []uint64{3}) {
			t.Errorf("delivered %v, returned %v", d, r)
		}
	})
	inOffice(t, "LL-STR-30 closed in order with octets unacknowledged: all comes back", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		s.Far().SetUnsent(10)
		o.send(juliet, 1, "x")
		o.wait(6 * time.Second)
		o.say(s, endTag)
		o.wait(time.Second)
		o.wantReturned(linklocal.ErrStream, 1)
	})
	inOffice(t, "LL-STR-30 the peer is switched off under an open stream: all three arrive after its return", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		s.Far().SetUnsent(300)
		for i := range 3 {
			o.send(juliet, uint64(i+1), fmt.Sprint(i))
		}
		o.wait(8 * time.Second)
		s.Close() // TCP_USER_TIMEOUT
		o.wait(time.Millisecond)
		o.wantReturned(linklocal.ErrStream, 1, 2, 3)
		o.forget()
		for i := range 3 {
			o.send(juliet, uint64(i+1), fmt.Sprint(i))
		}
		next := o.answer(j)
		o.wait(3 * time.Second)
		if d := cmp.Diff([]string{"0", "1", "2"}, bodies(next)); d != "" {
			t.Error(d)
		}
		if d, r := o.tokens(); len(d) != 3 || len(r) != 0 {
			t.Errorf("delivered %v, returned %v", d, r)
		}
	})
	inOffice(t, "the peer leaves while we dial", func(t *testing.T, o *office) {
		j, _ := o.staff()
		o.send(juliet, 1, "one")
		if _, err := j.AcceptWithin(5 * time.Second); err != nil { // and never answers
			t.Fatal(err)
		}
		o.send(juliet, 2, "two")
		j.SignOff()
		o.wait(5 * time.Second)
		o.wantReturned(linklocal.ErrAbsent, 1, 2)
		if in := o.mesh.Inside(); in.Pairs != 0 || in.Total != 0 {
			t.Errorf("left over: %+v", in)
		}
	})
	inOffice(t, "the colleague leaves while we dial", func(t *testing.T, o *office) {
		j, _ := o.staff()
		o.send(juliet, 1, "one")
		if _, err := j.AcceptWithin(5 * time.Second); err != nil {
			t.Fatal(err)
		}
		o.send(juliet, 2, "two")
		o.mesh.Withdraw(nurseJ)
		o.wait(time.Millisecond)
		o.wantReturned(linklocal.ErrNoProxy, 1, 2)
		o.forget()
		o.publish(nurseJ, nurse) // again, while the old dial is still ending
		o.send(juliet, 3, "three")
		if s := o.answer(j); true {
			o.hears(s, "three")
		}
		o.wait(3 * time.Second)
		if d, r := o.tokens(); !slices.Equal(d, []uint64{3}) || len(r) != 0 {
			t.Errorf("delivered %v, returned %v", d, r)
		}
	})
	inOffice(t, "to nobody", func(t *testing.T, o *office) {
		o.staff()
		o.send("nobody@nowhere", 1, "x")
		o.wait(time.Millisecond)
		o.wantReturned(linklocal.ErrAbsent, 1)
	})
	inOffice(t, "from nobody", func(t *testing.T, o *office) {
		o.staff()
		o.mesh.Withdraw(nurseJ)
		o.send(juliet, 1, "x")
		o.wait(time.Millisecond)
		o.wantReturned(linklocal.ErrNoProxy, 1)
	})
}

// stamps returns what a client has read, in order, and whether it bore a delay stamp.
func stamps(t *testing.T, s *meshtest.Stream) (list []string) {
	t.Helper()
	for part := range strings.SplitSeq(got(s), "</message>") {
		if m := regexp.MustCompile(`<body>([^<]*)</body>`).FindStringSubmatch(part); m != nil {
			n := strings.Count(part, "<delay xmlns='urn:xmpp:delay' from='lan.example.org' stamp='2026-11-22T09:00:00.000Z'/>")
			if n > 1 {
				t.Errorf("%d stamps: %s", n, part)
			}
			list = append(list, fmt.Sprint(m[1], " ", n == 1))
		}
	}
	return list
}

// TestNewestCounts is a second stream between the same two.
func TestNewestCounts(t *testing.T) {
	inOffice(t, "LL-STR-18 the older is closed, and what was said on it and not confirmed is said again", func(t *testing.T, o *office) {
		j, _ := o.staff()
		old := o.call(j, nurse)
		o.send(juliet, 1, "confirmed")
		o.wait(3 * time.Second)
		old.Far().SetUnsent(1)
		o.send(juliet, 2, "two")
		o.send(juliet, 3, "three")
		o.hears(old, "three")
		next := o.call(j, nurse)
		o.hears(old, endTag)
		o.send(juliet, 4, "four")
		o.wait(3 * time.Second)
		if d := cmp.Diff([]string{"two", "three", "four"}, bodies(next)); d != "" {
			t.Error(d)
		}
		if !strings.Contains(got(next), "id='id-two'") {
			t.Error("said again with another id")
		}
		d, r := o.tokens()
		if !slices.Equal(d, []uint64{1, 2, 3, 4}) || len(r) != 0 {
			t.Errorf("delivered %v, returned %v", d, r)
		}
	})
	inOffice(t, "LL-STR-30 COMP-16 what is said again bears its stamp, once, in its place; what is new bears none", func(t *testing.T, o *office) {
		stamped := func(token uint64, body string) {
			delay := stanza.Delay{From: "lan.example.org", At: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
			o.mesh.Send(linklocal.Delivery{Proxy: nurseJ, Peer: juliet, Token: token, Stanza: message(body), Stamp: delay})
		}
		j, _ := o.staff()
		s := o.call(j, nurse)
		for i := range 3 {
			s.Far().SetUnsent(1)
			stamped(uint64(i+1), fmt.Sprint(i))
			o.hears(s, fmt.Sprintf("<body>%d</body>", i))
			var want []string
			for k := range i + 1 {
				want = append(want, fmt.Sprint(k, " ", k < i))
			}
			if d := cmp.Diff(want, stamps(t, s)); d != "" {
				t.Errorf("stream %d: %s", i, d)
			}
			s = o.call(j, nurse)
		}
		o.wait(3 * time.Second)
		if d := cmp.Diff([]string{"0 true", "1 true", "2 true"}, stamps(t, s)); d != "" {
			t.Error(d)
		}
		d, r := o.tokens()
		if !slices.Equal(d, []uint64{1, 2, 3}) || len(r) != 0 {
			t.Errorf("delivered %v, returned %v", d, r)
		}
	})
	inOffice(t, "LL-STR-18 LL-STR-21 what the peer still says on the older is heard", func(t *testing.T, o *office) {
		j, _ := o.staff()
		old, next := o.call(j, nurse), o.call(j, nurse)
		o.say(old, "<message><body>old</body></message>")
		o.say(next, "<message><body>new</body></message>")
		if d := cmp.Diff([]string{juliet + ">" + nurseJ + ": old", juliet + ">" + nurseJ + ": new"}, o.received()); d != "" {
			t.Error(d)
		}
		o.say(old, endTag)
		o.closes(old, 50*time.Millisecond)
		o.send(juliet, 1, "x")
		o.hears(next, "<body>x</body>")
	})
	inOffice(t, "LL-STR-18 one stream per pair: another colleague has another", func(t *testing.T, o *office) {
		o.publish("tybalt@example.com", tybalt)
		j, _ := o.staff()
		a, b := o.call(j, nurse), o.call(j, tybalt)
		o.sendFrom(nurseJ, juliet, 1, "from the nurse")
		o.sendFrom("tybalt@example.com", juliet, 2, "from tybalt")
		o.wait(time.Second)
		if d := cmp.Diff([][]string{{"from the nurse"}, {"from tybalt"}}, [][]string{bodies(a), bodies(b)}); d != "" {
			t.Error(d)
		}
		if strings.Contains(got(a), endTag) {
			t.Error("the first was closed")
		}
	})
}
