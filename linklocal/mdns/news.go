package mdns

import (
	"slices"
	"time"
)

// Interfaces are looked at now and then in any case. Where the kernel tells of changes they
// are looked at then, so that a cable that is pulled and plugged in again between two looks
// is noticed, and an idle router is left in peace.

// watch has changes of interfaces told, if the network can; stop ends that.
func (e *Engine) watch() (stop func()) {
	w, ok := e.network.(Watcher)
	if !ok {
		return func() {}
	}
	stop, err := w.Watch(func() {
		select {
		case e.news <- struct{}{}:
		default: // told already
		}
	})
	if err != nil {
		e.log.Debug("changes of interfaces are not told, looking often instead", "err", err)
		return func() {}
	}
	e.watched = true
	return stop
}

// reconcileSoon follows news about interfaces: at once, or as long after the last look as
// makes one of many messages.
func (e *Engine) reconcileSoon() { e.lookBy(e.looked.Add(newsGap)) }

// lookBy sees to it that the next look is not later than that.
func (e *Engine) lookBy(at time.Time) {
	if !e.closing && e.look != nil && at.Before(e.look.at) {
		e.lookAgain(at)
	}
}

// lookAgain sets the time of the next look at the interfaces.
func (e *Engine) lookAgain(at time.Time) {
	e.agenda.stop(e.look)
	e.look = e.agenda.at(at, e.reconcile)
}

// patience is how long the interfaces may go without a look. What failed is tried again with
// the looks, and what waits for a former name ends with them.
func (e *Engine) patience() time.Duration {
	if e.watched && len(e.former) == 0 && !slices.ContainsFunc(e.ifaces, (*iface).unsound) {
		return reconcileSeldom
	}
	return reconcileEvery
}
