package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"meshbridge/resolver"
	"meshbridge/resolver/uri"
)

func resolveVerb() verb {
	return verb{
		name: "resolve", args: "URI...", short: "say where a URI leads, and how that was found in the DNS",
		long: resolveHelp,
		setup: func(fs *flag.FlagSet) func(*call) int {
			var r resolving
			fs.BoolVar(&r.json, "json", false, "print a JSON object per URI, on a line of its own")
			fs.BoolVar(&r.trace, "trace", false, "print every step and why, and what to publish")
			fs.BoolVar(&r.server, "s2s", false, "of xmpp: as another server would, not as a client")
			fs.Func("server", "ask the DNS server at `IP:PORT` (default: those of the system)", r.takeServer)
			fs.Func("component-port", "use the hosts only, with the component port `N`, as upstream.uri does", r.takePort)
			fs.Func("random", "take these `NUMBERS`, as 0,0,0, for choices by weight; 0 when used up", r.takeRandom)
			fs.Func("protocols", "`LABELS` to try for im: and pres: in order (default xmpp,sip)", r.takeProtocols)
			fs.Func("want", "`SERVICES` wanted of tel:, as im,xmpp,pres (tel: is not resolved yet)", listOf("im", "xmpp", "pres"))
			fs.Func("transports", "`TRANSPORTS` for sip:, as tls,tcp,udp (sip: is not resolved yet)", listOf("tls", "tcp", "udp"))
			return r.run
		},
	}
}

const resolveHelp = `Looks up in the DNS where each URI leads and prints the addresses in the order
to be tried. It connects to none of them.

  xmpp:example.org        the servers for clients of that domain; xmpp:alice@example.org
                          is the same for its domain (RFC 6120, XEP-0368)
  im:alice@example.org    who takes instant messages for her (RFC 3861)
  pres:alice@example.org  who tells her presence (RFC 3861)
  srv:_name._tcp.example.org
                          the hosts and ports of that SRV record set

With --json, each URI gives one object with the keys
  uri            as given
  targets        list of {"transport", "address", "host"} in the order to be tried:
                 transport is direct-tls, starttls, xmpp, sip or component, address is
                 IP:PORT, host is the name that led there
  jid            the address that the URI names; left out when it names none
  enum_uri       the URI that a telephone number led to; left out otherwise
  queries        list of questions in the order asked, as "example.org. A"
  authenticated  whether all answers were validated by DNSSEC: false in this version
  error          why there are no targets, and what to do; left out on success

Exit codes: 0 every URI leads somewhere, 1 the DNS could not be asked now, 2 a URI
or flag is wrong, 4 there is nothing. Of several, 2 before 1 before 4.`

// resolving is one use of the verb.
type resolving struct {
	json, trace, server bool
	port                uint16
	random              []int
	cfg                 resolver.Config
}

func (r *resolving) takeServer(s string) error {
	server, err := netip.ParseAddrPort(s)
	if err != nil {
		ip, err := netip.ParseAddr(s)
		if err != nil {
			return errors.New("want IP or IP:PORT, as 192.168.1.1:53")
		}
		server = netip.AddrPortFrom(ip, 53)
	}
	r.cfg.Servers = append(r.cfg.Servers, server)
	return nil
}

func (r *resolving) takePort(s string) error {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || n == 0 {
		return errors.New("want a port from 1 to 65535")
	}
	r.port = uint16(n)
	return nil
}

func (r *resolving) takeRandom(s string) error {
	for text := range strings.SplitSeq(s, ",") {
		n, err := strconv.ParseUint(text, 10, 31)
		if err != nil {
			return errors.New("want numbers with commas between, as 0,0,0")
		}
		r.random = append(r.random, int(n))
	}
	return nil
}

func (r *resolving) takeProtocols(s string) error {
	r.cfg.Protocols = nil
	for name := range strings.SplitSeq(s, ",") {
		p := resolver.Transport(name)
		if p != resolver.XMPP && p != resolver.SIP || slices.Contains(r.cfg.Protocols, p) {
			return errors.New("want xmpp and sip in the order to be tried, as xmpp,sip")
		}
		r.cfg.Protocols = append(r.cfg.Protocols, p)
	}
	return nil
}

// listOf accepts a list of some of the words. What it is for is not built yet; a
// command line that is right then is right today.
func listOf(words ...string) func(string) error {
	return func(s string) error {
		for one := range strings.SplitSeq(s, ",") {
			if !slices.Contains(words, one) {
				return fmt.Errorf("want some of %s", strings.Join(words, ","))
			}
		}
		return nil
	}
}

func (r *resolving) run(c *call) int {
	switch {
	case len(c.args) == 0:
		return c.misuse("wants a URI, as xmpp:example.org")
	case r.json && r.trace:
		return c.misuse("prints either --json or --trace")
	}
	code := exitOK
	for _, text := range c.args {
		res, err := r.find(text)
		r.print(c, text, res, err)
		code = graver(code, exitCodeOf(err))
	}
	return code
}

// find resolves one URI. The numbers of --random begin anew with each.
func (r *resolving) find(text string) (resolver.Result, error) {
	u, err := uri.Parse(text)
	if err != nil {
		return resolver.Result{}, badURI(text, err)
	}
	cfg, left := r.cfg, r.random
	if r.random != nil {
		cfg.Roll = func(int) int {
			if len(left) == 0 {
				return 0
			}
			n := left[0]
			left = left[1:]
			return n
		}
	}
	dns, ctx := resolver.New(cfg), context.Background()
	switch {
	case r.port != 0:
		return dns.Component(ctx, u, r.port)
	case r.server && u.Scheme == uri.XMPP:
		res, err := dns.Server(ctx, u.Domain)
		res.JID = u.JID()
		return res, err
	}
	return dns.Resolve(ctx, u)
}

// badURI says what is wrong with a text that is no URI to be resolved.
func badURI(text string, err error) error {
	scheme, _, _ := strings.Cut(text, ":")
	bad := &resolver.Error{Kind: resolver.ErrBadURI, Detail: err.Error(), Advice: "write xmpp:, im:, pres: or srv: before the address"}
	switch strings.ToLower(scheme) {
	case "sip", "sips", "tel", "via":
		bad.Detail = scheme + ": is not resolved yet in this version"
	case "tcp", "tls":
		bad.Detail, bad.Advice = "it says host and port itself", "there is nothing to look up"
	case uri.XMPP, uri.IM, uri.Pres, uri.SRV:
		bad.Advice = "write it as xmpp:alice@example.org, im:alice@example.org or srv:_name._tcp.example.org"
	}
	if errors.Is(err, uri.ErrPercent) {
		bad.Advice = "write %25 for a percent sign"
	}
	return bad
}

// exitCodeOf is the exit code for one URI.
func exitCodeOf(err error) int {
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, resolver.ErrBadURI), errors.Is(err, resolver.ErrNotFQDN):
		return exitUsage
	case errors.Is(err, resolver.ErrNoRecords), errors.Is(err, resolver.ErrUnavailable):
		return exitNotFound
	}
	return exitRuntime
}

// graver is the exit code for both of two results.
func graver(a, b int) int {
	order := []int{exitOK, exitNotFound, exitRuntime, exitUsage}
	return order[max(slices.Index(order, a), slices.Index(order, b))]
}

func (r *resolving) print(c *call, text string, res resolver.Result, err error) {
	switch {
	case r.json:
		printJSON(c, text, res, err)
	case r.trace:
		res.Explain(c.out, text, err)
	case err != nil:
		fmt.Fprintf(c.err, "%s: %q: %v\n", c.program+" "+c.verb, text, err)
	default:
		fmt.Fprintln(c.out, text)
		w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
		for _, t := range res.Targets {
			fmt.Fprintf(w, "  %s\t%s\t%s\n", t.Transport, t.Address, t.Host)
		}
		w.Flush()
	}
}

// resolvedJSON is a line of --json. Its keys are documented in the help text.
type resolvedJSON struct {
	URI           string       `json:"uri"`
	Targets       []targetJSON `json:"targets"`
	JID           string       `json:"jid,omitempty"`
	EnumURI       string       `json:"enum_uri,omitempty"`
	Queries       []string     `json:"queries"`
	Authenticated bool         `json:"authenticated"`
	Error         string       `json:"error,omitempty"`
}

type targetJSON struct {
	Transport string `json:"transport"`
	Address   string `json:"address"`
	Host      string `json:"host"`
}

func printJSON(c *call, text string, res resolver.Result, err error) {
	out := resolvedJSON{URI: text, Targets: []targetJSON{}, JID: res.JID, Queries: append([]string{}, res.Queries...)}
	for _, t := range res.Targets {
		out.Targets = append(out.Targets, targetJSON{string(t.Transport), t.Address.String(), t.Host})
	}
	if err != nil {
		out.Error = err.Error()
	}
	e := json.NewEncoder(c.out)
	e.SetEscapeHTML(false)
	_ = e.Encode(out) // nothing can be done about a closed pipe
}
