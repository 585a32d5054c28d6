package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"strconv"

	"meshbridge/bridge/control"
	"meshbridge/bridge/report"
	"meshbridge/bridge/terminal"
)

func outboxVerb() verb {
	return verb{
		name: "outbox", args: "list | drop ID... | drop --to ADDRESS", short: "say what waits for whom in the running bridge, or drop it",
		long: "list shows the messages that are kept until they are delivered: number, way, age, size,\n" +
			"how often it was tried, from whom and to whom; never what they say. drop gives messages\n" +
			"up, by number or all that waits for a JID or an instance of the LAN: who wrote them is\n" +
			"told that they were not delivered. What is in flight is left alone, for it may have\n" +
			"arrived. --json prints a line for each message, or one for what was dropped.",
		setup: func(fs *flag.FlagSet) func(*call) int {
			var d bridgeAt
			d.flags(fs)
			asJSON := fs.Bool("json", false, "print lines of JSON")
			to := fs.String("to", "", "drop all that waits for `ADDRESS`")
			return func(c *call) int { return outboxCall(c, d, *to, *asJSON) }
		},
	}
}

func outboxCall(c *call, d bridgeAt, to string, asJSON bool) int {
	what := "list"
	if len(c.args) > 0 {
		what, c.args = c.args[0], c.args[1:]
	}
	switch {
	case what == "list" && len(c.args) == 0 && to == "":
		return listOutbox(c, d, asJSON)
	case what == "drop" && (len(c.args) > 0) != (to != ""):
		return dropMessages(c, d, to, asJSON)
	}
	return c.misuse("takes list, or drop with numbers of messages, or drop --to with an address")
}

func listOutbox(c *call, d bridgeAt, asJSON bool) int {
	var list []control.Message
	code := c.ask(context.Background(), d, control.Request{Ask: control.AskOutbox}, func(item json.RawMessage) error {
		var m control.Message
		if err := json.Unmarshal(item, &m); err != nil {
			return err
		}
		if asJSON {
			return terminal.WriteJSON(c.out, m)
		}
		list = append(list, m)
		return nil
	})
	if code == exitOK && !asJSON {
		_ = report.Outbox(c.out, list) // c.out remembers
	}
	return code
}

func dropMessages(c *call, d bridgeAt, to string, asJSON bool) int {
	r := control.Request{Ask: control.AskDrop, To: to}
	for _, arg := range c.args {
		id, err := strconv.ParseUint(arg, 10, 64)
		if err != nil {
			return c.misuse(fmt.Sprintf("%q is not the number of a message", arg))
		}
		r.IDs = append(r.IDs, id)
	}
	var dropped control.Dropped
	code := c.ask(context.Background(), d, r, func(item json.RawMessage) error { return json.Unmarshal(item, &dropped) })
	switch {
	case code != exitOK:
		return code
	case asJSON:
		_ = terminal.WriteJSON(c.out, dropped) // c.out remembers
	default:
		fmt.Fprintf(c.out, "dropped: %d, left alone because they are in flight: %d\n", dropped.Messages, dropped.InFlight)
	}
	if dropped.Messages == 0 {
		return exitNotFound
	}
	return exitOK
}
