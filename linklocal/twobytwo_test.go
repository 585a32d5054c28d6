package linklocal_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"meshbridge/linklocal"
	"meshbridge/linklocal/meshtest"
)

// square is two colleagues and two peers, each of whom talks with both of the others.
type square struct {
	*office
	rnd   *rand.Rand
	hosts []*purpleHost
	// spread is how far apart they write. A client that dials within the moment in
	// which our header is on its way to it drops its message: nobody can know. At
	// once, that cannot be.
	spread time.Duration
	ends   map[[2]string]*purple // by peer and proxy instance
	next   int                   // event to look at
	token  uint64
	sent   map[uint64]linklocal.Delivery
	done   map[uint64]bool
}

var (
	colleagues = []string{nurseJ, tybaltJ}
	instances  = map[string]string{nurseJ: nurse, tybaltJ: tybalt}
)

func newSquare(o *office, seed uint64) *square {
	o.publish(tybaltJ, tybalt)
	j, r := o.staff()
	q := &square{
		office: o, rnd: rand.New(rand.NewPCG(seed, 2)), ends: map[[2]string]*purple{},
		sent: map[uint64]linklocal.Delivery{}, done: map[uint64]bool{},
	}
	for _, c := range []*meshtest.Client{j, r} {
		h := &purpleHost{c: c, buddies: map[string]*purple{}}
		for _, buddy := range instances {
			p := h.talksTo(buddy)
			p.forget = true
			q.ends[[2]string{c.Instance, buddy}] = p
		}
		q.hosts = append(q.hosts, h)
		go h.accept()
	}
	draw := make(chan *rand.Rand, 1) // by many at once
	draw <- rand.New(rand.NewPCG(seed, 3))
	o.SetLatency(func(netip.Addr, netip.AddrPort) time.Duration {
		r := <-draw
		defer func() { draw <- r }()
		return time.Duration(r.IntN(30)) * time.Millisecond
	})
	return q
}

// way says which way a message goes.
func way(from, to string, round int) string { return fmt.Sprintf("%s to %s %d", from, to, round) }

// write is a message from a colleague to a peer; its body says which way it goes.
func (q *square) write(proxy, peer string, round int) {
	q.token++
	d := linklocal.Delivery{Proxy: proxy, Peer: peer, Token: q.token, Stanza: message(way(proxy, peer, round))}
	q.sent[q.token] = d
	q.mesh.Send(d)
}

// pass lets time go by. What comes back is sent again a second later, as the gateway
// does.
func (q *square) pass(d time.Duration) {
	for range d / (10 * time.Millisecond) {
		q.wait(10 * time.Millisecond)
		q.mu.Lock()
		events := q.events[q.next:]
		q.next += len(events)
		q.mu.Unlock()
		for _, ev := range events {
			switch ev := ev.Event.(type) {
			case linklocal.Delivered:
				q.done[ev.Token] = true
			case linklocal.Returned:
				time.AfterFunc(time.Second, func() {
					for _, token := range ev.Tokens {
						q.mesh.Send(q.sent[token])
					}
				})
			}
		}
	}
}

// round lets all four say something to both others within a few milliseconds, in an
// order that only the seed knows, and then hang up.
func (q *square) round(n int) {
	var says []func()
	for _, proxy := range colleagues {
		for _, peer := range []string{juliet, romeo} {
			says = append(says, func() { q.write(proxy, peer, n) },
				func() { q.ends[[2]string{peer, instances[proxy]}].write(way(peer, proxy, n)) })
		}
	}
	q.rnd.Shuffle(len(says), func(i, j int) { says[i], says[j] = says[j], says[i] })
	for _, say := range says {
		say()
		if q.spread > 0 {
			q.wait(time.Duration(q.rnd.Int64N(int64(q.spread))))
		}
	}
	q.pass(5 * time.Second)
	for _, proxy := range colleagues { // maps have no order, seeds have
		for _, peer := range []string{juliet, romeo} {
			if q.rnd.IntN(2) == 0 {
				q.ends[[2]string{peer, instances[proxy]}].hangUp()
			}
		}
	}
	q.pass(7 * time.Second)
}

const squareRounds = 8

func TestTwoByTwo(t *testing.T) {
	for seed := range uint64(30) {
		spread := time.Duration(seed%3) * 15 * time.Millisecond
		t.Run(fmt.Sprintf("LL-STR-18 LL-STR-31 two colleagues and two peers open within %v of each other, eight rounds: seed %d", spread, seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOffice(t)
				o.run()
				defer o.close()
				<-time.After(linklocal.Settling)
				q := newSquare(o, seed)
				q.spread = spread
				for n := range squareRounds {
					q.round(n)
				}
				q.pass(30 * time.Second)
				q.judge()
			})
		})
	}
}

// judge requires that everything arrived, once told of, at whom it was for: all that
// the clients have let out of their hands.
func (q *square) judge() {
	if len(q.done) != len(q.sent) || len(q.sent) != 4*squareRounds {
		q.t.Errorf("%d of %d messages were confirmed", len(q.done), len(q.sent))
	}
	var want []string
	dropped := 0
	for _, proxy := range colleagues {
		for _, peer := range []string{juliet, romeo} {
			p := q.ends[[2]string{peer, instances[proxy]}]
			lost := strings.Join(p.dropped, "")
			dropped += len(p.dropped)
			var ours []string
			for n := range squareRounds {
				ours = append(ours, "id-"+way(proxy, peer, n))
				if theirs := way(peer, proxy, n); !strings.Contains(lost, ">"+theirs+"<") {
					want = append(want, fmt.Sprintf("%s>%s: %s", peer, proxy, theirs))
				}
			}
			if got := p.heard(); !slices.Equal(got, ours) {
				q.t.Errorf("%s has heard of %s: %q", peer, proxy, got)
			}
		}
	}
	got := q.received()
	slices.Sort(got)
	slices.Sort(want)
	if d := cmp.Diff(want, got); d != "" {
		q.t.Errorf("the bridge was told: %s", d)
	}
	for _, h := range q.hosts {
		if h.invisible > 0 {
			q.t.Errorf("%d streams to %s were from nobody", h.invisible, h.c.Instance)
		}
	}
	if q.spread == 0 && dropped > 0 || dropped > squareRounds {
		q.t.Errorf("clients were made to drop %d messages", dropped)
	}
}
