package linklocal_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"meshbridge/linklocal"
	"meshbridge/linklocal/meshtest"
)

// lines is a number of short messages.
func lines(n int) string { return said(n, "") }

// pasted is a number of messages as long as clients make of a line: it stands there
// twice, the second time as XHTML.
func pasted(n int) string {
	line := strings.Repeat("as it is pasted ", 20)
	return said(n, "<html xmlns='http://www.w3.org/1999/xhtml'><body><font>"+line+"</font></body></html>")
}

func said(n int, more string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "<message><body>%d</body>%s</message>", i, more)
	}
	return b.String()
}

// arrivals returns when each stanza of a peer was told of, after the first.
func (o *office) arrivals(peer string) (at []time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var first time.Time
	for _, ev := range o.events {
		if r, ok := ev.Event.(linklocal.Received); ok && r.Peer == peer {
			if first.IsZero() {
				first = ev.at
			}
			at = append(at, ev.at.Sub(first))
		}
	}
	return at
}

// flood writes a message to a stream so often, until told to stop or cut off.
func flood(s *meshtest.Stream, every time.Duration, stop <-chan struct{}) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			if s.Say("<message id='f'><body>flood</body></message>") != nil {
				return
			}
		}
	}
}

func TestRates(t *testing.T) {
	inOffice(t, "INJ-19 a hundred at once are all passed on at once", func(t *testing.T, o *office) {
		j, _ := o.staff()
		o.say(o.call(j, nurse), "%s", lines(100))
		if at := o.arrivals(juliet); len(at) != 100 || at[99] > 0 {
			t.Errorf("%d, the last after %v", len(at), at[len(at)-1])
		}
	})
	inOffice(t, "INJ-19 five thousand at once are all passed on, in order, no faster than the rate", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		go s.Say(pasted(5000))
		o.wait(100 * time.Second)
		list, at := o.received(), o.arrivals(juliet)
		if len(list) != 5000 {
			t.Fatalf("%d came", len(list))
		}
		for i, line := range list {
			if want := fmt.Sprintf("%s>%s: %d", juliet, nurseJ, i); line != want {
				t.Fatalf("%q instead of %q", line, want)
			}
			if least := time.Duration(i-199) * 20 * time.Millisecond; at[i] < least {
				t.Fatalf("message %d came after %v, before %v", i, at[i], least)
			}
		}
		if at[4999] > 97*time.Second {
			t.Errorf("the last took %v", at[4999])
		}
		if _, closed := s.Got(); closed || o.count("INJ-19") != 0 {
			t.Errorf("the stream is closed (%v), counted %d", closed, o.count("INJ-19"))
		}
		if free := o.mesh.ReadAheadFree(); free != linklocal.MaxReadAheadAll {
			t.Errorf("room for %d left", free)
		}
	})
	inOffice(t, "INJ-19 nor are they lost when the sender has gone meanwhile", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		go func() {
			s.Say(lines(1000) + endTag)
			s.Close()
		}()
		o.wait(20 * time.Second)
		if n := len(o.received()); n != 1000 {
			t.Errorf("%d came", n)
		}
	})
	inOffice(t, "INJ-19 nor when another stream of the same two takes the place of theirs", func(t *testing.T, o *office) {
		j, _ := o.staff()
		old := o.call(j, nurse)
		go old.Say(lines(1000) + endTag)
		o.wait(time.Second)
		o.call(j, nurse)
		o.wait(30 * time.Second)
		if n := len(o.received()); n != 1000 {
			t.Errorf("%d came", n)
		}
	})
	inOffice(t, "INJ-19 a flood for 40 s: an error, and the stream is closed after 30 s over the rate", func(t *testing.T, o *office) {
		j, r := o.staff()
		s, other, stop := o.call(j, nurse), o.call(r, nurse), make(chan struct{})
		start := time.Now()
		go flood(s, 5*time.Millisecond, stop)
		for range 30 { // while it floods
			asked := time.Now()
			o.say(other, "<message><body>calm</body></message>")
			if at := when[linklocal.Received](o); at.Sub(asked) > 10*time.Millisecond {
				t.Fatalf("romeo waited %v", at.Sub(asked))
			}
			o.wait(time.Second)
		}
		o.closes(s, 10*time.Second)
		close(stop)
		if d := time.Since(start); d < 30*time.Second || d > 40*time.Second {
			t.Errorf("closed after %v", d)
		}
		text := got(s)
		if !strings.Contains(text, "<error type='wait'><resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>") ||
			!strings.Contains(text, "<stream:error><resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>") || !strings.HasSuffix(text, endTag) {
			t.Errorf("told %q", text[max(0, len(text)-600):])
		}
		if n := len(o.arrivals(juliet)); n < 1650 || n > 1800 || o.count("INJ-19") != 1 {
			t.Errorf("%d were passed on, counted %d", n, o.count("INJ-19"))
		}
		if _, closed := other.Got(); closed || len(o.arrivals(romeo)) != 30 {
			t.Errorf("romeo's stream is closed: %v; %d of his came", closed, len(o.arrivals(romeo)))
		}
		if free := o.mesh.ReadAheadFree(); free != linklocal.MaxReadAheadAll {
			t.Errorf("room for %d left", free)
		}
	})
	inOffice(t, "INJ-19 who sends at the rate, or was too fast once, is not cut off", func(t *testing.T, o *office) {
		j, r := o.staff()
		s, other, stop := o.call(j, nurse), o.call(r, nurse), make(chan struct{})
		go flood(s, 20*time.Millisecond, stop) // 50 a second
		go func() {
			other.Say(lines(3000))
			flood(other, 100*time.Millisecond, stop) // while those are still under way
		}()
		o.wait(2 * time.Minute)
		close(stop)
		for _, s := range []*meshtest.Stream{s, other} {
			if text, closed := s.Got(); closed {
				t.Errorf("cut off with %q", text)
			}
		}
		o.wait(time.Minute)
		if n := len(o.arrivals(romeo)); n < 4100 {
			t.Errorf("%d came", n)
		}
	})
	inOffice(t, "INJ-19 the rate is that of a peer, however many streams it has", func(t *testing.T, o *office) {
		o.publish("tybalt@example.com", tybalt)
		j, _ := o.staff()
		a, b := o.call(j, nurse), o.call(j, tybalt)
		go a.Say(lines(200))
		go b.Say(lines(100))
		o.wait(10 * time.Second)
		if at := o.arrivals(juliet); len(at) != 300 || at[299] != 2*time.Second {
			t.Errorf("%d, the last after %v", len(at), at[len(at)-1])
		}
	})
	inOffice(t, "INJ-19 the numbers are those of the configuration", func(t *testing.T, o *office) {
		j, r := o.staff()
		a, b := o.call(j, nurse), o.call(r, nurse)
		go a.Say(lines(40))
		go b.Say(lines(40))
		o.wait(30 * time.Second)
		at, all := o.arrivals(juliet), len(of[linklocal.Received](o))
		if len(at) != 40 || at[39] < 8500*time.Millisecond || at[39] > 9*time.Second || all != 80 {
			t.Errorf("%d of %d, the last after %v", len(at), all, at[len(at)-1])
		}
	}, with(func(c *linklocal.Config) { c.Limits = linklocal.Limits{PeerRate: 5, PeerBurst: 10, TotalRate: 8} }))
}

func TestHungUpWhileHeldUp(t *testing.T) {
	inOffice(t, "LL-STR-30 INJ-19 a stream that ends while it is held up has not outlived what was just said on it", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		go s.Say(lines(1000))
		o.wait(2 * time.Second)
		o.send(juliet, 1, "into the void")
		o.wait(100 * time.Millisecond)
		s.Close()
		o.wait(5 * time.Second)
		o.wantReturned(linklocal.ErrStream, 1)
		o.send(juliet, 2, "on a new one")
		o.hears(o.answer(j), "<body>on a new one</body>")
		o.wait(20 * time.Second)
		if n := len(o.received()); n != 1000 {
			t.Errorf("%d came", n)
		}
	})
}

func TestReadAhead(t *testing.T) {
	inOffice(t, "INJ-19 LL-STR-25 what is taken in ahead is bounded, then the peer has to wait", func(t *testing.T, o *office) {
		o.SetChunk(0)
		j, _ := o.staff()
		s := o.call(j, nurse)
		go s.Say(lines(200) + strings.Repeat("<message><body>"+strings.Repeat("x", 10<<10)+"</body></message>", 300))
		o.wait(time.Second)
		used := linklocal.MaxReadAheadAll - o.mesh.ReadAheadFree()
		if used > linklocal.MaxReadAhead || used < linklocal.MaxReadAhead/2 {
			t.Errorf("%d octets are taken in ahead", used)
		}
		o.wait(20 * time.Second)
		if n := len(o.received()); n != 500 {
			t.Errorf("%d came", n)
		}
	})
}

func TestLargeStanzas(t *testing.T) {
	inOffice(t, "LL-STR-25 X2 what large stanzas take together is bounded, who stalls in one is cut off, others go on", func(t *testing.T, o *office) {
		o.SetChunk(0)
		j, r := o.staff()
		for i := range 12 {
			o.publish(fmt.Sprint(i), fmt.Sprintf("c%d@bridge", i))
		}
		o.wait(5 * time.Second)
		calm := o.call(r, nurse)
		var open []*meshtest.Stream
		for i := range 12 {
			s := o.call(j, fmt.Sprintf("c%d@bridge", i))
			go s.Say("<message><body>" + strings.Repeat("x", 1000<<10))
			open = append(open, s)
		}
		o.wait(time.Second)
		full := 0
		for _, s := range open {
			if text, closed := s.Got(); closed && strings.Contains(text, "<resource-constraint ") {
				full++
			}
		}
		if full < 3 || full > 5 {
			t.Errorf("%d of 12 were turned down", full)
		}
		o.say(calm, "<message><body>%s</body></message>", strings.Repeat("y", 10<<10))
		if len(o.received()) != 1 {
			t.Error("the other peer is not served")
		}
		o.wait(largeStall)
		for _, s := range open {
			text, closed := s.Got()
			if !closed || !strings.Contains(text, "<resource-constraint ") && !strings.Contains(text, "<connection-timeout ") {
				t.Errorf("a stanza that does not end holds its room; closed: %v, %q", closed, text)
			}
		}
		if free := o.mesh.LargeFree(); free != linklocal.MaxLargeAll {
			t.Errorf("%d octets are left", free)
		}
		o.say(calm, "<message><body>%s</body></message>", strings.Repeat("z", 60<<10))
		o.wait(time.Minute)
		o.say(calm, "<message><body>still here</body></message>")
		if len(o.received()) != 3 {
			t.Error("not served after it")
		}
	})
}

// largeStall is a little more than a large stanza may take.
const largeStall = 31 * time.Second

func TestRoomTakenByOthers(t *testing.T) {
	inOffice(t, "INJ-19 who said a lot once is not cut off because others have taken the room", func(t *testing.T, o *office) {
		o.SetChunk(0)
		for i := range linklocal.MaxReadAheadAll / linklocal.MaxReadAhead {
			o.publish(string(rune('a'+i)), string(rune('a'+i))+"@bridge")
		}
		j, r := o.staff()
		o.wait(5 * time.Second)
		var open []*meshtest.Stream
		for i := range linklocal.MaxReadAheadAll / linklocal.MaxReadAhead {
			s := o.call(r, string(rune('a'+i))+"@bridge")
			go s.Say(strings.Repeat("<message><body>x</body></message>", linklocal.MaxReadAhead/30)) // 33 octets each
			open = append(open, s)
		}
		o.wait(time.Second)
		if free := o.mesh.ReadAheadFree(); free != 0 {
			t.Fatalf("room for %d left", free)
		}
		s := o.call(j, nurse)
		go s.Say(lines(3000))
		o.wait(80 * time.Second)
		if _, closed := s.Got(); closed || len(o.arrivals(juliet)) != 3000 {
			t.Errorf("cut off: %v, %d came", closed, len(o.arrivals(juliet)))
		}
		for _, s := range open {
			s.Close()
		}
	})
}
