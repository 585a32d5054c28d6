package bridge

import "time"

// alarm runs a function on the gateway's goroutine when its time has come. One that
// is stopped does not run any more, not even when its event waits in the queue.
// Like what it changes it belongs to that goroutine. A nil alarm is off.
type alarm struct {
	timer *time.Timer
	off   bool
}

// after sets an alarm.
func (g *Gateway) after(d time.Duration, fn func()) *alarm {
	a := new(alarm)
	a.timer = time.AfterFunc(d, func() { g.post(due{a, fn}) })
	return a
}

// set reports whether the alarm is still to run.
func (a *alarm) set() bool { return a != nil && !a.off }

// stop turns the alarm off.
func (a *alarm) stop() {
	if a.set() {
		a.off = true
		a.timer.Stop()
	}
}

// due is an alarm whose time has come.
type due struct {
	alarm *alarm
	fn    func()
}

func (d due) apply(*Gateway) {
	if d.alarm.set() {
		d.alarm.off = true
		d.fn()
	}
}
