//go:build linux

package e2e

import "time"

// A sighting is one copy of a message as it came to its recipient, or an error about
// one as it came to its sender: raw, as often as it came.
type sighting struct {
	at        time.Time
	id        string
	late      bool   // bears a delay stamp of the component
	condition string // of an error; "" for a message
}

// sightingOf reads a message stanza.
func sightingOf(n node) sighting {
	s := sighting{at: time.Now(), id: n.attr("id"), late: delayedBy(n, domain)}
	if n.attr("type") == "error" {
		e, _ := n.child("error")
		s.condition = e.condition()
	}
	return s
}

// A correspondent writes many messages, each with an id that is its text too, and
// keeps what comes to them.
type correspondent interface {
	// say writes one message. Without an error it has left the writer's hands whole;
	// what becomes of it they do not know.
	say(to, id string) error
	// sightings is all that came so far, in order.
	sightings() []sighting
}
