package mdns

import (
	"errors"
	"net/netip"
)

// EventKind says what happened to a browsed instance.
type EventKind int

// Kinds of events.
const (
	Added   EventKind = iota // seen on this interface, its TXT known or unanswered
	Changed                  // its TXT differs from the one last told
	Removed                  // its PTR or TXT was withdrawn or expired on this interface
)

// String names the kind in lower case, for logs.
func (k EventKind) String() string {
	names := []string{"added", "changed", "removed"}
	if k < 0 || int(k) >= len(names) {
		return "unknown"
	}
	return names[k]
}

// Event is one step in the life of a browsed instance on one interface. An instance on two
// interfaces has two independent streams of events.
type Event struct {
	Kind      EventKind
	Instance  string     // raw label octets as announced, not folded
	Interface Interface  // where
	Host      string     // SRV target without ".local", "" while unknown
	TXT       []string   // strings as on the wire, empty ones left out
	Source    netip.Addr // who announced it last, with zone if link-local
	Why       string     // of Removed: in words why it was taken for gone; "" after a goodbye or expiry
	Doubt     Doubt      // of what Instances lists: whether it may have vanished; zero: no
}

// Endpoint is where a service instance can be reached, found by Resolve.
type Endpoint struct {
	Host  string       // SRV target without ".local"
	Port  uint16       // of the SRV record
	Addrs []netip.Addr // in the order received; link-local ones carry the interface name as zone
}

// Errors of Resolve and Run.
var (
	// ErrNoAnswer: nobody on the interface answered in time, or the instance left meanwhile.
	ErrNoAnswer = errors.New("mdns: no answer; the peer is asleep, gone or on another link")
	// ErrNoInterface: the interface is not joined.
	ErrNoInterface = errors.New("mdns: interface is not joined; check that it is configured and up")
	errNoHost      = errors.New("mdns: this engine only listens; give it a host name")
	// ErrStopped: Run has ended.
	ErrStopped = errors.New("mdns: engine stopped; start a new one")
)
