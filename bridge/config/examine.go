package config

import (
	"slices"
	"strconv"
	"strings"
)

// Host is what a configuration is compared with when it is examined. What is unknown
// stays zero and is not judged.
type Host struct {
	Program    string   // what next steps call the program; "" for the name it was started by
	Interfaces []string // names of the network interfaces, up or not
	// PortHeld reports whether a TCP port is in use, and by whom, as a part of a sentence.
	PortHeld func(port uint16) (by string, held bool)
}

// Examination is everything that can be said of a configuration without running it.
type Examination struct {
	Config   Config // zero when there are Errors
	Errors   Errors // what keeps the bridge from starting
	Warnings Errors // what is suspicious and may be meant
	Changed  string // YAML of the keys that are not at their default
}

// Examine is [Load] for an admin who wants to know more than whether it works: it also
// looks for what does not fit the host here. A file is often examined on another host
// than it is for, so that all of this is but warnings.
func Examine(path string, here Host) Examination {
	r := newReport(path)
	if here.Program != "" {
		r.program = here.Program
	}
	c := r.load()
	if err := r.err(); err != nil {
		return Examination{Errors: r.problems}
	}
	c.suspect(r, here)
	return Examination{Config: c, Warnings: r.warnings.sorted(), Changed: changed(r.root)}
}

// suspect looks for what is allowed and probably not meant.
func (c *Config) suspect(r *report, here Host) {
	if what, do := c.plaintext(); what != "" {
		r.warn("upstream.insecure_plaintext", what, do)
	}
	if len(c.Colleagues) == 0 && len(c.Access.Domains) == 0 {
		r.warn("colleagues", "nobody may talk to people on the LAN yet", "list them under colleagues, each with - uri: xmpp:alice@example.org")
	}
	for i, name := range c.LinkLocal.Interfaces {
		c.suspectInterface(r, "linklocal.interfaces["+itoa(i)+"]", name, here.Interfaces)
	}
	if c.LinkLocal.Port != 0 && here.PortHeld != nil {
		if by, held := here.PortHeld(c.LinkLocal.Port); held {
			r.warn("linklocal.port", "port "+strconv.Itoa(int(c.LinkLocal.Port))+" is in use on this host"+by,
				"fine if that is this bridge; else write another port, or 0 for any free one")
		}
	}
	c.suspectState(r, mayWrite)
	c.suspectOwners(r)
}

// suspectInterface judges one entry against what exists here.
func (c *Config) suspectInterface(r *report, path, name string, here []string) {
	if len(here) == 0 || slices.Contains(here, name) {
		return
	}
	do := "bring it up or correct the name, unless the file is for another host"
	if near := Nearest(name, here); near != "" {
		do = "did you mean " + near + "? Else " + do
	}
	r.warn(path, "this host has no interface "+quote(name)+" now (it has "+strings.Join(here, ", ")+")", do)
}
