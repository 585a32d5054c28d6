package main

import (
	"net"
	"slices"
	"strings"

	"meshbridge/bridge/config"
)

// interfaces are those of this host, up or not.
type interfaces []net.Interface

func localInterfaces() interfaces {
	here, err := net.Interfaces()
	if err != nil {
		return nil // a sandbox may hide them
	}
	return here
}

func (all interfaces) names() []string {
	var names []string
	for _, i := range all {
		names = append(names, i.Name)
	}
	return names
}

func (all interfaces) has(name string) bool { return slices.Contains(all.names(), name) }

// hereAre lists them for a message.
func hereAre(all interfaces) string {
	if len(all) == 0 {
		return "this host shows none"
	}
	return "this host has " + strings.Join(all.names(), ", ")
}

// absent says that an interface is not here, and which was meant.
func absent(name string, here interfaces) string {
	what := "finds no interface " + name
	if near := config.Nearest(name, here.names()); near != "" {
		return what + "; did you mean " + near + "?"
	}
	return what + "; " + hereAre(here)
}
