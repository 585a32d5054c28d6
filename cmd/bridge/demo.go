package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"

	"meshbridge/bridge/demo"
)

func demoVerb() verb {
	return verb{
		name: "demo", short: "watch two people chat: no root, no server, no configuration",
		long: "Starts a small XMPP server with one user inside this process, and one Bonjour\n" +
			"client on the loopback interface, lets them find each other and chat through the\n" +
			"bridge, and prints what each of them sees. Exits with 0 when both directions worked.\n" +
			"With --stay -i IFACE it stays up, so that a Bonjour client on that LAN can join in.",
		setup: func(fs *flag.FlagSet) func(*call) int {
			o := demo.Options{}
			fs.BoolVar(&o.Verbose, "v", false, "print the stanzas, and log")
			fs.BoolVar(&o.Stay, "stay", false, "stay up until interrupted")
			fs.StringVar(&o.Interface, "i", "", "use the network interface `IFACE` (default loopback)")
			return func(c *call) int {
				if !c.noArgs() {
					return c.refuseArgs()
				}
				return runDemo(c, o)
			}
		},
	}
}

func runDemo(c *call, o demo.Options) int {
	level := slog.LevelWarn
	if o.Verbose {
		level = slog.LevelDebug
	}
	o.Out, o.Name, o.Log = c.out, c.program, newLogger(c.err, level)
	ctx, stop := untilInterrupt()
	defer stop()
	err := demo.Run(ctx, o)
	if err == nil || ctx.Err() != nil && errors.Is(err, context.Canceled) && o.Stay {
		return exitOK
	}
	if errors.Is(err, context.Canceled) {
		err = errors.New("interrupted before both had read the other")
	}
	fmt.Fprintf(c.err, "%s demo: %v\n", c.program, err)
	return exitRuntime
}
