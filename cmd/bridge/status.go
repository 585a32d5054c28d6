package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"time"

	"meshbridge/bridge/control"
	"meshbridge/bridge/report"
	"meshbridge/bridge/terminal"
)

func statusVerb() verb {
	return verb{
		name: "status", short: "say how the running bridge is, and what to do about it",
		long: "Asks the running bridge: the connection to the server, the interfaces, who is there,\n" +
			"what waits in the outbox, what was dropped and under which rule, memory, and for each\n" +
			"trouble what to do. Exits with 0 when all is well, with 3 when something is not, and\n" +
			"with 1 when no bridge answers. Root may ask, the user of the service, and the members\n" +
			"of control.group.\n" +
			"--json prints one object on a line; docs/control.md explains its keys.",
		setup: func(fs *flag.FlagSet) func(*call) int {
			var d bridgeAt
			d.flags(fs)
			asJSON := fs.Bool("json", false, "print one JSON object")
			watch := fs.Bool("w", false, "print anew each second, until interrupted")
			return func(c *call) int {
				if !c.noArgs() {
					return c.refuseArgs()
				}
				return status(c, d, *asJSON, *watch)
			}
		},
	}
}

func status(c *call, d bridgeAt, asJSON, watch bool) int {
	if !watch {
		return statusOnce(context.Background(), c, d, asJSON, c.out)
	}
	ctx, stop := untilInterrupt()
	defer stop()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		code := statusOnce(ctx, c, d, asJSON, &screen{c: c, json: asJSON})
		if code != exitOK && code != exitDegraded || c.out.failed != nil {
			return code
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return code
		}
	}
}

// screen clears the terminal before the one text that it is for.
type screen struct {
	c    *call
	json bool
}

const clear = "\x1b[H\x1b[2J"

func (s *screen) Write(b []byte) (int, error) {
	if !s.json {
		b = append([]byte(clear), b...)
	}
	_, err := s.c.out.Write(b)
	return len(b), err
}

// statusOnce asks and prints once.
func statusOnce(ctx context.Context, c *call, d bridgeAt, asJSON bool, out io.Writer) int {
	degraded := false
	code := c.ask(ctx, d, control.Request{Ask: control.AskStatus}, func(item json.RawMessage) error {
		var s control.Status
		if err := json.Unmarshal(item, &s); err != nil {
			return fmt.Errorf("another version of the program runs: %w", err)
		}
		degraded = s.State != "ok"
		if asJSON {
			return terminal.WriteJSON(out, s)
		}
		return report.Status(out, s, report.Style{ASCII: isASCII()})
	})
	if code == exitOK && degraded {
		return exitDegraded
	}
	return code
}
