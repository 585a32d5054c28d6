package linklocal

import (
	"cmp"
	"time"

	"meshbridge/linklocal/pace"
)

// Limits bounds what people on the LAN may take of the bridge, where an admin may
// have reasons for other numbers. The fixed bounds are the constants below;
// docs/limits.md lists all of them.
type Limits struct {
	PeerRate  int // stanzas a second of one peer in the long run, 1 or more (INJ-19)
	PeerBurst int // stanzas of one peer at once, 1 or more
	TotalRate int // stanzas a second of all peers together, 1 or more

	// StreamsPerAddress bounds the connections from one address, bound or not.
	StreamsPerAddress int
	// Streams bounds the connections that are bound or our own, as far as the file
	// descriptors of the process suffice.
	Streams int
}

// DefaultLimits returns the numbers that hold where nothing else is said: a person
// who pastes a page line by line is within them, a router of 128 MB bears them.
func DefaultLimits() Limits {
	return Limits{
		PeerRate: 50, PeerBurst: 200, TotalRate: 500,
		StreamsPerAddress: 128, // a window for each of so many colleagues
		Streams:           512, // some 14 MB with nothing in them, half of the usual 1024 descriptors
	}
}

// MaxAvatar bounds the picture of a colleague on the mesh, in octets: what XEP-0153
// section 4.6 advises, and what still fits into one packet of multicast DNS (RFC 6762
// section 17).
const MaxAvatar = 8 << 10

// rates are the bounds of stanzas.
func (l Limits) rates() pace.Rates {
	return pace.Rates{Each: l.PeerRate, Burst: l.PeerBurst, All: l.TotalRate}
}

// orDefault fills in what is not said.
func (l Limits) orDefault() Limits {
	d := DefaultLimits()
	return Limits{
		PeerRate: cmp.Or(l.PeerRate, d.PeerRate), PeerBurst: cmp.Or(l.PeerBurst, d.PeerBurst),
		TotalRate:         cmp.Or(l.TotalRate, d.TotalRate),
		StreamsPerAddress: cmp.Or(l.StreamsPerAddress, d.StreamsPerAddress), Streams: cmp.Or(l.Streams, d.Streams),
	}
}

// How long a peer may take (LL-STR-25, LL-STR-31). The bounds of a stanza itself are
// those of stanza.MeshLimits.
const (
	headerTimeout  = 10 * time.Second       // from connect to a bound stream
	idleTimeout    = 10 * time.Minute       // a stream without a stanza for so long is closed
	writeTimeout   = 10 * time.Second       // a peer that takes nothing for so long loses its stream
	userTimeout    = 8 * time.Second        // unacknowledged data: the laptop was closed
	connectTimeout = 5 * time.Second        // per address: a LAN answers in milliseconds or not at all
	dialPauseFirst = time.Second            // to the next dial of a peer that was not reached; doubled each time
	dialPauseLast  = time.Minute            // the longest of these pauses
	largeTimeout   = 30 * time.Second       // for a stanza of more than 16 KiB, from there to its end
	floodPatience  = 30 * time.Second       // of sending faster than the limit without a break (INJ-19)
	turnAwayTime   = 100 * time.Millisecond // to tell a connection too many why; more would hold up the next
)

// How much there may be of something.
const (
	maxHandshakes    = 8                    // connections from one address that are not bound yet
	maxUnbound       = 64                   // and from all addresses; the oldest gives way to a new one, so that holding all of them keeps nobody out
	writeQueue       = 64                   // stanzas that wait for one stream's writer
	maxReadAhead     = 4 << 20              // octets taken in of a peer that is over its rate: more than 5,000 lines pasted at once
	maxReadAheadAll  = 8 << 20              // and of all peers together
	maxLargeAll      = 8 << 20              // octets of stanzas beyond their first 16 KiB that are being read from all peers
	maxTwins         = 256                  // instances remembered of another bridge for our domain
	maxRestless      = 1000                 // peers remembered that have left, for those who come and go
	maxCandidates    = 64                   // instances looked up for a stream without a name
	maxRequestQueue  = 64                   // mDNS and stream events that wait for the mesh
	maxDrain         = 1 << 20              // octets that a peer may still send into a stream that is over
	minStreams       = 16                   // connections even where descriptors are few: fewer is no service
	reserved         = 128                  // descriptors that are not for the mesh: the server, the store, mDNS, name service, the log
	acceptPauseFirst = 5 * time.Millisecond // after a failed accept(2), doubled each time: out of descriptors, most likely
	acceptPauseLast  = time.Second
	avatarTimeout    = 8 * time.Second // for the data of an avatar to come: four questions
	logPause         = time.Minute     // between log lines about that, and between those about streams of impostors
)
