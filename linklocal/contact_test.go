package linklocal_test

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"meshbridge/linklocal"
	"meshbridge/linklocal/meshtest"
)

const tybaltJ = "tybalt@example.com"

// insistent sends again at once what comes back, from two proxies, and so shows
// which pauses are the mesh's own.
type insistent struct {
	o    *office
	next int // event to look at
	done int
	sent map[uint64]string // proxies by token
}

func (b *insistent) send(proxy string, token uint64) {
	b.sent[token] = proxy
	b.o.sendFrom(proxy, juliet, token, fmt.Sprint(token))
}

// pass lets time go by.
func (b *insistent) pass(d time.Duration) {
	for range d / (100 * time.Millisecond) {
		b.o.wait(100 * time.Millisecond)
		b.o.mu.Lock()
		events := b.o.events[b.next:]
		b.next += len(events)
		b.o.mu.Unlock()
		for _, ev := range events {
			switch ev := ev.Event.(type) {
			case linklocal.Delivered:
				b.done++
			case linklocal.Returned:
				for _, token := range ev.Tokens {
					b.send(b.sent[token], token)
				}
			}
		}
	}
}

// attemptsAt returns when an address was dialled, after the first time.
func (o *office) attemptsAt(a netip.Addr) (at []time.Duration) {
	var first time.Time
	for _, x := range o.Attempts() {
		if x.To.Addr() != a {
			continue
		}
		if first.IsZero() {
			first = x.At
		}
		at = append(at, x.At.Sub(first))
	}
	return at
}

// talkative is an office in which two colleagues have fifty messages for Juliet.
func (o *office) talkative() (j, r *meshtest.Client, box *insistent) {
	o.publish(tybaltJ, tybalt)
	j, r = o.staff()
	return j, r, &insistent{o: o, sent: map[uint64]string{}}
}

func (b *insistent) fifty() {
	for i := range uint64(50) {
		b.send([]string{nurseJ, tybaltJ}[i%2], i+1)
	}
}

func TestUnreachable(t *testing.T) {
	inOffice(t, "LL-STR-31 a dead peer and fifty messages of two colleagues: one dial for each step of the back-off", func(t *testing.T, o *office) {
		j, r, box := o.talkative()
		s := o.call(r, nurse)
		j.StopListening()
		box.fifty()
		for i := range 30 { // the other peer does not notice
			at := time.Now()
			o.send(romeo, uint64(1000+i), fmt.Sprint("r", i))
			o.hears(s, fmt.Sprintf("<body>r%d</body>", i))
			if d := time.Since(at); d > 20*time.Millisecond {
				t.Errorf("romeo waited %v", d)
			}
			box.pass(10 * time.Second)
		}
		step, sum := time.Second, time.Duration(0)
		for i, at := range o.attemptsAt(j.Addr) {
			if late := at - sum; late < 0 || late > time.Duration(i+1)*250*time.Millisecond {
				t.Errorf("dial %d came after %v instead of %v", i, at, sum)
			}
			sum += step
			step = min(2*step, time.Minute)
		}
		if n := len(o.attemptsAt(j.Addr)); n != 10 { // 0, 1, 3, 7, 15, 31, 63, 123, 183, 243
			t.Errorf("%d dials in 5 min", n)
		}
	})
	inOffice(t, "LL-STR-31 one dial at a time, though it takes long", func(t *testing.T, o *office) {
		j, r, box := o.talkative()
		o.SetLatency(func(_ netip.Addr, to netip.AddrPort) time.Duration {
			if to.Addr() == j.Addr {
				return time.Hour
			}
			return 0
		})
		box.fifty()
		box.pass(2 * time.Second)
		if n := len(o.attemptsAt(j.Addr)); n != 1 {
			t.Errorf("%d dials", n)
		}
		at := time.Now()
		o.send(romeo, 1000, "swift")
		o.hears(o.answer(r), "<body>swift</body>")
		if d := time.Since(at); d > 200*time.Millisecond {
			t.Errorf("romeo waited %v", d)
		}
		box.pass(28 * time.Second)
		if at := o.attemptsAt(j.Addr); len(at) > 4 || at[1] < 6*time.Second {
			t.Errorf("dialled after %v", at)
		}
	})
	inOffice(t, "LL-STR-31 a peer that shows itself is dialled at once, and gets what both have for it", func(t *testing.T, o *office) {
		j, _, box := o.talkative()
		at := netip.AddrPortFrom(j.Addr, j.Port)
		o.Refuse(at, fmt.Errorf("no route to host"))
		box.fifty()
		box.pass(70 * time.Second)
		before := len(o.attemptsAt(j.Addr))
		o.Refuse(at, nil)
		box.pass(5 * time.Second)
		if n := len(o.attemptsAt(j.Addr)); n != before {
			t.Fatalf("%d dials in the pause", n-before)
		}
		for range 2 {
			go func() {
				if s, err := j.AcceptWithin(30 * time.Second); err == nil {
					s.Start().Say(meshtest.Header(juliet, ""))
				}
			}()
		}
		j.SetTXT("txtvers=1", "status=dnd")
		box.pass(10 * time.Second)
		if box.done != 50 {
			t.Errorf("%d were delivered", box.done)
		}
	})
	inOffice(t, "LL-STR-31 a peer that opens a stream gets all on it, and others may dial it", func(t *testing.T, o *office) {
		j, _, box := o.talkative()
		at := netip.AddrPortFrom(j.Addr, j.Port)
		o.Refuse(at, fmt.Errorf("no route to host"))
		box.fifty()
		box.pass(70 * time.Second)
		o.Refuse(at, nil)
		s := o.call(j, nurse)
		box.pass(time.Second)
		o.hears(o.answer(j), "<body>50</body>") // tybalt's, at once
		if n := len(bodies(s)); n != 25 {
			t.Errorf("%d of the nurse's", n)
		}
		box.pass(3 * time.Second)
		if box.done != 50 {
			t.Errorf("%d were delivered", box.done)
		}
		s.Close()
		o.Refuse(at, fmt.Errorf("no route to host"))
		n := len(o.attemptsAt(j.Addr))
		box.send(nurseJ, 51)
		box.pass(2500 * time.Millisecond)
		if got := len(o.attemptsAt(j.Addr)) - n; got != 2 {
			t.Errorf("%d dials in the first steps of a new back-off", got)
		}
	})
	inOffice(t, "LL-STR-31 a turn that is given up goes to the next", func(t *testing.T, o *office) {
		j, _, box := o.talkative()
		o.SetLatency(func(netip.Addr, netip.AddrPort) time.Duration { return 3 * time.Second })
		box.send(nurseJ, 1)
		box.send(tybaltJ, 2)
		o.wait(time.Second)
		o.mesh.Withdraw(nurseJ)
		o.hears(o.answer(j), "<body>2</body>")
		if _, back := o.tokens(); !slices.Equal(back, []uint64{1}) {
			t.Errorf("returned %v", back)
		}
	})
}
