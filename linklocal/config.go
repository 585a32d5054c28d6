package linklocal

import (
	"errors"
	"log/slog"
	"net/netip"
	"time"

	"meshbridge/linklocal/mdns"
)

// ServiceType is the DNS-SD service type of link-local messaging (XEP-0174 section 3).
const ServiceType = "_presence._tcp"

// Config says on which links the mesh works and how.
type Config struct {
	Interfaces []string // names; the mesh is on those that exist and are up
	Machine    string   // one LDH label: the host name, and the second half of proxy instances
	Port       uint16   // TCP port of all proxy instances, or any free one when it is taken; 0: usualPort
	// Mark is the GatewayMark of the component domain, published with each proxy. A
	// mesh without one is no bridge but a client, for whom the proxy instances of
	// bridges are people like others.
	Mark string

	// DepartureDelay is how long after its goodbye a peer still counts as here, at
	// least the second that mDNS itself waits (RFC 6762 section 10.1).
	DepartureDelay time.Duration
	LegacyPort     bool // publish port.p2pj too
	GlobalIPv6     bool // publish addresses beyond fe80::
	AllowLowPorts  bool // dial peers at ports below 1024
	// AcceptAnonymous binds a stream that names nobody to the only instance at its
	// source address.
	AcceptAnonymous bool
	LenientFrom     bool // strip a resource from a stanza's sender

	Network   mdns.Network // nil: real sockets
	Transport Transport    // nil: real TCP
	Log       *slog.Logger // nil: slog.Default
	// Count counts what was refused or dropped under the rule that says so. It is
	// called from many goroutines and must not block. May be nil.
	Count func(rule string)
	// Handle receives the events, one at a time. The mesh waits while it runs.
	Handle func(Event)

	hardware func(netip.Addr) string // neighbour table; nil: the kernel's
}

// Timing. RFC and XEP numbers first, then our own.
const (
	headerTimeout  = 10 * time.Second       // from connect to a bound stream
	settling       = 15 * time.Second       // after the start, in which people are still being found
	bindPatience   = 5 * time.Second        // for somebody to be found in that time
	closeTimeout   = 5 * time.Second        // for the other side's closing tag; old clients wait for ours
	featureWait    = 3 * time.Second        // for stream features that never come (version 1.0 on both sides)
	connectTimeout = 5 * time.Second        // per address: a LAN answers in milliseconds or not at all
	courtesy       = 50 * time.Millisecond  // between our connecting and our header, for a connection of the peer's to cross
	writeTimeout   = 10 * time.Second       // a peer that takes nothing for so long loses its stream
	userTimeout    = 8 * time.Second        // unacknowledged data: the laptop was closed
	settleTime     = time.Second            // from announcing an instance until peers can have resolved it
	confirmTime    = time.Second            // a stream must outlive a message by this
	resolveTimeout = 3 * time.Second        // SRV and addresses of a peer
	keepAlive      = 5 * time.Minute        // white space on a quiet stream
	idleTimeout    = 10 * time.Minute       // a stream without a stanza for so long is closed
	reconcileEvery = 2 * time.Second        // listeners against interfaces, keep-alives, idle streams
	mdnsRemoval    = time.Second            // between a goodbye and its Removed event
	lingerTime     = 500 * time.Millisecond // for a refused peer to read why
	shutdownGrace  = 2 * time.Second        // for streams to close at the end
	silence        = time.Minute            // after it a holder of an instance that said nothing is gone (INJ-26)
	acceptPause    = 100 * time.Millisecond // after a failed accept: no descriptors left, most likely
	turnAwayTime   = 100 * time.Millisecond // to tell a connection too many why; more would hold up the next
)

// Sizes.
const (
	writeQueue      = 64      // stanzas that wait for one stream's writer
	maxHandshakes   = 8       // unbound connections from one address
	maxPerAddress   = 128     // connections from one address: a window for each of so many colleagues
	maxStreams      = 512     // connections in all: a file descriptor each
	maxCandidates   = 64      // instances looked up for a stream without a name
	maxRequestQueue = 64      // mDNS and stream events that wait for the mesh
	maxDrain        = 1 << 20 // octets that a peer may still send into a stream that is over
	// usualPort is that of link-local messaging (XEP-0174 section 11.3 leaves it free).
	// Being there again after a restart spares clients that remember it a few seconds
	// in which they cannot connect.
	usualPort    = 5298
	portAttempts = 5 // other numbers tried when a port is taken on one of our addresses
)

// Errors of deliveries, as [Returned] tells them.
var (
	ErrAbsent   = errors.New("the peer is not on the mesh")
	ErrNoProxy  = errors.New("the colleague has no proxy instance")
	ErrStream   = errors.New("the stream ended before the message was confirmed")
	ErrMismatch = errors.New("another instance answered at the peer's address")
	ErrHeld     = errors.New("another host holds the peer's instance now")
	ErrStopped  = errors.New("the mesh is stopping")
)
