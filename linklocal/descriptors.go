package linklocal

import (
	"errors"
	"syscall"
	"time"
)

// fitDescriptors lowers the number of connections to what the file descriptors of
// the process suffice for. Each takes one, and so do the server, the store and
// multicast DNS, which must never find none left.
func (m *Mesh) fitDescriptors() {
	have, err := m.cfg.descriptors()
	if err != nil {
		m.cfg.Log.Debug("the limit of open files is not known", "error", err)
		return
	}
	streams := max(minStreams, have-reserved-maxUnbound)
	if streams >= m.cfg.Limits.Streams {
		return
	}
	m.cfg.Log.Warn("few files may be open at once, so fewer people can be connected; raise LimitNOFILE= of the service, or ulimit -n",
		"open_files", have, "streams", streams)
	m.cfg.Limits.Streams = streams
}

// acceptTrouble is what a listener remembers of accepts that failed. Nearly always
// there were no descriptors left: trying again at once would fail again, and burn
// the processor that could free some.
type acceptTrouble struct {
	next   time.Duration // the pause after the next failure
	logged seldom
}

// pause takes in a failure and says how long to wait.
func (t *acceptTrouble) pause(m *Mesh, err error) time.Duration {
	m.cfg.Count("LL-STR-25")
	if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
		m.doors.makeRoom()
	}
	if t.logged.now() {
		m.cfg.Log.Warn("cannot accept connections of the LAN just now, trying again; if it says that too many files are open, raise LimitNOFILE= of the service",
			"error", err)
	}
	d := max(t.next, acceptPauseFirst)
	t.next = min(2*d, acceptPauseLast)
	return d
}

// over takes in that an accept succeeded.
func (t *acceptTrouble) over() { t.next = 0 }
