package linklocal

import (
	"context"
	"net/netip"
	"slices"
	"sync"
)

// doors knows which addresses are connected. It bounds connections, and lets an own
// dial wait for one that is in its handshake: a client that is connecting to us
// right now would drop messages if we connected to it at the same time (LL-STR-18).
//
// Connections that are not bound yet have room of their own. Anybody can open those,
// so they must never take what the bound ones need, nor keep others out by staying:
// with all the room taken, the one that has been at it for longest has to go.
type doors struct {
	mu         sync.Mutex
	perAddress int                // connections from one address; guarded by mu
	streams    int                // bound ones and our own; guarded by mu
	handshakes map[netip.Addr]int // guarded by mu
	open       map[netip.Addr]int // accepted, bound or not; guarded by mu
	unbound    []*visitor         // oldest first; guarded by mu
	bound      int                // with those dialled; guarded by mu
	leave      chan struct{}      // closed and renewed when a handshake ends; guarded by mu
}

// visitor is an accepted connection.
type visitor struct {
	from  netip.Addr
	stay  context.Context // ends when it has to make room
	evict context.CancelFunc
}

func newDoors(l Limits) doors {
	return doors{
		perAddress: l.StreamsPerAddress, streams: l.Streams,
		handshakes: map[netip.Addr]int{}, open: map[netip.Addr]int{}, leave: make(chan struct{}),
	}
}

// setLimits changes the bounds. Who is connected stays.
func (d *doors) setLimits(l Limits) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.perAddress, d.streams = l.StreamsPerAddress, l.Streams
}

// enter counts an accepted connection in, or says with which condition to refuse it
// (RFC 6120 section 4.9.3).
func (d *doors) enter(a netip.Addr) (v *visitor, refusal string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.handshakes[a] >= maxHandshakes, d.open[a] >= d.perAddress:
		return nil, "policy-violation"
	case len(d.unbound) >= maxUnbound:
		d.evict()
	}
	v = &visitor{from: a}
	v.stay, v.evict = context.WithCancel(context.Background())
	d.unbound = append(d.unbound, v)
	d.handshakes[a]++
	d.open[a]++
	return v, ""
}

// evict makes the oldest connection of the address with the most in their handshake
// give way.
func (d *doors) evict() {
	worst := 0
	for i, v := range d.unbound {
		if d.handshakes[v.from] > d.handshakes[d.unbound[worst].from] {
			worst = i
		}
	}
	d.unbound[worst].evict()
	d.unbound = slices.Delete(d.unbound, worst, worst+1)
}

// makeRoom gives up a connection that is not bound, if there is one: descriptors ran
// out.
func (d *doors) makeRoom() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.unbound) > 0 {
		d.evict()
	}
}

// bind counts a connection among the bound ones. It reports false when there are too
// many, or when this one had to give way a moment ago.
func (d *doors) bind(v *visitor) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	at := slices.Index(d.unbound, v)
	if at < 0 || d.bound >= d.streams {
		return false
	}
	d.unbound = slices.Delete(d.unbound, at, at+1)
	d.bound++
	return true
}

// settled tells that a connection is attached, or refused.
func (d *doors) settled(v *visitor) {
	d.mu.Lock()
	defer d.mu.Unlock()
	v.evict() // from nowhere by now
	decrement(d.handshakes, v.from)
	if at := slices.Index(d.unbound, v); at >= 0 {
		d.unbound = slices.Delete(d.unbound, at, at+1)
	}
	close(d.leave)
	d.leave = make(chan struct{})
}

// gone counts an accepted connection out.
func (d *doors) gone(v *visitor, bound bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	decrement(d.open, v.from)
	if bound {
		d.bound--
	}
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
	if d.bound >= d.streams {
		return false
	}
	d.bound++
	return true
}

// hangUp counts a connection of our own out.
func (d *doors) hangUp() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.bound--
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
