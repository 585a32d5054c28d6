package outbox

import (
	"time"

	"meshbridge/internal/stanza"
)

// ID names an entry. IDs ascend in the order of acceptance, from 1.
type ID uint64

// Entry is one accepted stanza and what is needed to deliver or to answer it.
type Entry struct {
	// ID is given by Accept.
	ID ID
	// Recipient is whose queue this is. The box compares it and nothing else, so
	// one box can hold both directions under keys that cannot be confused.
	Recipient string
	// Sender is whom to tell when the stanza cannot be delivered.
	Sender string
	// Stanza is what goes out. The box does not copy it: it must not be changed
	// after Accept.
	Stanza stanza.Stanza
	// Origin is the id that the sender gave the stanza, where it goes out under
	// another.
	Origin string

	// Accepted is when the stanza was accepted: its age counts from here. Within a
	// recipient it never goes back.
	Accepted time.Time

	// Stamp is the time of day then, which the stanza bears when it goes out late
	// (XEP-0203); zero when that was not known.
	Stamp time.Time
	// Tries counts how often the entry has been written. One that was written
	// before is a repeat and goes out with the same id (COMP-16).
	Tries int
}

// Limits bounds a box. A count or size of 0 keeps nothing: every Accept is refused.
type Limits struct {
	// PerRecipient entries are kept for one recipient, in flight included.
	PerRecipient int
	// Total entries are kept for all recipients, in flight included.
	Total int
	// Bytes is the memory that entries may hold, by estimate.
	Bytes int
	// MaxAge is how long an entry may wait; 0 means as long as it takes.
	MaxAge time.Duration
}

// Usage is what a box holds now.
type Usage struct {
	// Entries counts waiting and in flight.
	Entries int
	// Bytes is the estimate that Limits.Bytes bounds.
	Bytes int
}

// Box keeps accepted stanzas. See the package comment for the states of an entry.
// Calls that name an unknown ID, or one in another state, change nothing and
// report false.
type Box interface {
	// Accept takes e in as the youngest of its recipient and returns its ID. The
	// error is a *Full; the caller then answers the sender itself.
	Accept(e Entry) (ID, error)

	// Restore takes in an entry that a former run has accepted, under the ID that it
	// had then, which must be above that of all entries before. No bound keeps it out.
	Restore(e Entry)
	// Reserve leaves out an ID that somebody else uses: what is accepted from now on
	// has one above it.
	Reserve(id ID)

	// Get returns an entry in either state.
	Get(id ID) (Entry, bool)
	// Ready returns at most limit waiting entries of a recipient, oldest first.
	// They go on waiting until Written.
	Ready(recipient string, limit int) []Entry
	// Written marks the oldest waiting entry of its recipient as in flight. For
	// any other entry it reports false: it must not go out before its elders.
	Written(id ID) bool
	// Return lets an entry in flight wait again, at its old place.
	Return(id ID) bool
	// ReturnAll returns all that is in flight to the recipients that which selects
	// (nil: all), and reports how many entries that were. It is for a connection
	// that died.
	ReturnAll(which func(recipient string) bool) int
	// Done forgets an entry in either state and returns it: it has arrived, or its
	// sender is answered.
	Done(id ID) (Entry, bool)
	// Expire forgets the waiting entries that are MaxAge old or older, and returns
	// them, oldest first.
	Expire(now time.Time) []Entry
	// Discard forgets all that waits for a recipient, and returns it, oldest first.
	// What is in flight stays.
	Discard(recipient string) []Entry
	// Waiting counts what waits for a recipient.
	Waiting(recipient string) int
	// Recipients returns those for whom something waits, the one that has waited
	// longest first.
	Recipients() []string
	// Each visits every entry, in no order. visit must not change the box.
	Each(visit func(e Entry, inFlight bool))
	// SetLimits changes the bounds for what comes. What is kept stays.
	SetLimits(Limits)
	// Usage returns what the box holds, for status and metrics.
	Usage() Usage
}

// Bound names a limit.
type Bound string

const (
	BoundRecipient Bound = "recipient" // Limits.PerRecipient
	BoundTotal     Bound = "total"     // Limits.Total
	BoundBytes     Bound = "bytes"     // Limits.Bytes
)

// Full is the error of an Accept that a bound forbids. Its text names no address.
type Full struct{ Bound Bound }

// Error says which bound was hit and what helps.
func (f *Full) Error() string {
	const remedy = ": wait until what is kept has gone out, or raise the outbox limits in the configuration"
	switch f.Bound {
	case BoundRecipient:
		return "outbox: full for this recipient" + remedy
	case BoundTotal:
		return "outbox: full, too many messages are kept for all recipients" + remedy
	default:
		return "outbox: full, the messages kept take up all the memory allowed" + remedy
	}
}
