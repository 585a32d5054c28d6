package bridge

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Run bridges until ctx ends. It then says goodbye on both sides, upstream first,
// and returns nil in bounded time. An error means that the bridge cannot work here
// and says what to do. Run may be called once.
func (g *Gateway) Run(ctx context.Context) error {
	defer close(g.stopped)
	g.beginLink()
	defer func() { g.linkPart.stop() }()
	g.beginMesh()
	defer func() { g.meshPart.stop() }()

	g.outageBegins() // until the first authentication
	err := g.work(ctx)
	g.farewell()
	g.stopPart(g.linkPart)
	if g.stopPart(g.meshPart) && err == nil {
		g.forgetProxies()
	}
	return errors.Join(err, g.keeper.Close())
}

// work handles events until ctx or a part ends.
func (g *Gateway) work(ctx context.Context) error {
	expire := time.NewTicker(expireEvery)
	defer expire.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-g.linkPart.done:
			return fmt.Errorf("the upstream has stopped: %w", err)
		case err := <-g.meshPart.done:
			if g.goBack(err) {
				continue
			}
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
