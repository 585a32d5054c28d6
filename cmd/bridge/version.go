package main

import (
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

func versionVerb() verb {
	return verb{
		name: "version", short: "print the version and how it was built",
		long: "Prints the version, Go's version, the revision it was built from, and the platform.",
		setup: func(*flag.FlagSet) func(*call) int {
			return func(c *call) int {
				if !c.noArgs() {
					return c.refuseArgs()
				}
				fmt.Fprintf(c.out, "meshbridge %s\ngo        %s\nrevision  %s\nplatform  %s/%s\n",
					version(), runtime.Version(), revision(), runtime.GOOS, runtime.GOARCH)
				return exitOK
			}
		},
	}
}

// version is the module's version as Go stamped it: a tag, a pseudo-version, or
// "devel" for a build outside a checkout.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "devel"
	}
	return strings.Trim(info.Main.Version, "()")
}

// revision is the commit, marked when the tree had changes.
func revision() string {
	info, _ := debug.ReadBuildInfo()
	commit, changed := "unknown", ""
	if info == nil {
		return commit
	}
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = " with changes"
		}
	}
	return commit + changed
}
