package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
)

// untilSignal returns a context that SIGTERM and SIGINT cancel. The second of
// them ends the process at once. Call stop when the work is done.
func untilSignal(log *slog.Logger, stopping func()) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	sigs := make(chan os.Signal, 4)
	signal.Notify(sigs, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		defer close(done)
		watch(sigs, log, func() { stopping(); cancel() }, os.Exit)
	}()
	return ctx, func() {
		signal.Stop(sigs)
		close(sigs)
		<-done
		cancel()
	}
}

// untilInterrupt returns a context for what runs in a terminal: SIGINT, SIGTERM and a
// terminal that closes cancel it, and a second signal ends the process at once. Call
// stop when the work is done.
func untilInterrupt() (ctx context.Context, stop func()) {
	ctx, restore := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, restore)
	return ctx, restore
}

// watch acts on signals until the channel closes: the first that ends the
// program calls stop, the second calls exit.
func watch(sigs <-chan os.Signal, log *slog.Logger, stop func(), exit func(code int)) {
	asked := false
	for sig := range sigs {
		switch {
		case sig == syscall.SIGHUP:
			log.Warn("reload comes with a restart in this version; restart the service", "signal", sig)
		case asked:
			log.Error("stopped at once by the second signal", "signal", sig)
			exit(exitRuntime)
			return
		default:
			asked = true
			log.Info("stopping; a second signal ends at once", "signal", sig)
			stop()
		}
	}
}
