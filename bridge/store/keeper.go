package store

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	// groupDelay is how long changes gather before they are committed together: 20
	// commits a second at most, and what a crash can lose.
	groupDelay = 50 * time.Millisecond
	// retryDelay passes between commits that fail; a full disk seldom empties faster.
	retryDelay = 5 * time.Second
	// maxPending changes wait for the disk at most, those in work included. An office changes some dozens at
	// once; 10,000 peers that all vanish while the disk is stuck fit.
	maxPending = 16384
)

// change names what is changed; the value beside it is the new one, "" for none.
type change struct{ bucket, key string }

type batch map[change]string

// keeper is the goroutine that writes. Nobody else calls commit.
type keeper struct {
	commit func(batch) error
	log    *slog.Logger

	wake    chan struct{}   // has room for one: something is pending
	flushes chan chan error // each answered after a commit
	stop    chan struct{}
	stopped chan struct{}

	mu      sync.Mutex
	pending batch // guarded by mu
	working batch // guarded by mu: what commit has in hand; never written to
	failed  error // guarded by mu: of the last commit
	closed  bool  // guarded by mu
}

func startKeeper(commit func(batch) error, log *slog.Logger) *keeper {
	k := &keeper{
		commit: commit, log: log, pending: make(batch),
		wake: make(chan struct{}, 1), flushes: make(chan chan error),
		stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	go k.run()
	return k
}

// put records a change. It never waits for the disk.
func (k *keeper) put(c change, value string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return ErrClosed
	}
	if !k.waits(c) && len(k.pending)+len(k.working) >= maxPending {
		return ErrBehind
	}
	k.pending[c] = value
	select {
	case k.wake <- struct{}{}:
	default: // the keeper knows already
	}
	return nil
}

// waits reports whether a value of c is not on the disk yet. The caller holds mu.
func (k *keeper) waits(c change) bool {
	_, pending := k.pending[c]
	_, working := k.working[c]
	return pending || working
}

func (k *keeper) flush(ctx context.Context) error {
	done := make(chan error, 1)
	select {
	case k.flushes <- done:
	case <-k.stopped:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (k *keeper) trouble() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.failed
}

// close stops the keeper after a last commit. It reports whether this was the
// first call.
func (k *keeper) close() (err error, first bool) {
	k.mu.Lock()
	first, k.closed = !k.closed, true
	k.mu.Unlock()
	if first {
		close(k.stop)
	}
	<-k.stopped
	return k.trouble(), first
}

func (k *keeper) run() {
	defer close(k.stopped)
	var due <-chan time.Time // nil: nothing to commit
	for {
		select {
		case <-k.wake:
			if due == nil {
				due = time.After(groupDelay)
			}
		case <-due:
			due = retry(k.save())
		case done := <-k.flushes:
			err := k.save()
			due = retry(err)
			done <- err
		case <-k.stop:
			_ = k.save() // close tells
			return
		}
	}
}

// retry returns when to try again after a commit that ended in err.
func retry(err error) <-chan time.Time {
	if err == nil {
		return nil
	}
	return time.After(retryDelay)
}

// save commits what is pending. What could not be committed is pending again,
// unless it has been changed meanwhile.
func (k *keeper) save() error {
	b := k.take()
	if len(b) == 0 {
		return nil
	}
	err := k.commit(b)
	k.report(k.settle(b, err), err)
	return err
}

func (k *keeper) take() batch {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.working, k.pending = k.pending, make(batch)
	return k.working
}

// settle notes how the commit of b ended, and returns how the one before did.
func (k *keeper) settle(b batch, err error) (before error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	before, k.failed, k.working = k.failed, err, nil
	if err == nil {
		return before
	}
	for c, value := range b {
		if _, newer := k.pending[c]; !newer {
			k.pending[c] = value
		}
	}
	return before
}

// report logs a failure when it starts or changes, and its end.
func (k *keeper) report(before, now error) {
	switch {
	case now == nil && before != nil:
		k.log.Info("state is saved again")
	case now != nil && (before == nil || before.Error() != now.Error()):
		k.log.Error("state is not saved", "err", now)
	}
}
