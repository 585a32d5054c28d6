package upstream

import "time"

// Times of the opening of a connection.
const (
	dialTimeout  = 10 * time.Second // one target, TCP and TLS: a dead one must not hold up the next
	openTimeout  = 30 * time.Second // stream header to <handshake/>: a busy server may take its time
	refusalGrace = 1 * time.Second  // after a header that will not do: a server puts its reason right behind it
)

// Times of a running session.
const (
	writeTimeout = 10 * time.Second      // one batch; a server that takes no bytes for that long is gone
	pingDelay    = 10 * time.Millisecond // for an answer to somebody's question to prove routed what was written, before a ping is to
	pingDoubt    = 5 * time.Second       // a routed ping out for that long went elsewhere, or the link is dead
	pingWait     = 15 * time.Second      // for a routed ping, or a later one, to come back

	sweepEvery  = 60 * time.Second // between sweeps, which also show that an idle link lives (RFC 6120 section 4.6)
	sweepShared = 5 * time.Second  // between sweeps while the component is shared
	sweepWait   = 3 * time.Second  // for the pings of a sweep that others have overtaken

	careTime = 60 * time.Second // of a session that writes one stanza at a time
)

// Times of the end of a session.
const (
	flushTimeout    = 5 * time.Second // to write what is queued when the program stops
	closeTimeout    = 5 * time.Second // for the server's </stream:stream> (RFC 6120 section 4.4)
	farewellTimeout = 1 * time.Second // to write our closing tag onto a stream that has failed
)

// Times between attempts. RFC 6120 section 3.3 asks for a random delay after a
// loss; a full minute of it only makes sense when every client of a server was
// sent away at once.
const (
	backoffFirst   = 1 * time.Second  // upper end of the first random wait, which begins at half of it
	backoffMax     = 60 * time.Second // upper end of the longest
	stableAfter    = 60 * time.Second // a session that lived this long puts the wait back to the first
	shutdownSpread = 10 * time.Second // default upper end of the wait after system-shutdown
	conflictWindow = 60 * time.Second // so many conflicts within this time ...
	conflictLimit  = 3                // ... mean a second program, not our own half-open past
	conflictPause  = 5 * time.Minute  // wait after those
	refusedPause   = 5 * time.Minute  // wait when the list is through and a server did not want us: only a person can mend it
)

// Bounds of what is held for one session.
const (
	queueStanzas = 1024      // accepted and not yet written, in number
	queueBytes   = 2 << 20   // and in bytes
	sweepPings   = 16        // of a sweep: a random half of the server's choices hides all of a twin's share once in 65536 times
	burstStanzas = 32        // between two routed pings at most
	batchBytes   = 64 << 10  // one write, so that writeTimeout allows for a slow line (50 kbit/s)
	windowBytes  = 512 << 10 // written and not yet known routed: what pingWait allows for at 300 kbit/s
	roundTargets = 32        // attempts without a pause, however many addresses the DNS returns
	maxStanza    = 256 << 10 // default of Config.MaxStanza
	maxText      = 256       // runes of a server's error text that are kept
)
