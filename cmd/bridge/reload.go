package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"strings"

	"meshbridge/bridge/control"
)

func reloadVerb() verb {
	return verb{
		name: "reload", short: "let the running bridge read its configuration anew",
		long: "Does what SIGHUP does, and says how it went: the configuration is in force as a whole, or\n" +
			"it is refused, every reason is printed and the former one stays in force. Most keys are\n" +
			"changed while everything goes on; docs/control.md says which ones begin something anew.",
		setup: func(fs *flag.FlagSet) func(*call) int {
			var d bridgeAt
			d.flags(fs)
			return func(c *call) int {
				if !c.noArgs() {
					return c.refuseArgs()
				}
				var done control.Reloaded
				code := c.ask(context.Background(), d, control.Request{Ask: control.AskReload}, func(item json.RawMessage) error {
					return json.Unmarshal(item, &done)
				})
				switch {
				case code != exitOK:
				case len(done.Restarted) == 0:
					fmt.Fprintln(c.out, "reloaded; everything went on")
				default:
					fmt.Fprintf(c.out, "reloaded; begun anew: %s\n", strings.Join(done.Restarted, ", "))
				}
				return code
			}
		},
	}
}
