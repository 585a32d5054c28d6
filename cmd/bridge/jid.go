package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"strings"
	"text/tabwriter"

	"meshbridge/bridge/address"
	"meshbridge/bridge/config"
	"meshbridge/bridge/terminal"
)

func jidVerb() verb {
	return verb{
		name: "jid", args: "NAME-or-JID...", short: "say who is called what on the other side",
		long: "An instance of the LAN (juliet@pronto) gives its address upstream, such an address\n" +
			"gives its instance, and any other JID (alice@example.com) the instance that stands\n" +
			"for it on the LAN. A name is taken for a JID if it is one whose domain has a dot or\n" +
			"is the component's own, else for an instance; --instance and --as-jid decide it.\n" +
			"Put -- before a name that begins with a hyphen. The domain and the machine come from\n" +
			"the configuration unless --domain and --machine say them; nothing else is looked at.\n" +
			"A fallback address (it ends in ~ and ten digits) cannot be read back: exit code 4.\n" +
			"--json prints for each name one line {\"input\",\"instance\",\"jid\",\"rule\"}, where rule\n" +
			"is plain or fallback, and \"error\" where there is no answer.",
		setup: func(fs *flag.FlagSet) func(*call) int {
			o := jidOptions{}
			fs.StringVar(&o.file, "c", "", "configuration `FILE` (default "+defaultConfig+")")
			fs.StringVar(&o.domain, "domain", "", "the component's `DOMAIN`")
			fs.StringVar(&o.machine, "machine", "", "the `MACHINE` name of the colleagues on the LAN")
			fs.BoolVar(&o.json, "json", false, "print a line of JSON for each name")
			fs.BoolVar(&o.asInstance, "instance", false, "take every name for an instance")
			fs.BoolVar(&o.asJID, "as-jid", false, "take every name for a JID")
			return func(c *call) int { return translate(c, o) }
		},
	}
}

type jidOptions struct {
	file, domain, machine   string
	json, asInstance, asJID bool
}

func (o jidOptions) reading() address.Reading {
	switch {
	case o.asInstance:
		return address.AsInstance
	case o.asJID:
		return address.AsJID
	}
	return address.Guess
}

func translate(c *call, o jidOptions) int {
	switch {
	case len(c.args) == 0:
		return c.misuse("takes at least one name, such as juliet@pronto or alice@example.com")
	case o.asInstance && o.asJID:
		return c.misuse("takes --instance or --as-jid, not both")
	}
	names, code := o.names(c)
	if names == nil {
		return code
	}
	table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	for _, input := range c.args {
		t, err := names.Translate(input, o.reading())
		if o.json {
			writeTranslation(c, t, err)
		} else if err == nil {
			fmt.Fprintln(table, translationRow(names, t))
		}
		if err != nil {
			fmt.Fprintf(c.err, "%s jid: %s %s\n", c.program, cmp.Or(terminal.Printable(input), `""`), jidProblem(c, err))
			code = max(code, jidCode(err))
		}
	}
	if err := table.Flush(); err != nil {
		return exitRuntime
	}
	return code
}

// names makes the Map from the flags, and from the configuration for what they
// leave out. It returns nil and the exit code when that cannot be had.
func (o jidOptions) names(c *call) (*address.Map, int) {
	if o.domain == "" || o.machine == "" {
		cfg, err := config.Read(cmp.Or(o.file, defaultConfig))
		if err != nil {
			fmt.Fprintf(c.err, "%v\n%s jid: needs the domain and the machine: name a configuration with -c, or write %s jid --domain lan.example.org --machine office NAME\n",
				err, c.program, c.program)
			return nil, exitUsage
		}
		o.domain, o.machine = cmp.Or(o.domain, cfg.Upstream.Domain), cmp.Or(o.machine, cfg.LinkLocal.Machine)
	}
	names, err := address.NewMap(o.domain, o.machine)
	if err != nil {
		return nil, c.misuse(err.Error())
	}
	return names, exitOK
}

// jidLine is the documented form of a Translation.
type jidLine struct {
	Input    string       `json:"input"`
	Instance string       `json:"instance"`
	JID      string       `json:"jid"`
	Rule     address.Rule `json:"rule"`
	Error    string       `json:"error,omitempty"`
}

func writeTranslation(c *call, t address.Translation, err error) {
	line := jidLine{t.Input, t.Instance, t.JID, t.Rule, ""}
	if err != nil {
		line.Error = err.Error()
	}
	_ = terminal.WriteJSON(c.out, line) // a reader that has gone is told of at the end
}

// translationRow is a row for people.
func translationRow(names *address.Map, t address.Translation) string {
	side, other := "on the LAN", t.Instance
	if t.Upstream {
		side, other = "upstream", t.JID
	}
	cells := []string{terminal.Printable(t.Input), side, terminal.Printable(other)}
	if who, ours := names.Colleague(t.Input); ours && t.Upstream {
		cells = append(cells, "if a peer has that name; the bridge gives it to "+terminal.Printable(who))
	} else if t.Rule == address.Fallback {
		cells = append(cells, "fallback: cannot be read back")
	}
	return strings.Join(cells, "\t")
}

func jidProblem(c *call, err error) string {
	if errors.Is(err, address.ErrOneWay) {
		return err.Error() + "; look for it with " + c.program + " browse, or translate the names you know"
	}
	return err.Error() + "; see " + c.program + " help jid"
}

func jidCode(err error) int {
	if errors.Is(err, address.ErrOneWay) || errors.Is(err, address.ErrNobody) {
		return exitNotFound
	}
	return exitUsage
}
