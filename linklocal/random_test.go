package linklocal_test

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"meshbridge/linklocal"
	"meshbridge/linklocal/meshtest"
)

// walk is an hour of an office in which everything happens at random.
type walk struct {
	*office
	rnd     *rand.Rand
	people  map[string]*purple // by instance; those who are here
	read    map[string][]string
	next    uint64
	sent    map[uint64]string // to whom
	working bool              // the nurse is published
}

func (w *walk) arrive(instance string) {
	host, addr := "pronto", julietAt
	if instance == romeo {
		host, addr = "forza", romeoAt
	}
	c, err := w.NewClient(host, instance, addr)
	if err != nil {
		w.t.Fatal(err)
	}
	w.people[instance] = newPurple(c, nurse)
}

func (w *walk) leave(instance string) {
	p := w.people[instance]
	delete(w.people, instance)
	w.cut(p.c)
	p.c.SignOff()
	w.wait(0)
	w.read[instance] = append(w.read[instance], p.heard()...)
}

// cut closes the connections of a client without a word.
func (w *walk) cut(c *meshtest.Client) {
	for _, conn := range w.Connections() {
		for _, end := range []*meshtest.Conn{conn, conn.Far()} {
			if addrOf(end) == c.Addr {
				end.Close()
			}
		}
	}
}

// unsent makes the mesh's end of all connections count so many octets as not
// acknowledged.
func (w *walk) unsent(n int) {
	for _, conn := range w.Connections() {
		conn.SetUnsent(n)
		conn.Far().SetUnsent(n)
	}
}

func (w *walk) step() {
	instance := []string{juliet, romeo}[w.rnd.IntN(2)]
	p := w.people[instance]
	switch n := w.rnd.IntN(100); {
	case p == nil && n < 50:
		w.arrive(instance)
	case !w.working && n < 50:
		w.working = true
		w.publish(nurseJ, nurse)
	case n < 60:
		w.next++
		w.sent[w.next] = instance
		w.send(instance, w.next, fmt.Sprint(w.next))
	case p == nil:
	case n < 80:
		p.write(fmt.Sprintf("c%d", n))
	case n < 84:
		p.hangUp()
	case n < 87:
		w.cut(p.c)
	case n < 90:
		w.unsent(w.rnd.IntN(3) - 1)
	case n < 92:
		w.working = false
		w.mesh.Withdraw(nurseJ)
	case n < 93:
		w.leave(instance)
	default:
		w.wait(time.Duration(w.rnd.IntN(20)) * time.Second)
	}
	w.wait(time.Duration(w.rnd.IntN(300)) * time.Millisecond)
}

func TestRandomWalks(t *testing.T) {
	t.Run("LL-STR-30 every message is told of once: delivered, and then it was read, or returned", func(t *testing.T) {
		for seed := range uint64(30) {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					o := newOffice(t, with(func(c *linklocal.Config) { c.Log = slog.New(slog.DiscardHandler) }))
					w := &walk{office: o, rnd: rand.New(rand.NewPCG(seed, 1)), people: map[string]*purple{}, read: map[string][]string{}, sent: map[uint64]string{}}
					o.run()
					defer o.close()
					for range 500 {
						w.step()
					}
					w.settle()
				})
			})
		}
	})
}

// settle lets everything come to its end and looks at what was told.
func (w *walk) settle() {
	w.unsent(0)
	w.wait(2 * time.Minute)
	for _, instance := range []string{juliet, romeo} {
		if w.people[instance] != nil {
			w.leave(instance)
		}
	}
	w.wait(time.Minute)
	delivered, returned := w.tokens()
	told := map[uint64]int{}
	for _, token := range append(slices.Clone(delivered), returned...) {
		told[token]++
	}
	last := map[string]uint64{}
	for _, token := range delivered {
		peer := w.sent[token]
		if !slices.Contains(w.read[peer], fmt.Sprintf("id-%d", token)) {
			w.t.Errorf("%d is told to be delivered, but %s has not read it", token, peer)
		}
		if token < last[peer] {
			w.t.Errorf("%d is delivered after %d", token, last[peer])
		}
		last[peer] = token
	}
	for token := range w.sent {
		if told[token] != 1 {
			w.t.Errorf("%d is told of %d times", token, told[token])
		}
	}
	for _, r := range of[linklocal.Returned](w.office) {
		if !slices.IsSorted(r.Tokens) {
			w.t.Errorf("returned out of order: %v", r.Tokens)
		}
	}
	if in := w.mesh.Inside(); in.Pairs+in.Streams+in.Known+in.Peers+in.Total != 0 {
		w.t.Errorf("left over: %+v", in)
	}
	if len(delivered) < 10 || len(returned) < 10 {
		w.t.Errorf("%d delivered, %d returned: that shows little", len(delivered), len(returned))
	}
}
