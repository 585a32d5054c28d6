package upstream

import (
	"errors"
	"net"

	"meshbridge/internal/stanza"
)

// care decides whether the next session writes one stanza at a time (COMP-19). A
// server may end the stream on a stanza that it does not bear, such as one that is
// larger than it likes, and would do so again each time it is sent again. One at a
// time shows which stanza that is.
type care struct {
	on     bool
	streak int // sessions in a row that a server ended with something of ours under way
}

// note takes in how a session ended. Servers that crash and lines that break end
// sessions too, so an end without words has to come twice.
func (c *care) note(e ending) {
	if e.stable() {
		*c = care{}
	}
	if e.pending == 0 || !unexplained(e.err) {
		return
	}
	c.streak++
	c.on = c.on || e.said() || c.streak >= 2
}

// suspects reports whether the only stanza under way may be why a session ended. An
// end without words means little unless care was taken: lines that break are common.
func (c *care) suspects(e ending) bool {
	return e.pending == 1 && e.class != Stopped && unexplained(e.err) && (c.on || e.said())
}

// said reports whether the server gave a reason, whatever it was.
func (e ending) said() bool {
	_, said := errors.AsType[*ServerError](e.err)
	return said
}

// unexplained reports whether the server ended a session and a stanza may have been
// the reason.
func unexplained(err error) bool {
	if said, ok := errors.AsType[*ServerError](err); ok {
		return said.unexplained()
	}
	if _, ours := errors.AsType[*stanza.StreamError](err); ours || errors.Is(err, errUnanswered) {
		return false
	}
	var timeout net.Error
	return !(errors.As(err, &timeout) && timeout.Timeout())
}

// unexplained reports whether a condition says nothing of the server or the network.
func (e *ServerError) unexplained() bool {
	switch e.Condition {
	case "conflict", "connection-timeout", "host-gone", "host-unknown", "not-authorized",
		"remote-connection-failed", "reset", "resource-constraint", "see-other-host", "system-shutdown":
		return false
	}
	return true
}
