package main

import (
	"flag"
	"fmt"
	"net"
	"slices"
	"strings"

	"meshbridge/bridge/config"
)

func checkVerb() verb {
	return verb{
		name: "check", args: "[FILE]", short: "say what is wrong with a configuration, or what it will do",
		long: "Reads the configuration and the files it names. Prints every problem on a line\n" +
			"of its own (FILE:LINE:COLUMN: KEY: what is wrong; what to do) and exits with 2,\n" +
			"or says in three lines what would happen. Changes nothing.",
		setup: func(fs *flag.FlagSet) func(*call) int {
			file := fs.String("c", "", "configuration `FILE` (default "+defaultConfig+")")
			return func(c *call) int {
				switch {
				case len(c.args) > 1 || len(c.args) == 1 && *file != "":
					return c.misuse("takes one file")
				case len(c.args) == 1:
					*file = c.args[0]
				case *file == "":
					*file = defaultConfig
				}
				return check(c, *file)
			}
		},
	}
}

func check(c *call, file string) int {
	cfg, err := config.Load(file)
	if err != nil {
		fmt.Fprintln(c.err, err)
		return exitUsage
	}
	fmt.Fprintf(c.out, "%s: ok\n", file)
	for _, line := range cfg.Explain() {
		fmt.Fprintf(c.out, "  %s\n", line)
	}
	for _, warning := range cfg.Warnings() {
		fmt.Fprintf(c.out, "warning: %s\n", warning)
	}
	for _, note := range absentInterfaces(cfg.LinkLocal.Interfaces) {
		fmt.Fprintf(c.out, "note: %s\n", note)
	}
	return exitOK
}

// absentInterfaces notes what does not exist on this host right now. The file
// may be for another host, so it is no error.
func absentInterfaces(wanted []string) (notes []string) {
	here, err := net.Interfaces()
	if err != nil {
		return nil
	}
	var names []string
	for _, i := range here {
		names = append(names, i.Name)
	}
	for _, name := range wanted {
		if !slices.Contains(names, name) {
			notes = append(notes, fmt.Sprintf("this host has no interface %s now (it has %s); bring it up, or correct linklocal.interfaces",
				name, strings.Join(names, ", ")))
		}
	}
	return notes
}
