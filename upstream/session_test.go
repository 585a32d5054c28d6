package upstream

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"meshbridge/internal/stanza"
)

func TestSendRefuses(t *testing.T) {
	iq := stanza.Stanza{Kind: stanza.IQ, From: testDomain, To: "example.org", ID: "1", Type: "get"}
	with := func(st stanza.Stanza, f func(*stanza.Stanza)) stanza.Stanza { f(&st); return st }
	for _, c := range []struct {
		name string
		st   stanza.Stanza
		want error
	}{
		{"COMP-6 no from", with(chat("1"), func(s *stanza.Stanza) { s.From = "" }), ErrIncomplete},
		{"COMP-6 no to", with(chat("1"), func(s *stanza.Stanza) { s.To = "" }), ErrIncomplete},
		{"COMP-6 a to that cleaning would empty", with(chat("1"), func(s *stanza.Stanza) { s.To = "\x01" }), ErrIncomplete},
		{"COMP-6 an iq without id", with(iq, func(s *stanza.Stanza) { s.ID = "" }), ErrIncomplete},
		{"COMP-6 an iq without type", with(iq, func(s *stanza.Stanza) { s.Type = "" }), ErrIncomplete},
		{"COMP-6 an iq of no known type", with(iq, func(s *stanza.Stanza) { s.Type = "chat" }), ErrIncomplete},
		{"COMP-6 no stanza", with(chat("1"), func(s *stanza.Stanza) { s.Kind = "features" }), ErrIncomplete},
		{"COMP-6 a message without id", with(chat("1"), func(s *stanza.Stanza) { s.ID = "" }), nil},
		{"COMP-6 an iq", iq, nil},
		{"COMP-7 from the domain", with(chat("1"), func(s *stanza.Stanza) { s.From = testDomain }), nil},
		{"COMP-7 any local part and resource", with(chat("1"), func(s *stanza.Stanza) { s.From = `a\2fb@lan.example.org/c@d/e` }), nil},
		{"COMP-7 INJ-3 from another domain", with(chat("1"), func(s *stanza.Stanza) { s.From = "admin@example.com" }), ErrForeignFrom},
		{"COMP-7 INJ-3 from the server", with(chat("1"), func(s *stanza.Stanza) { s.From = "example.org" }), ErrForeignFrom},
		{"COMP-7 INJ-3 from below", with(chat("1"), func(s *stanza.Stanza) { s.From = "a@x.lan.example.org" }), ErrForeignFrom},
		{"COMP-7 INJ-3 the domain in the resource", with(chat("1"), func(s *stanza.Stanza) { s.From = "a@evil.example/@lan.example.org" }), ErrForeignFrom},
		{"COMP-7 INJ-3 the domain behind a second at-sign", with(chat("1"), func(s *stanza.Stanza) { s.From = "a@evil.example@lan.example.org" }), ErrForeignFrom},
		{"COMP-7 INJ-3 a look-alike letter", with(chat("1"), func(s *stanza.Stanza) { s.From = "a@lan.example.оrg" }), ErrForeignFrom},
	} {
		inBubble(t, c.name, func(t *testing.T) {
			f, s := newRig(t).run().up()
			seq, err := s.Send(c.st)
			if !errors.Is(err, c.want) {
				t.Errorf("Send = %v, want %v", err, c.want)
			}
			written := 0
			if c.want == nil {
				written = 1
			}
			if got := len(f.stanzas()); got != written || seq != uint64(written) {
				t.Errorf("%d stanzas were written, number %d", got, seq)
			}
		})
	}
	inBubble(t, "a stanza of 300 KiB is refused and the stream stays up", func(t *testing.T) {
		f, s := newRig(t).run().up()
		if _, err := s.Send(bigChat(300 << 10)); !errors.Is(err, ErrTooBig) {
			t.Errorf("Send = %v, want ErrTooBig", err)
		}
		if _, err := s.Send(chat("after")); err != nil {
			t.Error(err)
		}
		if got := f.stanzas(); len(got) != 1 || got[0].Attr("id") != "after" {
			t.Errorf("written: %v", got)
		}
	})
	inBubble(t, "the limit is on the bytes as written", func(t *testing.T) {
		const limit = 2000
		f, s := newRig(t, func(c *Config) { c.MaxStanza = limit }).run().up()
		fits := limit - len(stanza.Append(nil, stanza.Component, bigChat(1))) + 1
		if _, err := s.Send(bigChat(fits)); err != nil {
			t.Error(err)
		}
		if _, err := s.Send(bigChat(fits + 1)); !errors.Is(err, ErrTooBig) {
			t.Errorf("one byte more: %v", err)
		}
		amp := bigChat(0)
		amp.Payload[0].AddText(strings.Repeat("&", fits/5+1))
		if _, err := s.Send(amp); !errors.Is(err, ErrTooBig) {
			t.Errorf("escaped: %v", err)
		}
		if got := len(f.stanzas()); got != 1 {
			t.Errorf("%d written", got)
		}
	})
}

func TestQueueIsBounded(t *testing.T) {
	inBubble(t, "a server that does not route fills the queue, and Send says so without blocking", func(t *testing.T) {
		f, s := newRig(t).run().up()
		f.setEcho(false)
		accepted := 0
		for {
			if _, err := s.Send(bigChat(10 << 10)); errors.Is(err, ErrQueueFull) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			accepted++
			synctest.Wait()
		}
		low, high := (queueBytes+windowBytes)/(11<<10), (queueBytes+windowBytes+batchBytes)/(10<<10)+2
		if accepted < low || accepted > high {
			t.Errorf("accepted %d stanzas of 10 KiB, want %d to %d", accepted, low, high)
		}
	})
	inBubble(t, "the queue is bounded in number too, and free again once the server routes", func(t *testing.T) {
		f, s := newRig(t).run().up()
		n := 0
		f.setEcho(false)
		for ; ; n++ {
			if _, err := s.Send(chat("x")); err != nil {
				break
			}
			if n > 1e6 {
				t.Fatal("never full")
			}
		}
		if n < queueStanzas {
			t.Errorf("full with %d", n)
		}
		synctest.Wait()
		f.route()
		if _, err := s.Send(chat("y")); err != nil {
			t.Errorf("after the server routed: %v", err)
		}
	})
	t.Run("the queue keeps order over any sizes", func(t *testing.T) {
		var q queue
		var sent, got []string
		take := func(n int) {
			out, _ := q.pop(nil, n)
			for _, part := range strings.Split(string(out), "<message ")[1:] {
				_, rest, _ := strings.Cut(part, "id='")
				id, _, _ := strings.Cut(rest, "'")
				got = append(got, id)
			}
		}
		for i := range 500 {
			id := fmt.Sprint(i)
			st := bigChat(i * 37 % 3000)
			st.ID = id
			if _, err := q.push(st, maxStanza); err != nil {
				t.Fatal(err)
			}
			sent = append(sent, id)
			take(i % 3)
		}
		for !q.empty() {
			take(7)
		}
		if strings.Join(got, " ") != strings.Join(sent, " ") {
			t.Errorf("got %v", got)
		}
	})
}

func TestReceiving(t *testing.T) {
	const good = `<message from='alice@example.org/phone' to='juliet\40pronto@lan.example.org' id='1'><body>hi</body></message>`
	inBubble(t, "a stanza for the component is handed out", func(t *testing.T) {
		r := newRig(t).run()
		f, s := r.up()
		r.take()
		f.say(good)
		events := r.take()
		if len(events) != 1 {
			t.Fatalf("events %v", events)
		}
		got := events[0].(Received)
		if got.Session != s || got.Stanza.Child("", "body").Text() != "hi" || got.Stanza.From != "alice@example.org/phone" {
			t.Errorf("received %+v", got)
		}
	})
	for _, c := range []struct{ name, rule, in string }{
		{"INJ-31 no from", "INJ-31", `<message to='a@lan.example.org'/>`},
		{"INJ-31 no to", "INJ-31", `<message from='alice@example.org'/>`},
		{"INJ-31 to another domain", "INJ-31", `<message from='alice@example.org' to='a@example.org'/>`},
		{"INJ-31 to a domain below", "INJ-31", `<message from='alice@example.org' to='a@x.lan.example.org'/>`},
		{"INJ-32 from the component to a proxy JID", "INJ-32", `<message from='x@lan.example.org' to='a@lan.example.org'/>`},
		{"INJ-32 from the component in other spelling", "INJ-32", `<message from='x@LAN.example.org./r' to='a@lan.example.org'/>`},
		{"INJ-32 a self ping with an id that is not ours", "INJ-32", `<iq type='get' id='forged' from='lan.example.org' to='lan.example.org'><ping xmlns='urn:xmpp:ping'/></iq>`},
	} {
		inBubble(t, c.name, func(t *testing.T) {
			r := newRig(t).run()
			f, _ := r.up()
			r.take()
			f.say(c.in)
			f.say(good)
			if events := r.take(); len(events) != 1 {
				t.Errorf("events %v, want the good stanza alone", events)
			}
			if r.counts[c.rule] != 1 || len(r.counts) != 1 {
				t.Errorf("counted %v, want one %s", r.counts, c.rule)
			}
		})
	}
	inBubble(t, "a stanza too big is passed over, and the next is read", func(t *testing.T) {
		r := newRig(t, func(c *Config) { c.MaxStanza = 1000 }).run()
		f, s := r.up()
		r.take()
		f.say(strings.Replace(good, "hi", strings.Repeat("x", 2000), 1) + good)
		f.say(`<message to='a@lan.example.org'><body>` + strings.Repeat("x", 2000) + `</body></message>`)
		events := r.take()
		if len(events) != 2 {
			t.Fatalf("events %v", events)
		}
		if big, ok := events[0].(TooBig); !ok || big.Session != s || big.Head.From != "alice@example.org/phone" || big.Head.ID != "1" || big.Head.Payload != nil {
			t.Errorf("first event %+v", events[0])
		}
		if _, ok := events[1].(Received); !ok {
			t.Errorf("second event %+v", events[1])
		}
		if r.counts["INJ-31"] != 1 {
			t.Errorf("counted %v", r.counts)
		}
	})
	inBubble(t, "what is no stanza is passed over", func(t *testing.T) {
		r := newRig(t).run()
		f, _ := r.up()
		r.take()
		f.say(`<handshake/><features xmlns='http://etherx.jabber.org/streams'/><x xmlns='urn:x'/>` + good)
		if events := r.take(); len(events) != 1 {
			t.Errorf("events %v", events)
		}
	})
	inBubble(t, "bad XML is answered with a stream error, and the session ends", func(t *testing.T) {
		r := newRig(t).run()
		f, s := r.up()
		f.say(`<message><!-- c --></message>`)
		if d := r.down(); d.Session != s || d.Class != Transient {
			t.Errorf("%#v", d)
		}
		got := f.bytes()
		if !strings.Contains(got, "<stream:error>") || !strings.HasSuffix(got, "</stream:stream>") {
			t.Errorf("wrote %q", got)
		}
		if _, err := s.Send(chat("1")); !errors.Is(err, ErrClosed) {
			t.Errorf("Send = %v", err)
		}
	})
	inBubble(t, "a stream error of the server is answered with the closing tag only", func(t *testing.T) {
		r := newRig(t).run()
		f, _ := r.up()
		before := f.bytes()
		f.say(streamError("reset", ""))
		if got := strings.TrimPrefix(f.bytes(), before); got != "</stream:stream>" {
			t.Errorf("wrote %q", got)
		}
	})
}

func TestStop(t *testing.T) {
	inBubble(t, "the queue, then the closing tag, then the server's is waited for", func(t *testing.T) {
		r := newRig(t).run()
		f, s := r.up()
		for i := range 100 {
			if _, err := s.Send(chat(fmt.Sprint(i))); err != nil {
				t.Fatal(err)
			}
		}
		r.cancel()
		synctest.Wait()
		if _, err := s.Send(chat("late")); !errors.Is(err, ErrClosed) {
			t.Errorf("Send after the context ended: %v", err)
		}
		if got := len(f.stanzas()); got != 100 {
			t.Errorf("%d stanzas were written", got)
		}
		if _, end := f.end(); end != stanza.ErrClosed {
			t.Errorf("the stream ended with %v", end)
		}
		select {
		case err := <-r.done:
			t.Fatalf("Run returned %v before the server closed", err)
		default:
		}
		r.take()
		pass(2 * time.Second)
		f.say(`</stream:stream>`)
		<-r.done
		if d := r.down(); d.Class != Stopped || d.Session != s {
			t.Errorf("%#v, want Stopped", d)
		}
	})
	inBubble(t, "the last stanzas are still reported routed", func(t *testing.T) {
		r := newRig(t).run()
		f, s := r.up()
		s.Send(chat("1"))
		seq, _ := s.Send(chat("2"))
		r.cancel()
		synctest.Wait()
		f.say(`</stream:stream>`)
		<-r.done
		routed := uint64(0)
		for _, e := range r.take() {
			if e, ok := e.(Routed); ok {
				routed = e.Seq
			}
		}
		if routed != seq {
			t.Errorf("routed up to %d, want %d", routed, seq)
		}
	})
	inBubble(t, "a server that does not close is left after 5 s", func(t *testing.T) {
		r := newRig(t).run()
		r.up()
		began := time.Now()
		r.cancel()
		<-r.done
		if d := time.Since(began); d != closeTimeout {
			t.Errorf("took %v", d)
		}
	})
	inBubble(t, "a server that routes nothing cannot hold up the end", func(t *testing.T) {
		r := newRig(t).run()
		f, s := r.up()
		f.setEcho(false)
		for range 100 {
			s.Send(bigChat(10 << 10))
		}
		began := time.Now()
		r.cancel()
		<-r.done
		if d := time.Since(began); d > flushTimeout+closeTimeout {
			t.Errorf("took %v", d)
		}
		if _, end := f.end(); end != stanza.ErrClosed {
			t.Errorf("the stream ended with %v", end)
		}
	})
	inBubble(t, "nor keep the writer busy, when a doubtful ping brings no sweep any more", func(t *testing.T) {
		r := newRig(t).run()
		f, s := r.up()
		f.setEcho(false)
		for range 100 {
			s.Send(bigChat(10 << 10))
		}
		pass(pingDoubt - time.Second)
		began := time.Now()
		r.cancel()
		<-r.done // never, if the writer runs in a circle: no time passes in the bubble then
		if d := time.Since(began); d > flushTimeout+closeTimeout {
			t.Errorf("took %v", d)
		}
	})
	inBubble(t, "nor one that reads nothing", func(t *testing.T) {
		r := newRig(t)
		r.run()
		f, s := r.up()
		f.stopReading()
		for range 100 {
			s.Send(bigChat(10 << 10))
		}
		began := time.Now()
		r.cancel()
		<-r.done
		if d := time.Since(began); d > flushTimeout+closeTimeout {
			t.Errorf("took %v", d)
		}
	})
}
