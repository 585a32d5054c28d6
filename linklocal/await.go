package linklocal

import (
	"context"
	"time"
)

// arrivals tells those who wait that somebody has come: a peer was found, or a
// proxy announced.
type arrivals struct{ next chan struct{} }

func newArrivals() arrivals { return arrivals{make(chan struct{})} }

func (a *arrivals) tell() {
	close(a.next)
	a.next = make(chan struct{})
}

// await reports whether found does, which runs on the goroutine of Run. Just after
// the start it looks again whenever somebody comes, for a while: clients that
// remember a bridge that was killed connect to the new one before it has found them,
// and before the names they ask for are announced. A refusal would cost them the
// message that they connect for, and many do not even show it.
func (m *Mesh) await(ctx context.Context, found func() bool) bool {
	patience, cancel := context.WithTimeout(ctx, bindPatience)
	defer cancel()
	for {
		ok := false
		var more <-chan struct{}
		m.call(func() {
			if ok = found(); !ok && time.Since(m.since) < settling {
				more = m.arrivals.next
			}
		})
		if ok || more == nil {
			return ok
		}
		select {
		case <-more:
		case <-patience.Done():
			return false
		}
	}
}
