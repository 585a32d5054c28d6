package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"syscall"

	"meshbridge/bridge/config"
	"meshbridge/bridge/control"
	"meshbridge/bridge/view"
)

func browseVerb() verb {
	return verb{
		name: "browse", short: "show who is on the LAN, as it changes",
		long: "Shows the people of the Bonjour chat network and the instances by which bridges\n" +
			"show colleagues: + for who comes, = for what changes, - for who leaves, with the\n" +
			"interfaces, the instance, host and port, the first address and how many more there\n" +
			"are, status and message. Looks on only: publishes nothing, opens no connection, and\n" +
			"needs neither root nor a running bridge. A laptop that vanished without a word stays\n" +
			"in the list, as it does in the buddy lists, until its records expire; a running\n" +
			"bridge finds that out.\n" +
			"While a bridge runs here that this user may ask, it shows what that bridge sees\n" +
			"(see status), and in brackets why somebody's words do not cross; with --local or -i\n" +
			"it looks itself. The interfaces are then those of the configuration, else all that\n" +
			"can do multicast.\n" +
			"With --domain it looks in a domain of the DNS instead (wide-area DNS-SD), where\n" +
			"bridges show nobody and look for nobody: to see what a zone says.\n" +
			"--json prints for each event one line {\"event\",\"instance\",\"interfaces\",\"host\",\n" +
			"\"port\",\"addresses\",\"txt\"}, where event is add, change or remove, and \"why\" if\n" +
			"something is in the way of who that is.",
		setup: func(fs *flag.FlagSet) func(*call) int {
			o := browseOptions{}
			fs.StringVar(&o.file, "c", "", "configuration `FILE` (default "+defaultConfig+", if it can be read)")
			fs.Var(&o.interfaces, "i", "look on `IFACE`; may be given several times")
			fs.StringVar(&o.socket, "socket", "", "control socket `PATH` of the bridge that runs, whatever the configuration says")
			fs.BoolVar(&o.local, "local", false, "look itself, even while a bridge runs")
			o.wide.flags(fs)
			fs.BoolVar(&o.once, "t", false, "end when the picture is settled, after a few seconds;\nexit code 4 when nobody is there")
			fs.BoolVar(&o.json, "json", false, "print a line of JSON for each event")
			fs.BoolVar(&o.verbose, "v", false, "log what is heard")
			return func(c *call) int {
				if !c.noArgs() {
					return c.refuseArgs()
				}
				return browse(c, o)
			}
		},
	}
}

type browseOptions struct {
	file, socket               string
	interfaces                 names
	once, json, verbose, local bool
	wide                       wideArea
}

// names is a flag that may be given several times.
type names []string

func (n *names) String() string { return strings.Join(*n, " ") }

func (n *names) Set(name string) error {
	if name == "" {
		return errors.New("no name")
	}
	*n = append(*n, name)
	return nil
}

func browse(c *call, o browseOptions) int {
	cfg, err := browseConfig(o.file)
	if err != nil {
		fmt.Fprintln(c.err, err)
		return exitUsage
	}
	switch {
	case o.wide.domain != "":
		return browseDomain(c, o, cfg)
	case len(o.wide.servers) > 0:
		return c.misuse("asks a DNS server with --domain only")
	}
	if !o.local && !o.verbose && len(o.interfaces) == 0 {
		if code, answered := browseBridge(c, o, cfg.Upstream.Domain); answered {
			return code
		}
	}
	interfaces, err := o.where(cfg)
	if err != nil {
		return c.misuse(err.Error())
	}
	level := slog.LevelError + 1 // errors are told in words
	if o.verbose {
		level = slog.LevelDebug
	}
	log := newLogger(c.err, level)
	ctx, stop := untilInterrupt()
	defer stop()
	err = view.Run(ctx, view.Options{
		Interfaces: interfaces, Domain: cfg.Upstream.Domain, JSON: o.json, Once: o.once,
		Out: c.out, Notes: c.err, Log: log,
	})
	return browsed(c, interfaces, err)
}

// browseBridge shows what the bridge that runs sees. It reports false when there is none
// to ask.
func browseBridge(c *call, o browseOptions, domain string) (code int, answered bool) {
	path, err := bridgeAt{o.file, o.socket}.path()
	if err != nil {
		return exitOK, false
	}
	ctx, stop := untilInterrupt()
	defer stop()
	seen := false
	show := view.Options{Domain: domain, JSON: o.json, Out: c.out}
	err = control.Ask(ctx, path, control.Request{Ask: control.AskBrowse, Once: o.once}, func(item json.RawMessage) error {
		var e view.Event
		if err := json.Unmarshal(item, &e); err != nil {
			return err
		}
		seen = true
		return view.Print(show, e)
	})
	switch {
	case o.socket == "" && (errors.Is(err, control.ErrNotRunning) || errors.Is(err, control.ErrNotAllowed)):
		return exitOK, false
	case err == nil && o.once && !seen:
		fmt.Fprintf(c.err, "%s browse: the bridge that runs here sees nobody; %s browse --local looks without it\n", c.program, c.program)
		return exitNotFound, true
	}
	return c.asked(path, err), true
}

// browsed tells how looking ended.
func browsed(c *call, interfaces []string, err error) int {
	where := strings.Join(interfaces, ", ")
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return exitOK
	case errors.Is(err, view.ErrNobody):
		fmt.Fprintf(c.err, "%s browse: nobody is there on %s; look at another interface with -i, or run %s demo --stay -i IFACE on another machine to have somebody\n",
			c.program, where, c.program)
		return exitNotFound
	case errors.Is(err, view.ErrNoInterface):
		fmt.Fprintf(c.err, "%s browse: none of the interfaces %s is up with an address (%s); bring one up, or name another with -i\n",
			c.program, where, hereAre(localInterfaces()))
		return exitRuntime
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		if by := holder("udp", 5353); by != "" {
			err = fmt.Errorf("%w (it is held%s)", err, by)
		}
	}
	fmt.Fprintf(c.err, "%s browse: %v\n", c.program, err)
	return exitRuntime
}

// browseConfig reads the configuration for its interfaces. The usual file need not be
// there, nor be readable for this user, nor be right: looking helps to mend it.
func browseConfig(file string) (config.Config, error) {
	cfg, err := config.Read(cmp.Or(file, defaultConfig))
	if err != nil && file == "" {
		return config.Config{}, nil
	}
	return cfg, err
}

// where chooses the interfaces.
func (o browseOptions) where(cfg config.Config) ([]string, error) {
	here := localInterfaces()
	for _, name := range o.interfaces {
		if !here.has(name) {
			return nil, fmt.Errorf("%s", absent(name, here))
		}
	}
	if len(o.interfaces) > 0 {
		return o.interfaces, nil
	}
	if len(cfg.LinkLocal.Interfaces) > 0 {
		return cfg.LinkLocal.Interfaces, nil
	}
	var all []string
	for _, i := range here {
		if i.Flags&net.FlagMulticast != 0 && i.Flags&net.FlagLoopback == 0 && i.Flags&net.FlagPointToPoint == 0 {
			all = append(all, i.Name)
		}
	}
	if len(all) == 0 {
		return nil, errors.New("finds no interface that can do multicast (" + hereAre(here) + "); name one with -i")
	}
	return all, nil
}
