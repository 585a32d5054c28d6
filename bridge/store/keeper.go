package store

import (
	"context"
	"log/slog"
	"maps"
	"math"
	"sync"
	"time"
)

const (
	// groupDelay is how long a change waits for others at most before it is committed
	// with them, and what a crash can lose.
	groupDelay = 50 * time.Millisecond
	// turnEvery is how often it is looked what is old enough: 40 commits a second at
	// most. What came since the last look is left alone, for most of it arrives soon and
	// never needs the disk.
	turnEvery = groupDelay / 2
	// retryDelay passes between commits that fail; a full disk seldom empties faster.
	retryDelay = 5 * time.Second
	// maxPending facts wait for the disk at most, those in work included. An office
	// changes some dozens at once; 10,000 peers that all vanish while the disk is stuck
	// fit. Messages are not counted: the outbox has bounds of its own.
	maxPending = 16384
)

// change names what is changed.
type change struct{ bucket, key string }

// value is what a change leaves behind: a text, a message, or nothing.
type value struct {
	text    string
	message *Message
}

// octets is the value as it stands on disk; "" is nothing. A message is put into its
// form here, which is never for most: they arrive before the commit.
func (v value) octets() string {
	if v.message != nil {
		return string(v.message.append(nil))
	}
	return v.text
}

type batch map[change]value

// keeper is the goroutine that writes. Nobody else calls commit.
type keeper struct {
	commit func(batch) error
	log    *slog.Logger

	wake    chan struct{}   // has room for one: something is pending
	rush    chan struct{}   // has room for one: what is dropped is to be committed now
	commits chan struct{}   // has room for one: done has changed
	flushes chan chan error // each answered after a commit
	stop    chan struct{}
	stopped chan struct{}

	mu      sync.Mutex
	pending batch    // guarded by mu
	aged    bool     // guarded by mu: something in pending was there at the last turn
	mail    batch    // guarded by mu: messages kept since the last turn
	old     batch    // guarded by mu: those kept before it, which the next turn commits
	turned  uint64   // guarded by mu: id of the youngest of those
	working batch    // guarded by mu: what commit has in hand; never written to
	taken   progress // guarded by mu: when working was taken
	done    progress // guarded by mu: after the last commit that succeeded
	last    uint64   // guarded by mu: id of the youngest message
	failed  error    // guarded by mu: of the last commit
	closed  bool     // guarded by mu
}

// progress is how far the disk has come.
type progress struct {
	message uint64 // every message up to this id is on it, or dropped
	commit  uint64
}

func startKeeper(commit func(batch) error, log *slog.Logger) *keeper {
	k := &keeper{
		commit: commit, log: log, pending: make(batch), mail: make(batch), old: make(batch),
		wake: make(chan struct{}, 1), rush: make(chan struct{}, 1), commits: make(chan struct{}, 1),
		flushes: make(chan chan error),
		stop:    make(chan struct{}), stopped: make(chan struct{}),
	}
	go k.run()
	return k
}

// put records a change. It never waits for the disk.
func (k *keeper) put(c change, text string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return ErrClosed
	}
	if !k.waits(c) && len(k.pending)+len(k.working) >= maxPending {
		return ErrBehind
	}
	k.pending[c] = value{text: text}
	signal(k.wake)
	return nil
}

// waits reports whether a value of c is not on the disk yet. The caller holds mu.
func (k *keeper) waits(c change) bool {
	_, pending := k.pending[c]
	_, working := k.working[c]
	return pending || working
}

// keep records a message.
func (k *keeper) keep(m *Message) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.last = max(k.last, m.ID)
	k.mail[messageChange(m.ID)] = value{message: m}
	signal(k.wake)
}

// drop forgets a message. One that no commit has taken yet has never been there.
func (k *keeper) drop(id uint64) (commit uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	c := messageChange(id)
	for _, waiting := range [...]batch{k.mail, k.old} {
		if _, waits := waiting[c]; waits {
			delete(waiting, c)
			return 0
		}
	}
	k.pending[c] = value{}
	signal(k.wake)
	return k.taken.commit + 1
}

func messageChange(id uint64) change { return change{bucketOutbox, messageKey(id)} }

func (k *keeper) saved() (id, commit uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.failed != nil {
		return k.done.message, math.MaxUint64
	}
	return k.done.message, k.done.commit
}

func (k *keeper) hurry() { signal(k.rush) }

// signal tells a goroutine that looks by itself for what there is to do.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // told already
	}
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
				due = time.After(turnEvery)
			}
		case <-due:
			due = k.turn()
		case <-k.rush:
			if k.trouble() == nil { // else it has its own pace
				if err := k.save(dropped); err != nil {
					due = retry(err)
				}
			}
		case done := <-k.flushes:
			err := k.save(everything)
			due = retry(err)
			done <- err
		case <-k.stop:
			_ = k.save(everything) // close tells
			return
		}
	}
}

// turn commits what was there at the last turn, if anything is left of it, or all
// there is when the commit before failed. It returns when the next one is due.
func (k *keeper) turn() <-chan time.Time {
	if e, due := k.due(); due {
		if err := k.save(e); err != nil {
			return retry(err)
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.old, k.mail = k.mail, k.old // the old ones are committed or dropped
	k.turned = k.last
	k.aged = len(k.pending) > 0
	if !k.aged && len(k.old) == 0 {
		k.reach(k.turned)
		return nil
	}
	return time.After(turnEvery)
}

// due reports whether a turn has something to commit, and what.
func (k *keeper) due() (extent, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.failed != nil {
		return everything, true
	}
	if len(k.old) == 0 {
		k.reach(k.turned)
	}
	return aged, k.aged || len(k.old) > 0
}

// reach notes that no message up to an id waits for a commit. The caller holds mu.
func (k *keeper) reach(id uint64) {
	if id > k.done.message {
		k.taken.message, k.done.message = id, id
		signal(k.commits)
	}
}

// retry returns when to try again after a commit that ended in err.
func retry(err error) <-chan time.Time {
	if err == nil {
		return nil
	}
	return time.After(retryDelay)
}

// extent says which messages a commit takes in, beside all that is pending.
type extent int

const (
	dropped extent = iota // none: what is dropped is pending
	aged                  // those kept before the last turn
	everything
)

// save commits. What could not be committed is to be committed again, unless it has
// been changed meanwhile.
func (k *keeper) save(e extent) error {
	b := k.take(e)
	if len(b) == 0 {
		return nil
	}
	err := k.commit(b)
	k.report(k.settle(b, err), err)
	return err
}

func (k *keeper) take(e extent) batch {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.working, k.pending = k.pending, make(batch)
	k.aged = false
	if e >= aged {
		maps.Copy(k.working, k.old)
		clear(k.old)
		k.taken.message = k.turned
	}
	if e == everything {
		maps.Copy(k.working, k.mail)
		clear(k.mail)
		k.turned, k.taken.message = k.last, k.last
	}
	k.taken.commit++
	if len(k.working) == 0 { // all of it was dropped in time
		k.arrive()
	}
	return k.working
}

// arrive notes that what was taken is on disk. The caller holds mu.
func (k *keeper) arrive() {
	k.done = k.taken
	signal(k.commits)
}

// settle notes how the commit of b ended, and returns how the one before did.
func (k *keeper) settle(b batch, err error) (before error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	before, k.failed, k.working = k.failed, err, nil
	if err == nil {
		k.arrive()
		return before
	}
	k.taken.message = k.done.message
	signal(k.commits) // nobody is to wait for the disk now
	k.aged = true
	for c, v := range b {
		switch _, newer := k.pending[c]; {
		case newer:
		case v.message != nil:
			k.old[c] = v
		default:
			k.pending[c] = v
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
