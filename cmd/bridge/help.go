package main

import (
	"flag"
	"fmt"
	"io"
)

func helpVerb() verb {
	return verb{
		name: "help", args: "[VERB]", short: "explain the program or one of its verbs",
		long: "Without a verb, lists all verbs.",
		setup: func(*flag.FlagSet) func(*call) int {
			return help
		},
	}
}

func help(c *call) int {
	switch len(c.args) {
	case 0:
		writeUsage(c.out, c.program)
		return exitOK
	case 1:
		if v, ok := findVerb(c.args[0]); ok {
			writeVerbHelp(c.out, c.program, v)
			return exitOK
		}
	}
	c.verb = ""
	return c.noVerb(c.args[0])
}

func writeUsage(w io.Writer, program string) {
	fmt.Fprintf(w, "%s: Bonjour chat on the office LAN, bridged to an XMPP server\n\nusage: %s VERB [flags]\n\n", program, program)
	for _, v := range verbs() {
		fmt.Fprintf(w, "  %-8s %s\n", v.name, v.short)
	}
	fmt.Fprintf(w, "\nexit codes: 0 ok, 1 failed while running, 2 configuration or usage, 3 degraded, 4 not found\n"+
		"To see it work without a server:  %s demo\n", program)
}

func writeVerbHelp(w io.Writer, program string, v verb) {
	usage := program + " " + v.name
	fs := flag.NewFlagSet(v.name, flag.ContinueOnError)
	v.setup(fs)
	flags := false
	fs.VisitAll(func(*flag.Flag) { flags = true })
	if flags {
		usage += " [flags]"
	}
	if v.args != "" {
		usage += " " + v.args
	}
	fmt.Fprintf(w, "usage: %s\n\n%s\n", usage, v.long)
	if flags {
		fmt.Fprint(w, "\nflags:\n")
		fs.SetOutput(w)
		fs.PrintDefaults()
	}
}
