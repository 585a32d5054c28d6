package bridge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"meshbridge/upstream"
)

// Run bridges until ctx ends. It then says goodbye on both sides, upstream first,
// and returns nil in bounded time. An error means that the bridge cannot work here
// and says what to do. Run may be called once.
func (g *Gateway) Run(ctx context.Context) error {
	defer close(g.stopped)
	linkDone, stopLink := supervise(ctx, func(ctx context.Context) error {
		return g.link.Run(ctx, func(ev upstream.Event) { g.post(upstreamEvent{ev}) })
	})
	defer stopLink()
	meshDone, stopMesh := supervise(ctx, g.lan.Run)
	defer stopMesh()

	g.outageBegins() // until the first authentication
	err := g.work(ctx, linkDone, meshDone)
	g.farewell()
	g.stopPart("upstream", linkDone, stopLink)
	if g.stopPart("mesh", meshDone, stopMesh) && err == nil {
		g.forgetProxies()
	}
	return errors.Join(err, g.keeper.Close())
}

// supervise runs a part of the program until stop is called, whatever happens to
// ctx: the gateway ends its parts in order.
func supervise(ctx context.Context, part func(context.Context) error) (<-chan error, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	go func() {
		err := part(ctx)
		done <- err
		close(done)
	}()
	return done, cancel
}

// work handles events until ctx or a part ends.
func (g *Gateway) work(ctx context.Context, linkDone, meshDone <-chan error) error {
	expire := time.NewTicker(expireEvery)
	defer expire.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-linkDone:
			return fmt.Errorf("the upstream has stopped: %w", err)
		case err := <-meshDone:
			return fmt.Errorf("the mesh has stopped: %w", err)
		case ev := <-g.events:
			ev.apply(g)
		case <-g.keeper.Commits():
			g.saved()
		case now := <-expire.C:
			g.expire(now)
		}
	}
}

// stopPart ends a part, taking in what it still has to tell. It reports whether the
// part has ended.
func (g *Gateway) stopPart(name string, done <-chan error, stop context.CancelFunc) bool {
	stop()
	timeout := time.NewTimer(partTimeout)
	defer timeout.Stop()
	for {
		select {
		case ev := <-g.events:
			ev.apply(g)
		case <-g.keeper.Commits():
			g.saved()
		case <-done:
			return true
		case <-timeout.C:
			g.log.Error("a part of the bridge did not end in time; the program ends without it", "part", name)
			return false
		}
	}
}
