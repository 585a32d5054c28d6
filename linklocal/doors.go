package linklocal

import (
	"context"
	"net/netip"
	"sync"
)

// doors knows which addresses are connected. It bounds connections, and lets an own
// dial wait for one that is in its handshake: a client that is connecting to us
// right now would drop messages if we connected to it at the same time (LL-STR-18).
type doors struct {
	mu         sync.Mutex
	handshakes map[netip.Addr]int // guarded by mu
	open       map[netip.Addr]int // accepted, bound or not; guarded by mu
	total      int                // with those dialled; guarded by mu
	leave      chan struct{}      // closed and renewed when a handshake ends; guarded by mu
}

// enter counts an accepted connection in, or says with which condition to refuse it
// (RFC 6120 section 4.9.3).
func (d *doors) enter(a netip.Addr) (refusal string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open == nil {
		d.open, d.handshakes, d.leave = map[netip.Addr]int{}, map[netip.Addr]int{}, make(chan struct{})
	}
	switch {
	case d.handshakes[a] >= maxHandshakes, d.open[a] >= maxPerAddress:
		return "policy-violation"
	case d.total >= maxStreams:
		return "resource-constraint"
	}
	d.handshakes[a]++
	d.open[a]++
	d.total++
	return ""
}

// settled tells that a connection from a is attached, or refused.
func (d *doors) settled(a netip.Addr) {
	d.mu.Lock()
	defer d.mu.Unlock()
	decrement(d.handshakes, a)
	close(d.leave)
	d.leave = make(chan struct{})
}

// gone counts an accepted connection out.
func (d *doors) gone(a netip.Addr) {
	d.mu.Lock()
	defer d.mu.Unlock()
	decrement(d.open, a)
	d.total--
}

func decrement(m map[netip.Addr]int, a netip.Addr) {
	if m[a]--; m[a] <= 0 {
		delete(m, a)
	}
}

// dial counts a connection of our own in. It reports false when there are too many.
func (d *doors) dial() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.total >= maxStreams {
		return false
	}
	d.total++
	return true
}

// hangUp counts a connection of our own out.
func (d *doors) hangUp() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.total--
}

// busy returns nil when no connection from any of these addresses is in its
// handshake, else a channel that is closed when that may have changed.
func (d *doors) busy(addrs []netip.Addr) <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, a := range addrs {
		if d.handshakes[a] > 0 {
			return d.leave
		}
	}
	return nil
}

// quiet waits until no connection from any of these addresses is in its handshake.
func (d *doors) quiet(ctx context.Context, addrs []netip.Addr) error {
	for {
		busy := d.busy(addrs)
		if busy == nil {
			return ctx.Err()
		}
		select {
		case <-busy:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
