package config

import "time"

// Bounds of the values. Each is a guard against a slip of the finger, not a
// policy: whoever needs more has another program in mind.
const (
	maxFile   = 1 << 20  // bytes of bridge.yaml: some 10,000 colleagues
	maxSecret = 64 << 10 // bytes of a secret file: more is surely another file
	maxCA     = 1 << 20  // bytes of a CA file: the whole of Debian's bundle is a fifth of it
	maxShown  = 60       // octets of a wrong value repeated in a message

	// maxMachine leaves 30 of a DNS label's 63 octets for the colleague's
	// part of "alice\40example.com@machine", 11 of which a shortened name
	// spends on its hash (MAPJ-12).
	maxMachine = 32
	maxNick    = 250 // octets: "nick=" and the value share one TXT string of 255 (RFC 6763 section 6.1)
	maxSocket  = 103 // octets: the path of a Unix socket where that is shortest (Darwin), less its final NUL
	maxIfName  = 15  // octets: IFNAMSIZ less its final NUL

	defaultComponentPort = 5347 // COMP-15: the usual component port; none is registered

	maxServers = 3 // DNS servers: as many as resolv.conf(5) takes; a fourth would wait for three dead ones

	minDeparture = 1 * time.Second // a TXT update alone may take that long
	maxDeparture = 60 * time.Second
	minWithdraw  = 1 * time.Minute // a server restart must not empty the buddy lists
	maxWithdraw  = 24 * time.Hour
	minAge       = 1 * time.Minute
	maxAge       = 8760 * time.Hour // a year

	minStanza = 16 << 10 // bytes; RFC 6120 section 13.12 demands that 10,000 always pass
	maxStanza = 4 << 20

	maxMessages = 1_000_000
	minOutbox   = 64 << 10 // bytes
	maxOutbox   = 1 << 30

	maxRate    = 1_000_000 // stanzas a second: more than any processor passes on
	minStreams = 16        // connections: fewer is no service
	maxStreams = 16_384    // connections: some 440 MB with nothing in them
)
