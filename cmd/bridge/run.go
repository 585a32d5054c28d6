package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"syscall"

	"meshbridge/bridge"
	"meshbridge/bridge/config"

	"github.com/coreos/go-systemd/v22/daemon"
)

// defaultConfig is the configuration file when -c does not name another.
const defaultConfig = "/etc/meshbridge/bridge.yaml"

func runVerb() verb {
	return verb{
		name: "run", short: "bridge the LAN and the server until told to stop",
		long: "Runs in the foreground and logs to standard error. SIGTERM or SIGINT ends it\n" +
			"in order: everybody is shown to have left, on both sides. A second one ends\n" +
			"it at once. SIGHUP lets it read the configuration anew: as a whole, or not at\n" +
			"all, and then the log says why.",
		setup: func(fs *flag.FlagSet) func(*call) int {
			file := fs.String("c", defaultConfig, "configuration `FILE`")
			verbose := fs.Bool("v", false, "log at level debug, whatever the file says")
			return func(c *call) int {
				if !c.noArgs() {
					return c.refuseArgs()
				}
				return runBridge(c, *file, *verbose)
			}
		},
	}
}

func runBridge(c *call, file string, verbose bool) int {
	syscall.Umask(0o077) // what is written from here on is nobody else's business
	cfg, err := config.Load(file)
	if err != nil {
		fmt.Fprintln(c.err, err)
		return exitUsage
	}
	level := cfg.Log.Level
	if verbose {
		level = slog.LevelDebug
	}
	current := new(slog.LevelVar)
	current.Set(level)
	log := newLogger(c.err, current)
	limitMemory(log)
	for _, warning := range cfg.Warnings() {
		log.Warn(warning)
	}
	here := localInterfaces()
	for _, name := range cfg.LinkLocal.Interfaces {
		if len(here) > 0 && !here.has(name) {
			log.Warn("no such interface now: it is joined when it comes; else correct linklocal.interfaces", "if", name, "here", here.names())
		}
	}
	return serve(c, file, cfg, log, func(level slog.Level) {
		if !verbose {
			current.Set(level)
		}
	})
}

// serve runs the service until a signal or a failure ends it.
func serve(c *call, file string, cfg config.Config, log *slog.Logger, setLevel func(slog.Level)) int {
	ready := func() { notify(log, daemon.SdNotifyReady) }
	service, err := bridge.NewService(file, cfg, func() (config.Config, error) { return config.Load(file) }, bridge.ServiceOptions{
		Options:   bridge.Options{Log: log, Version: version(), Program: c.program, Ready: ready},
		SetLevel:  setLevel,
		Reloading: func() { notify(log, daemon.SdNotifyReloading+"\nMONOTONIC_USEC="+monotonic()) },
		Reloaded:  ready,
	})
	if err != nil {
		log.Error("cannot start", "err", err)
		return exitRuntime
	}
	reload := func(ctx context.Context) { _, _ = service.Reload(ctx) } // the log says how it went
	ctx, stop := untilSignal(log, func() { notify(log, daemon.SdNotifyStopping) }, reload)
	defer stop()
	log.Info("starting", "version", version(), "upstream", cfg.Upstream.Target.String(),
		"colleagues", len(cfg.Colleagues), "pid", os.Getpid())
	if err := service.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
		log.Error("stopped", "err", err)
		return exitRuntime
	}
	log.Info("stopped")
	return exitOK
}

// notify tells systemd; elsewhere nobody listens, which is no error.
func notify(log *slog.Logger, state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		log.Warn("systemd cannot be told; check NotifyAccess in the unit", "state", state, "err", err)
	}
}
