package linklocal

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// mustEnter counts a connection in that there must be room for.
func mustEnter(t *testing.T, d *doors, a netip.Addr) *visitor {
	t.Helper()
	v, refusal := d.enter(a)
	if refusal != "" {
		t.Fatalf("refused: %s", refusal)
	}
	return v
}

func TestDoors(t *testing.T) {
	a, b := netip.MustParseAddr("10.2.1.187"), netip.MustParseAddr("fe80::187%eth0")
	t.Run("everything counted in is counted out", func(t *testing.T) {
		d := newDoors(DefaultLimits())
		var all []*visitor
		for range 3 {
			all = append(all, mustEnter(t, &d, a), mustEnter(t, &d, b))
			if !d.dial() {
				t.Fatal("refused")
			}
		}
		for i, v := range all {
			bound := i%2 == 0 && d.bind(v)
			d.settled(v)
			d.gone(v, bound)
		}
		for range 3 {
			d.hangUp()
		}
		if len(d.handshakes)+len(d.open)+len(d.unbound)+d.bound != 0 {
			t.Errorf("left over: %+v", d.bound)
		}
	})
	t.Run("LL-STR-18 a dial waits for all handshakes of all addresses", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d := newDoors(DefaultLimits())
			in := []*visitor{mustEnter(t, &d, a), mustEnter(t, &d, b), mustEnter(t, &d, a)}
			quiet := make(chan error, 1)
			go func() { quiet <- d.quiet(t.Context(), []netip.Addr{a, b}) }()
			for _, v := range in {
				synctest.Wait()
				if len(quiet) > 0 {
					t.Fatal("did not wait")
				}
				d.settled(v)
			}
			synctest.Wait()
			if len(quiet) == 0 || <-quiet != nil {
				t.Error("still waits")
			}
		})
	})
	t.Run("a dial that is given up waits no more", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d := newDoors(DefaultLimits())
			mustEnter(t, &d, a)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := d.quiet(ctx, []netip.Addr{a}); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("ended with %v", err)
			}
			cancel()
			if err := d.quiet(ctx, nil); err == nil {
				t.Error("goes on though it was given up")
			}
		})
	})
	t.Run("LL-STR-25 the bounds", func(t *testing.T) {
		d := newDoors(DefaultLimits())
		var in []*visitor
		for range maxHandshakes {
			in = append(in, mustEnter(t, &d, a))
		}
		if _, got := d.enter(a); got != "policy-violation" {
			t.Errorf("handshake %d from one address: %q", maxHandshakes+1, got)
		}
		for d.open[a] < d.perAddress {
			v := in[len(in)-1]
			if !d.bind(v) {
				t.Fatal("refused early")
			}
			d.settled(v)
			in[len(in)-1] = mustEnter(t, &d, a)
		}
		d.settled(in[0])
		if _, got := d.enter(a); got != "policy-violation" {
			t.Errorf("connection %d from one address: %q", d.perAddress+1, got)
		}
		for d.bound < d.streams {
			if !d.dial() {
				t.Fatal("refused early")
			}
		}
		if d.dial() {
			t.Error("one more of ours")
		}
		if d.bind(mustEnter(t, &d, b)) {
			t.Error("one more of theirs")
		}
	})
	t.Run("LL-STR-25 with all room for handshakes taken the oldest of who has most goes", func(t *testing.T) {
		d := newDoors(DefaultLimits())
		honest := mustEnter(t, &d, a)
		var flood []*visitor
		for i := 0; len(d.unbound) < maxUnbound; i++ {
			flood = append(flood, mustEnter(t, &d, netip.AddrFrom4([4]byte{10, 2, 2, byte(i / 2)})))
		}
		mustEnter(t, &d, b)
		if honest.stay.Err() != nil || flood[0].stay.Err() == nil || flood[1].stay.Err() != nil {
			t.Error("another one went")
		}
		if d.bind(flood[0]) || !d.bind(honest) {
			t.Error("who went is bound, or who stayed is not")
		}
		if len(d.unbound) != maxUnbound-1 {
			t.Errorf("%d in their handshake", len(d.unbound))
		}
	})
}
