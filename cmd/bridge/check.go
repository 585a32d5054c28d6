package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"strconv"
	"syscall"

	"meshbridge/bridge/config"
)

func checkVerb() verb {
	return verb{
		name: "check", args: "[FILE]", short: "say what is wrong with a configuration, or what it will do",
		long: "Reads the configuration and the files it names. Prints every problem on a line\n" +
			"of its own (FILE:LINE:COLUMN: KEY: what is wrong; what to do) and exits with 2,\n" +
			"or says in one line what was found and exits with 0. What is allowed and probably\n" +
			"not meant, such as an interface that does not exist here, is a warning and changes\n" +
			"no exit code. Changes nothing.",
		setup: func(fs *flag.FlagSet) func(*call) int {
			file := fs.String("c", "", "configuration `FILE` (default "+defaultConfig+")")
			changed := fs.Bool("n", false, "print what is not at its default, as YAML")
			verbose := fs.Bool("v", false, "say in three more lines what the bridge would do")
			return func(c *call) int {
				switch {
				case len(c.args) > 1 || len(c.args) == 1 && *file != "":
					return c.misuse("takes one file")
				case len(c.args) == 1:
					*file = c.args[0]
				case *file == "":
					*file = defaultConfig
				}
				return check(c, *file, *changed, *verbose)
			}
		},
	}
}

func check(c *call, file string, changed, verbose bool) int {
	found := config.Examine(file, config.Host{
		Program: c.program, Interfaces: localInterfaces().names(), PortHeld: portHeld,
	})
	if len(found.Errors) > 0 {
		fmt.Fprintln(c.err, found.Errors)
		return exitUsage
	}
	for _, w := range found.Warnings {
		w.What = "warning: " + w.What
		fmt.Fprintln(c.err, w)
	}
	comment := ""
	if changed {
		comment = "# " // what follows is YAML
	}
	fmt.Fprintf(c.out, "%s%s: ok: %s\n", comment, file, found.Config.Summary())
	if verbose {
		for _, line := range found.Config.Explain() {
			fmt.Fprintf(c.out, "%s  %s\n", comment, line)
		}
	}
	if changed {
		fmt.Fprint(c.out, found.Changed)
	}
	return exitOK
}

// portHeld tries to take the port on every address.
func portHeld(port uint16) (by string, held bool) {
	l, err := net.Listen("tcp", ":"+strconv.Itoa(int(port)))
	if err == nil {
		l.Close()
		return "", false
	}
	if !errors.Is(err, syscall.EADDRINUSE) {
		return "", false // a port below 1024, most likely: not ours to judge here
	}
	return holder("tcp", port), true
}
