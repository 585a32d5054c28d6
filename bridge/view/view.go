package view

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"meshbridge/bridge/widearea"
	"meshbridge/linklocal"
	"meshbridge/linklocal/mdns"
)

// Options say what is looked at and how it is printed.
type Options struct {
	Interfaces []string
	Domain     string // component domain of the bridge here, whose proxies are marked as ours; may be empty
	JSON       bool   // a line of JSON for each event
	Once       bool   // end when the picture is settled
	Out        io.Writer
	Notes      io.Writer // for what is not an event, such as interfaces that are missing
	Log        *slog.Logger
	Network    mdns.Network // nil: real sockets
	// Wide looks in a domain of the DNS instead of on interfaces; nil: on those.
	Wide *widearea.Browser
}

// Errors of Run.
var (
	// ErrNobody: with Once, the picture has settled and nobody is in it.
	ErrNobody = errors.New("nobody is there")
	// ErrNoInterface: with Once, none of the interfaces is up.
	ErrNoInterface = errors.New("none of the interfaces is up")
)

// Run prints until ctx ends or, with Once, until the picture has settled, which takes a
// few seconds and at most some ten. Other errors mean that it cannot look at all, or that
// nobody reads what it prints.
func Run(ctx context.Context, o Options) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	v := &view{Options: o, end: end}
	err := v.look(ctx)
	switch cause := context.Cause(ctx); {
	case err != nil:
		return err
	case errors.Is(cause, errDone), errors.Is(cause, context.Canceled):
		return nil
	default:
		return cause
	}
}

// look looks where the options say.
func (v *view) look(ctx context.Context) error {
	if v.Wide == nil {
		return linklocal.Watch{
			Interfaces: v.Interfaces, Network: v.Network, Log: v.Log, Handle: v.show, Settled: v.settled,
		}.Run(ctx)
	}
	wide := *v.Wide
	wide.Log, wide.Handle = v.Log, v.show
	wide.Settled = func() { v.settled([]string{wide.Domain}) }
	return wide.Run(ctx)
}

// errDone ends a view that has shown what there is.
var errDone = errors.New("done")

// view prints. Its methods run on the goroutine of the watch.
type view struct {
	Options
	end   context.CancelCauseFunc
	shown int // instances that came
}

func (v *view) show(s linklocal.Sighting) {
	if s.Change == linklocal.Came {
		v.shown++
	}
	if err := Print(v.Options, EventOf(s)); err != nil {
		v.end(fmt.Errorf("printing: %w", err))
	}
}

func (v *view) settled(joined []string) {
	switch {
	case v.Once && len(joined) == 0:
		v.end(ErrNoInterface)
	case v.Once && v.shown == 0:
		v.end(ErrNobody)
	case v.Once:
		v.end(errDone)
	case len(joined) == 0:
		fmt.Fprintf(v.Notes, "none of the interfaces %s is up; waiting for them\n", strings.Join(v.Interfaces, ", "))
	case v.shown == 0:
		fmt.Fprintf(v.Notes, "nobody is there yet on %s; waiting\n", strings.Join(joined, ", "))
	}
}
