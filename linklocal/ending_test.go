package linklocal_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meshbridge/linklocal"
)

const endTag = "</stream:stream>"

// TestPeerCloses is the closing handshake when the peer begins (RFC 6120 section 4.4).
func TestPeerCloses(t *testing.T) {
	inOffice(t, "LL-STR-19 LL-STR-20 our tag answers, and the peer closes the connection", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		o.say(s, endTag)
		o.hears(s, endTag)
		o.wait(3 * time.Second)
		if _, closed := s.Got(); closed {
			t.Error("we closed first, though the peer began")
		}
		s.Close()
		o.wait(time.Millisecond)
		if in := o.mesh.Inside(); in.Streams+in.Pairs+in.Total != 0 {
			t.Errorf("left over: %+v", in)
		}
	})
	inOffice(t, "LL-STR-20 a peer that leaves the connection open loses it after 5 s", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		o.say(s, endTag)
		if d := o.closes(s, 10*time.Second); d < 4900*time.Millisecond || d > 5100*time.Millisecond {
			t.Errorf("after %v", d)
		}
	})
	inOffice(t, "LL-STR-19 what is queued is flushed before our tag", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		for i := range 5 {
			o.send(juliet, uint64(i+1), "last")
		}
		s.Say(endTag)
		o.hears(s, endTag)
		text, n := got(s), strings.Count(got(s), "<message ")
		if !strings.HasSuffix(text, endTag) {
			t.Errorf("ends with %q", text[len(text)-40:])
		}
		// What was not queued when the tag came goes out on a stream of its own.
		o.wait(time.Minute)
		delivered, returned := o.tokens()
		if n == 0 || len(returned) < n || len(delivered)+len(returned) != 5 || !slices.Equal(returned[:n], []uint64{1, 2, 3, 4, 5}[:n]) {
			t.Errorf("LL-STR-30: %d were written, delivered %v, returned %v", n, delivered, returned)
		}
	})
	inOffice(t, "LL-STR-19 before a stanza has named anybody", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.dial(j, nurse)
		o.say(s, "%s", line("", "", "", ""))
		o.hears(s, ">")
		o.say(s, endTag)
		o.closes(s, 2*time.Second)
		if !strings.HasSuffix(got(s), endTag) || strings.Contains(got(s), "error") {
			t.Errorf("got %q", got(s))
		}
	})
	inOffice(t, "an end without a closing tag is taken in silence", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		before := got(s)
		s.Close()
		o.wait(time.Millisecond)
		if in := o.mesh.Inside(); in.Streams+in.Pairs != 0 || got(s) != before {
			t.Errorf("left over: %+v", in)
		}
	})
}

// TestWeClose is the closing handshake when we begin, as when a colleague leaves.
func TestWeClose(t *testing.T) {
	inOffice(t, "LL-STR-20 LL-STR-21 stanzas are heard until the peer's tag, then we close", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		o.mesh.Withdraw(nurseJ)
		o.hears(s, endTag)
		o.wait(time.Second)
		o.say(s, "<message><body>wait</body></message>")
		if d := cmp.Diff([]string{juliet + ">" + nurseJ + ": wait"}, o.received()); d != "" {
			t.Error(d)
		}
		if _, closed := s.Got(); closed {
			t.Error("closed before the peer's tag")
		}
		o.say(s, endTag)
		o.closes(s, 50*time.Millisecond)
		if n := strings.Count(got(s), endTag); n != 1 {
			t.Errorf("%d closing tags", n)
		}
	})
	inOffice(t, "LL-STR-20 a silent peer: closed after 5 s", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		o.mesh.Withdraw(nurseJ)
		o.hears(s, endTag)
		if d := o.closes(s, 10*time.Second); d < 4900*time.Millisecond || d > 5100*time.Millisecond {
			t.Errorf("after %v", d)
		}
	})
	inOffice(t, "LL-STR-22 what comes up meanwhile goes over another stream", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		o.wait(11 * time.Minute) // idle: we close
		o.hears(s, endTag)
		o.send(juliet, 1, "on another stream")
		next := o.answer(j)
		o.hears(next, "on another stream")
		if text := got(s); !strings.HasSuffix(text, endTag) {
			t.Errorf("%q behind the closing tag", text[strings.Index(text, endTag):])
		}
		o.wait(3 * time.Second)
		if delivered, returned := o.tokens(); len(delivered) != 1 || len(returned) != 0 {
			t.Errorf("delivered %v, returned %v", delivered, returned)
		}
	}, with(func(c *linklocal.Config) { c.DepartureDelay = time.Hour }))
	inOffice(t, "LL-STR-19 both at once: both tags, no wait", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		o.mesh.Withdraw(nurseJ)
		s.Say(endTag)
		o.closes(s, 600*time.Millisecond)
		if !strings.HasSuffix(got(s), endTag) {
			t.Errorf("no closing tag of ours in %q", got(s))
		}
	})
}

func TestQuietStreams(t *testing.T) {
	inOffice(t, "LL-STR-26 white space every five minutes, LL-STR-25 the end after ten without a stanza", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		before := got(s)
		o.wait(4*time.Minute + 50*time.Second)
		if got(s) != before {
			t.Errorf("said %q early", got(s)[len(before):])
		}
		o.wait(15 * time.Second)
		if text := got(s)[len(before):]; text != " " {
			t.Errorf("said %q after five minutes", text)
		}
		o.say(s, " ") // no stanza
		o.wait(4*time.Minute + 45*time.Second)
		if strings.Contains(got(s), endTag) {
			t.Error("closed early")
		}
		o.wait(15 * time.Second)
		o.hears(s, endTag)
	})
	inOffice(t, "LL-STR-25 a stanza in either direction keeps the stream", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		o.wait(9 * time.Minute)
		o.say(s, "<message><body>x</body></message>")
		o.wait(9 * time.Minute)
		o.send(juliet, 1, "y")
		o.wait(9 * time.Minute)
		if strings.Contains(got(s), endTag) {
			t.Error("closed")
		}
	})
}
