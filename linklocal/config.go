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
	// Limits bounds what people on the LAN may take. Its zero fields mean the numbers
	// of [DefaultLimits].
	Limits Limits

	Network   mdns.Network // nil: real sockets
	Transport Transport    // nil: real TCP
	Log       *slog.Logger // nil: slog.Default
	// Count counts what was refused or dropped under the rule that says so. It is
	// called from many goroutines and must not block. May be nil.
	Count func(rule string)
	// Handle receives the events, one at a time. The mesh waits while it runs.
	Handle func(Event)

	hardware    func(netip.Addr) string // neighbour table; nil: the kernel's
	stir        func(netip.Addr)        // makes the kernel fill it in; nil: by a packet
	descriptors func() (int, error)     // how many files may be open; nil: asks the kernel
}

// Timing. RFC and XEP numbers first, then our own. What bounds a stranger stands in
// limits.go.
const (
	settling       = 15 * time.Second       // after the start, in which people are still being found
	bindPatience   = 5 * time.Second        // for somebody to be found in that time
	closeTimeout   = 5 * time.Second        // for the other side's closing tag; old clients wait for ours
	featureWait    = 3 * time.Second        // for stream features that never come (version 1.0 on both sides)
	courtesy       = 50 * time.Millisecond  // between our connecting and our header, for a connection of the peer's to cross
	settleTime     = time.Second            // from announcing an instance until peers can have resolved it
	confirmTime    = time.Second            // a stream must outlive a message by this
	confirmLook    = time.Second / 4        // between two looks at what is acknowledged
	resolveTimeout = 3 * time.Second        // SRV and addresses of a peer
	probeTime      = 3 * time.Second / 2    // for a host to show an address that it has just got: a second of probes (RFC 6762 section 8.1) and some
	recheckEvery   = 30 * time.Second       // records of streams that are open (INJ-23)
	stirTime       = 500 * time.Millisecond // for the kernel to find hardware out
	keepAlive      = 5 * time.Minute        // white space on a quiet stream (LL-STR-26)
	reconcileEvery = 2 * time.Second        // listeners against interfaces, keep-alives, idle streams
	mdnsRemoval    = time.Second            // between a goodbye and its Removed event
	lingerTime     = 500 * time.Millisecond // for a refused peer to read why
	shutdownGrace  = 2 * time.Second        // for streams to close at the end
	prodTime       = 10 * time.Second       // for a stream to a machine that is gone to end: userTimeout and some
	doubtAfter     = time.Second            // without an acknowledgement or a connection a peer is doubted: seven seconds and the departure delay later it has left, before ten are over (LL-9-6)
	closeSilence   = 40 * time.Second       // of a peer whom somebody watches, until it is asked for a sign of life: then it has left within a minute
	seldomSilence  = 110 * time.Second      // of the others: within 130 s, as long as records of hosts live (RFC 6762 section 10) and some
	calmTime       = 10 * time.Minute       // after it a peer that came and went is like any other
	toldAsIs       = 4                      // departures, none of them long after the one before, that are told after the usual delay
	longestDelay   = 30 * time.Second       // for a peer that comes and goes to count as here after it has left
	silence        = time.Minute            // after it a holder of an instance that said nothing is gone (INJ-26)
)

// The port.
const (
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
