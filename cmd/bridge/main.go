// Command bridge lets the people of a Bonjour chat network (XEP-0174) and the
// users of an XMPP server see each other and talk.
//
// It is installed under the name meshbridge, since iproute2 owns /sbin/bridge.
// One file per verb; what the verbs do is in the packages below
// meshbridge/bridge.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"meshbridge/bridge/config"
)

// Exit codes, documented in "help".
const (
	exitOK       = 0
	exitRuntime  = 1
	exitUsage    = 2 // configuration or usage; the systemd unit does not restart on it
	exitDegraded = 3 // it runs, and something is wrong
	exitNotFound = 4 // there is no answer, or nobody is there
)

func main() {
	os.Exit(run(os.Args, os.Stdout, os.Stderr))
}

// A verb is the first word after the program's name.
type verb struct {
	name  string
	args  string // as shown in the usage line
	short string // one line for the list of verbs
	long  string // for "help VERB"

	// setup declares the verb's flags and returns what it does once they are parsed.
	setup func(fs *flag.FlagSet) func(c *call) int
}

// A call is one use of a verb.
type call struct {
	program string   // the name the program was called by, for printed next steps
	verb    string   // "" until one was found
	args    []string // what follows the flags
	out     *output
	err     io.Writer
}

// output is standard output, and why it does not take more.
type output struct {
	to     io.Writer
	failed error // the first that happened
}

func (o *output) Write(b []byte) (int, error) {
	n, err := o.to.Write(b)
	if o.failed == nil {
		o.failed = err
	}
	return n, err
}

func verbs() []verb {
	return []verb{runVerb(), checkVerb(), jidVerb(), browseVerb(), resolveVerb(), statusVerb(), outboxVerb(), reloadVerb(), secretVerb(), demoVerb(), versionVerb(), helpVerb()}
}

// run carries out a command line and returns the exit code. args[0] is the
// program's name.
func run(args []string, out, errs io.Writer) int {
	c := &call{program: filepath.Base(args[0]), args: args[1:], out: &output{to: out}, err: errs}
	if len(c.args) == 0 {
		writeUsage(c.err, c.program)
		return exitUsage
	}
	name := c.args[0]
	switch name {
	case "-h", "-help", "--help":
		name = "help"
	case "-version", "--version":
		name = "version"
	}
	v, ok := findVerb(name)
	if !ok {
		return c.noVerb(name)
	}
	c.verb, c.args = name, c.args[1:]
	return c.delivered(c.perform(v))
}

// delivered is the exit code of a verb that ended with code: what was printed and
// did not arrive is no success.
func (c *call) delivered(code int) int {
	if code != exitOK || c.out.failed == nil {
		return code
	}
	fmt.Fprintf(c.err, "%s %s: printing: %v; make room, or write elsewhere, and try again\n", c.program, c.verb, c.out.failed)
	return exitRuntime
}

func findVerb(name string) (verb, bool) {
	for _, v := range verbs() {
		if v.name == name {
			return v, true
		}
	}
	return verb{}, false
}

// perform parses the flags of v and runs it.
func (c *call) perform(v verb) int {
	fs := flag.NewFlagSet(v.name, flag.ContinueOnError)
	fs.SetOutput(io.Discard) // the error is told below, in one line
	do := v.setup(fs)
	names, err := parse(fs, c.args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		writeVerbHelp(c.out, c.program, v)
		return exitOK
	case err != nil:
		return c.misuse(strings.TrimPrefix(err.Error(), "flag provided but "))
	}
	c.args = names
	return do(c)
}

// parse takes flags before and behind names, as most programs do, up to "--".
func parse(fs *flag.FlagSet, args []string) (names []string, err error) {
	for {
		if err := fs.Parse(args); err != nil {
			return nil, err
		}
		rest := fs.Args()
		taken := args[:len(args)-len(rest)]
		if len(rest) == 0 || len(taken) > 0 && taken[len(taken)-1] == "--" {
			return append(names, rest...), nil
		}
		names, args = append(names, rest[0]), rest[1:]
	}
}

// noVerb tells of a verb that there is not, and which was meant.
func (c *call) noVerb(name string) int {
	var all []string
	for _, v := range verbs() {
		all = append(all, v.name)
	}
	what := fmt.Sprintf("there is no verb %q", name)
	if near := config.Nearest(name, all); near != "" {
		what += " (did you mean " + near + "?)"
	}
	return c.misuse(what)
}

// misuse tells of a wrong command line and where to read on.
func (c *call) misuse(what string) int {
	fmt.Fprintf(c.err, "%s: %s; see %s\n", strings.TrimSpace(c.program+" "+c.verb), what,
		strings.TrimSpace(c.program+" help "+c.verb))
	return exitUsage
}

// noArgs refuses arguments for a verb that takes none.
func (c *call) noArgs() bool { return len(c.args) == 0 }

func (c *call) refuseArgs() int {
	return c.misuse(fmt.Sprintf("does not know what to do with %q", c.args[0]))
}
