package bridge

import "time"

// Timing. The rule of CONFORMANCE or the reason stands behind each.
const (
	choreEvery   = 100 * time.Millisecond // how often paced stanzas go out
	choreCredit  = 50                     // at once after a quiet time
	choreBurst   = 10                     // of them at a time: 100 a second (COMP-18)
	expireEvery  = time.Minute            // a look at the age of what is kept
	absentGrace  = 3 * time.Second        // after the mesh came up, for peers to be found (COMP-20: within 5 s)
	unknownGrace = time.Minute            // for a colleague's server to answer our probe (COMP-18)
	logoutDelay  = 10 * time.Second       // mobile clients come back (GW-7)
	outageGrace  = 30 * time.Second       // until proxies say that the server is away (COMP-12)
	ghostGrace   = 15 * time.Second       // after authentication, for colleagues of a former run to come back
	talkTime     = 10 * time.Minute       // a colleague without presence stays on the mesh after a message
	retryFirst   = time.Second            // to a peer that was not reached (LL-STR-31)
	retryLast    = time.Minute
	lateAfter    = 5 * time.Second  // older messages carry a delay stamp (COMP-14)
	relayMemory  = 10 * time.Minute // an error may still answer a message that crossed (MAP-M9)
	noticePause  = 10 * time.Minute // one notice per peer, colleague and reason (MAP-E5)
	probePause   = 5 * time.Second  // one answer per colleague and peer (GW-23)
	dropLogPause = time.Minute      // one log line per rule
	partTimeout  = 10 * time.Second // for upstream or mesh to end
)

// Sizes.
const (
	eventQueue   = 256  // events that wait for the gateway
	upWindow     = 256  // messages written upstream and not yet routed
	meshWindow   = 32   // messages for one peer handed to the mesh and not yet confirmed
	maxRelayed   = 8192 // remembered ids
	maxNoticed   = 4096
	maxProbes    = 4096
	maxColleague = 2048 // colleagues beyond those listed
	maxPeers     = 8192 // peers remembered, present or not
)
