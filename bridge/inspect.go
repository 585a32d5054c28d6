package bridge

import (
	"context"
	"errors"
)

// inspection is a look at the gateway from outside, or a change of it: it runs on the
// gateway's goroutine, between two events.
type inspection func(*Gateway)

func (i inspection) apply(g *Gateway) { i(g) }

// errEnding is what those are told who ask while the program ends.
var errEnding = errors.New("the bridge is ending; ask again when it is back")

// look runs a function on the gateway's goroutine and returns what it found.
func look[T any](ctx context.Context, g *Gateway, find func(*Gateway) T) (found T, err error) {
	answer := make(chan T, 1)
	select {
	case g.events <- inspection(func(g *Gateway) { answer <- find(g) }):
	case <-g.stopped:
		return found, errEnding
	case <-ctx.Done():
		return found, tooBusy(ctx)
	}
	select {
	case found = <-answer:
		return found, nil
	case <-g.stopped:
		return found, errEnding
	case <-ctx.Done():
		return found, tooBusy(ctx)
	}
}

func tooBusy(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return errors.New("the bridge did not come to it in time; see its log")
	}
	return ctx.Err()
}
