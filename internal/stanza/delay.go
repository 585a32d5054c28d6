package stanza

import "time"

// Delay says of a stanza since when it has been on its way, and in whose hands
// (XEP-0203). The zero value says nothing.
type Delay struct {
	From string    // the JID of who held it
	At   time.Time // by the wall clock; zero when that was not known
}

// On returns a stanza with the delay stamp; s stays as it is.
func (d Delay) On(s Stanza) Stanza {
	if d.At.IsZero() {
		return s
	}
	return s.Bearing(New(NSDelay, "delay").With("from", d.From).
		With("stamp", d.At.UTC().Format("2006-01-02T15:04:05.000Z")))
}
