package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/netip"

	"meshbridge/bridge/config"
	"meshbridge/bridge/view"
	"meshbridge/bridge/widearea"
	"meshbridge/resolver"
)

// wideArea is where to look instead of on the LAN.
type wideArea struct {
	domain  string
	servers []netip.AddrPort
}

func (w *wideArea) flags(fs *flag.FlagSet) {
	fs.StringVar(&w.domain, "domain", "", "look in the `DOMAIN` of the DNS, as example.org, not on the LAN")
	fs.Func("server", "with --domain, ask the DNS server at `IP:PORT`\n(default: those of the configuration, else of the system)", func(s string) error {
		server, ok := config.DNSServer(s)
		if !ok {
			return errors.New("want IP or IP:PORT, as 192.168.1.1:53")
		}
		w.servers = append(w.servers, server)
		return nil
	})
}

// browseDomain shows who is listed in a domain of the DNS.
func browseDomain(c *call, o browseOptions, cfg config.Config) int {
	if len(o.interfaces) > 0 || o.socket != "" {
		return c.misuse("looks either in a domain or on interfaces; leave out --domain, or -i and --socket")
	}
	if len(o.wide.servers) == 0 {
		o.wide.servers = cfg.Resolver.Servers
	}
	level := slog.LevelWarn
	if o.verbose {
		level = slog.LevelDebug
	}
	log := newLogger(c.err, level)
	ctx, stop := untilInterrupt()
	defer stop()
	err := view.Run(ctx, view.Options{
		Domain: cfg.Upstream.Domain, JSON: o.json, Once: o.once, Out: c.out, Notes: c.err, Log: log,
		Wide: &widearea.Browser{
			Domain: o.wide.domain, Resolver: resolver.New(resolver.Config{Servers: o.wide.servers}),
			Count: func(rule string) { log.Debug("somebody was left out", "rule", rule) },
		},
	})
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return exitOK
	case errors.Is(err, view.ErrNobody):
		fmt.Fprintf(c.err, "%s browse: nobody is listed in %s; its zone lists people as PTR records of _presence._tcp.%s, each with SRV and TXT\n",
			c.program, o.wide.domain, o.wide.domain)
		return exitNotFound
	case errors.Is(err, resolver.ErrNotFQDN):
		return c.misuse(fmt.Sprintf("looks in domains of the DNS, as example.org (%v); people of the LAN are seen without --domain", err))
	}
	fmt.Fprintf(c.err, "%s browse: asking who is in %s: %v\n", c.program, o.wide.domain, err)
	return exitRuntime
}
