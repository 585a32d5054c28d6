package bridge

import (
	"context"
	"time"

	"meshbridge/upstream"
)

// part is a half of the program that runs beside the gateway: the link to the server, or
// the mesh. The gateway begins and ends them in order, and begins one anew where another
// configuration wants that.
type part struct {
	name string
	done <-chan error // why it ended; closed then
	stop context.CancelFunc
}

// begin runs a part until it is stopped, whatever happens to anything else.
func begin(name string, run func(context.Context) error) part {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		err := run(ctx)
		done <- err
		close(done)
	}()
	return part{name, done, cancel}
}

func (g *Gateway) beginLink() {
	link := g.link
	g.linkPart = begin("upstream", func(ctx context.Context) error {
		return link.Run(ctx, func(ev upstream.Event) { g.post(upstreamEvent{ev}) })
	})
}

func (g *Gateway) beginMesh() { g.meshPart = begin("mesh", g.lan.Run) }

// stopPart ends a part, taking in what it still has to tell. It reports whether the
// part has ended.
func (g *Gateway) stopPart(p part) bool {
	p.stop()
	timeout := time.NewTimer(partTimeout)
	defer timeout.Stop()
	for {
		select {
		case ev := <-g.events:
			ev.apply(g)
		case <-g.keeper.Commits():
			g.saved()
		case <-p.done:
			g.takeIn()
			return true
		case <-timeout.C:
			g.log.Error("a part of the bridge did not end in time; it is left behind", "part", p.name)
			return false
		}
	}
}

// takeIn handles the events that wait: those of a part that has ended are among them.
func (g *Gateway) takeIn() {
	for range len(g.events) {
		select {
		case ev := <-g.events:
			ev.apply(g)
		default:
			return
		}
	}
}

// waitFor handles events until a condition holds, for so long at most.
func (g *Gateway) waitFor(most time.Duration, holds func() bool) bool {
	timeout := time.NewTimer(most)
	defer timeout.Stop()
	for !holds() {
		select {
		case ev := <-g.events:
			ev.apply(g)
		case <-g.keeper.Commits():
			g.saved()
		case <-timeout.C:
			return false
		}
	}
	return true
}
