package linklocal_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meshbridge/linklocal"
	"meshbridge/linklocal/meshtest"
)

// outbox sends again what comes back, a second later, as the gateway does.
type outbox struct {
	o    *office
	done map[uint64]bool
	sent map[uint64]string
	next int // event to look at
}

func (b *outbox) send(token uint64, body string) {
	b.sent[token] = body
	b.o.send(juliet, token, body)
}

// turn looks at what the mesh has told since.
func (b *outbox) turn() {
	b.o.mu.Lock()
	events := b.o.events[b.next:]
	b.next += len(events)
	b.o.mu.Unlock()
	for _, ev := range events {
		switch ev := ev.Event.(type) {
		case linklocal.Delivered:
			b.done[ev.Token] = true
		case linklocal.Returned:
			time.AfterFunc(time.Second, func() {
				for _, token := range ev.Tokens {
					b.o.send(juliet, token, b.sent[token])
				}
			})
		}
	}
}

const rounds = 100

// crossed lets both sides write in the same moment, so often, over connections that
// take up to 20 ms to stand. It returns how often two streams stood for over a second.
func crossed(o *office, p *purple, c *meshtest.Client) (doubles int) {
	o.SetLatency(func(netip.Addr, netip.AddrPort) time.Duration { return rand.N(20 * time.Millisecond) })
	box := &outbox{o: o, done: map[uint64]bool{}, sent: map[uint64]string{}}
	for i := range rounds {
		box.send(uint64(i+1), fmt.Sprintf("g%d", i))
		p.write(fmt.Sprintf("c%d", i))
		double := time.Duration(0)
		for range 80 {
			o.wait(50 * time.Millisecond)
			box.turn()
			if standing(o, c.Addr) < 2 {
				double = 0
			} else if double += 50 * time.Millisecond; double > time.Second {
				doubles++
			}
		}
		p.hangUp()
		o.wait(6 * time.Second) // our side of the end
		box.turn()
	}
	for range 20 {
		o.wait(time.Second)
		box.turn()
	}
	if len(box.done) != rounds {
		o.t.Errorf("%d of %d messages were confirmed", len(box.done), rounds)
	}
	return doubles
}

func TestSimultaneousOpen(t *testing.T) {
	for _, tt := range []struct {
		name   string
		forget bool
	}{
		{"LL-STR-18 both sides open a hundred times at once: nothing is lost, and never two streams for a second", false},
		{"LL-STR-18 nor with a client that drops what waits for a stream that is replaced: ours gives way", true},
	} {
		inOffice(t, tt.name, func(t *testing.T, o *office) {
			c, _ := o.staff()
			p := newPurple(c, nurse)
			p.forget = tt.forget
			if doubles := crossed(o, p, c); doubles > 0 {
				t.Errorf("two streams for over a second, %d times", doubles)
			}
			var ours, theirs []string
			for i := range rounds {
				ours = append(ours, fmt.Sprintf("id-g%d", i))
				theirs = append(theirs, fmt.Sprintf("%s>%s: c%d", juliet, nurseJ, i))
			}
			if d := cmp.Diff(ours, p.heard()); d != "" {
				t.Errorf("from the mesh: %s", d)
			}
			if d := cmp.Diff(theirs, o.received()); d != "" {
				t.Errorf("from the client: %s", d)
			}
			if len(p.dropped) > 0 {
				t.Errorf("made the client drop %q", p.dropped)
			}
			if n := len(o.Dialled()) - p.dials; n < rounds/4 {
				t.Errorf("we dialled %d times only: nothing was crossed", n)
			}
		})
	}
}

func TestCrossing(t *testing.T) {
	inOffice(t, "LL-STR-18 no dial while the peer is in its handshake with us", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.dial(j, nurse) // and takes its time
		o.wait(time.Millisecond)
		o.send(juliet, 1, "x")
		o.wait(5 * time.Second)
		if n := len(o.Dialled()); n != 1 {
			t.Errorf("%d connections", n)
		}
		o.say(s, "%s", meshtest.Header(juliet, nurse))
		o.hears(s, "<body>x</body>")
		o.wait(3 * time.Second)
		if n := len(o.Dialled()); n != 1 {
			t.Errorf("%d connections", n)
		}
	})
	inOffice(t, "LL-STR-18 whatever its family of addresses", func(t *testing.T, o *office) {
		o.publish(nurseJ, nurse)
		j := o.join(meshtest.Person{
			Host: o.Host("pronto", julietAt, "fe80::187/64"), Name: "pronto", Instance: juliet,
			Addrs: addrs("fe80::187%eth0", "10.2.1.187"),
		})
		o.wait(4 * time.Second)
		s := o.dial(j, nurse)
		o.wait(time.Millisecond)
		o.send(juliet, 1, "x")
		o.wait(5 * time.Second)
		if n := len(o.Dialled()); n != 1 {
			t.Errorf("dialled %v", o.Dialled())
		}
		o.say(s, "%s", meshtest.Header(juliet, nurse))
		o.hears(s, "<body>x</body>")
	}, hosting("10.2.1.1/24", "fe80::1/64"))
	inOffice(t, "LL-STR-18 the dial is made after all when the handshake comes to nothing", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.dial(j, nurse)
		o.wait(time.Millisecond)
		o.send(juliet, 1, "x")
		o.wait(time.Second)
		s.Close()
		o.hears(o.answer(j), "<body>x</body>")
	})
	inOffice(t, "LL-STR-18 our connection gives way to one that crossed it, before it has said a word", func(t *testing.T, o *office) {
		j, _ := o.staff()
		o.call(j, nurse).Close() // both have looked each other up
		o.wait(time.Millisecond)
		o.SetLatency(func(from netip.Addr, _ netip.AddrPort) time.Duration {
			if from == j.Addr {
				return 10 * time.Millisecond
			}
			return 20 * time.Millisecond
		})
		o.send(juliet, 1, "x")
		theirs := o.dial(j, nurse)
		ours, err := j.AcceptWithin(time.Second)
		if err != nil {
			t.Fatal(err)
		}
		o.closes(ours.Start(), time.Second)
		if got(ours) != "" {
			t.Errorf("it said %q", got(ours))
		}
		o.say(theirs, "%s", meshtest.Header(juliet, nurse))
		o.hears(theirs, "<body>x</body>")
		o.wait(3 * time.Second)
		if d, r := o.tokens(); len(d) != 1 || len(r) != 0 {
			t.Errorf("delivered %v, returned %v", d, r)
		}
	})
	inOffice(t, "LL-STR-18 our dial is given up when the peer's stream stands first, and nothing was said on it", func(t *testing.T, o *office) {
		j, _ := o.staff()
		o.send(juliet, 1, "x")
		ours, err := j.AcceptWithin(5 * time.Second)
		if err != nil {
			t.Fatal(err)
		}
		o.hears(ours.Start(), ">")
		theirs := o.call(j, nurse)
		o.closes(ours, time.Second)
		o.hears(theirs, "<body>x</body>")
		if len(bodies(ours)) > 0 {
			t.Errorf("said on ours: %q", got(ours))
		}
	})
}

func TestNeverQuiet(t *testing.T) {
	inOffice(t, "LL-STR-18 LL-STR-31 a peer that is for ever about to say who it is keeps no message", func(t *testing.T, o *office) {
		j, r := o.staff()
		stop := make(chan struct{})
		defer close(stop)
		go func() { // one handshake after the other, with no gap
			tick := time.NewTicker(5 * time.Second)
			defer tick.Stop()
			for {
				s, err := j.DialFrom(t.Context(), nurse, j.Addr)
				if err != nil {
					return
				}
				s.Start()
				select {
				case <-stop:
					s.Close()
					return
				case <-tick.C:
				}
			}
		}()
		o.wait(time.Second)
		o.send(juliet, 1, "to nobody")
		o.send(romeo, 2, "to romeo")
		o.hears(o.answer(r), "to romeo")
		o.until(time.Minute, "given back", func() bool { _, returned := o.tokens(); return len(returned) == 1 })
	})
}
