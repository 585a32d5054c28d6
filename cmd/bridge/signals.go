package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// untilSignal returns a context that SIGTERM and SIGINT cancel. The second of
// them ends the process at once. SIGHUP calls reload, one at a time; those that come
// meanwhile are one. Call stop when the work is done.
func untilSignal(log *slog.Logger, stopping func(), reload func(context.Context)) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	sigs := make(chan os.Signal, 4)
	signal.Notify(sigs, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	hangups := make(hangups, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		watch(sigs, log, func() { stopping(); cancel() }, hangups.wish, os.Exit)
	}()
	reloads := make(chan struct{})
	go func() {
		defer close(reloads)
		hangups.fulfil(ctx, reload)
	}()
	return ctx, func() {
		signal.Stop(sigs)
		close(sigs)
		<-done
		cancel()
		<-reloads
	}
}

// hangups are wishes to reload. It has room for one: more are the same.
type hangups chan struct{}

func (h hangups) wish() {
	select {
	case h <- struct{}{}:
	default:
	}
}

// fulfil reloads whenever somebody wished it, until ctx ends.
func (h hangups) fulfil(ctx context.Context, reload func(context.Context)) {
	for {
		select {
		case <-h:
			reload(ctx)
		case <-ctx.Done():
			return
		}
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

// sameWish is how soon a signal is the repetition of another: timeout(1) and service
// managers signal a process and then its group, the process included.
const sameWish = 500 * time.Millisecond

// watch acts on signals until the channel closes: the first that ends the
// program calls stop, the second calls exit; SIGHUP calls reload, which must not wait.
func watch(sigs <-chan os.Signal, log *slog.Logger, stop, reload func(), exit func(code int)) {
	var asked time.Time
	for sig := range sigs {
		switch {
		case sig == syscall.SIGHUP:
			log.Info("reloading", "signal", sig)
			reload()
		case !asked.IsZero() && time.Since(asked) < sameWish:
		case !asked.IsZero():
			log.Error("stopped at once by the second signal", "signal", sig)
			exit(exitRuntime)
			return
		default:
			asked = time.Now()
			log.Info("stopping; a second signal ends at once", "signal", sig)
			stop()
		}
	}
}
