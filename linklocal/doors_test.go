package linklocal

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

func TestDoors(t *testing.T) {
	a, b := netip.MustParseAddr("10.2.1.187"), netip.MustParseAddr("fe80::187%eth0")
	t.Run("everything counted in is counted out", func(t *testing.T) {
		var d doors
		for range 3 {
			if d.enter(a) != "" || d.enter(b) != "" || !d.dial() {
				t.Fatal("refused")
			}
		}
		for range 3 {
			d.settled(a)
			d.settled(b)
			d.gone(a)
			d.gone(b)
			d.hangUp()
		}
		if len(d.handshakes)+len(d.open)+d.total != 0 {
			t.Errorf("left over: %+v", d.total)
		}
	})
	t.Run("LL-STR-18 a dial waits for all handshakes of all addresses", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var d doors
			d.enter(a)
			d.enter(a)
			d.enter(b)
			quiet := make(chan error, 1)
			go func() { quiet <- d.quiet(t.Context(), []netip.Addr{a, b}) }()
			for _, addr := range []netip.Addr{a, b, a} {
				synctest.Wait()
				if len(quiet) > 0 {
					t.Fatal("did not wait")
				}
				d.settled(addr)
			}
			synctest.Wait()
			if len(quiet) == 0 || <-quiet != nil {
				t.Error("still waits")
			}
		})
	})
	t.Run("a dial that is given up waits no more", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var d doors
			d.enter(a)
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
		var d doors
		for range maxHandshakes {
			d.enter(a)
		}
		if got := d.enter(a); got != "policy-violation" {
			t.Errorf("handshake %d from one address: %q", maxHandshakes+1, got)
		}
		for d.open[a] < maxPerAddress {
			d.settled(a)
			if d.enter(a) != "" {
				t.Fatal("refused early")
			}
		}
		d.settled(a)
		if got := d.enter(a); got != "policy-violation" {
			t.Errorf("connection %d from one address: %q", maxPerAddress+1, got)
		}
		for d.total < maxStreams {
			if !d.dial() {
				t.Fatal("refused early")
			}
		}
		if d.dial() {
			t.Error("one more of ours")
		}
		if got := d.enter(b); got != "resource-constraint" {
			t.Errorf("one more of theirs: %q", got)
		}
	})
}
