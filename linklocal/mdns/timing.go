package mdns

import (
	"math/rand/v2"
	"time"
)

// Times to live of own records, in seconds (RFC 6762 section 10).
const (
	ttlHost   uint32 = 120   // records with a host's name or address in them: A, AAAA, SRV, NSEC
	ttlOther  uint32 = 4500  // everything else: PTR, TXT
	ttlLegacy uint32 = 10    // answers to one-shot resolvers (RFC 6762 section 6.7)
	ttlMax    uint32 = 86400 // received TTLs are cut to a day: a longer promise helps no peer
)

// What RFC 6762 prescribes.
const (
	probeJitterMax   = 250 * time.Millisecond // section 8.1: hosts switched on together do not probe together
	probeGap         = 250 * time.Millisecond // section 8.1
	probeCount       = 3                      // section 8.1
	tieWait          = time.Second            // section 8.2: the loser of a simultaneous probe waits
	conflictWindow   = 10 * time.Second       // section 8.1: conflicts counted over this span
	conflictLimit    = 15                     // section 8.1: that many in the window slow us down
	conflictWait     = 5 * time.Second        // section 8.1: between attempts once slowed down
	conflictGiveUp   = time.Minute            // section 9: then tell somebody
	announceCount    = 2                      // section 8.3
	announceGap      = time.Second            // section 8.3: at least
	sharedDelayMin   = 20 * time.Millisecond  // section 6: others may answer too
	sharedDelayMax   = 120 * time.Millisecond // section 6
	truncDelayMin    = 400 * time.Millisecond // section 7.2: more known answers are to come
	truncDelayMax    = 500 * time.Millisecond // section 7.2
	multicastGap     = time.Second            // section 6: one record, one interface
	defenceGap       = 250 * time.Millisecond // section 6: the same against probes
	browseDelayMin   = 20 * time.Millisecond  // section 5.2: first question
	browseDelayMax   = 120 * time.Millisecond // section 5.2
	questionGapFirst = time.Second            // section 5.2: then doubling
	questionGapMax   = time.Hour              // section 5.2
	goodbyeHold      = time.Second            // section 10.1: a withdrawn record may be rescued
	flushHold        = time.Second            // section 10.2: records older than this are flushed, after as long
	reconfirmTime    = 10 * time.Second       // section 10.4: to show that a doubted record still holds
	overhearTime     = 10 * time.Second       // section 10.5: two questions of others that nobody answers in it are a hint
)

// What the RFC leaves open.
const (
	yieldWait       = time.Second             // before we probe for a contested name of ours: the other host may first, and find nobody in its way
	txtGap          = 2 * time.Second         // between two TXT updates: Avahi misses changes under 1.1 s apart
	txtWindow       = time.Minute             // RFC 6762 section 8.4 allows ten updates a minute
	txtPerWindow    = 10                      // see txtWindow
	txtQuestions    = 3                       // for the TXT of a peer that announced none
	packetGap       = 10 * time.Millisecond   // between multicasts of one link: Avahi loses bursts
	secondFamily    = 150 * time.Millisecond  // Resolve waits so long for the other address family
	unicastWindow   = 2 * time.Second         // a unicast answer to a QU question comes in this time
	reconcileEvery  = 1500 * time.Millisecond // look at the interfaces again; a new address shows within 2 s
	reconcileSeldom = 30 * time.Second        // the same where the kernel tells of changes, in case it could not
	newsGap         = 250 * time.Millisecond  // between two looks because of what it tells: one change is many messages
	leaveHold       = 10 * time.Second        // records of an interface that went live so long
	ownHold         = 3 * time.Second         // reflections of a withdrawn own record come in this time
	truncWaitMax    = 3 * time.Second         // an answer waits no longer for all known ones: 128 packets take us 1.3 s
	askedHold       = time.Second             // a question of somebody else stands for ours so long
	pastHold        = 10 * time.Second        // reflections of a changed own record come in this time
	calmAfter       = 30 * time.Second        // without a conflict, an old quarrel is over
	shutdownMax     = 2 * time.Second         // goodbyes at exit take no longer
	echoHold        = time.Second             // own packets come back through the loopback in this time
	receiveBackoff  = 100 * time.Millisecond  // after a socket error, so that a broken socket does not spin
	doubtTime       = 7 * time.Second         // the same, where we have a reason of our own: who failed a message is gone within ten seconds of it
	doubtGap        = 3 * time.Second         // between the beginnings of two doubts about one instance
	answerTime      = time.Second             // for an instance that was asked alone to answer
	seekFirst       = 10 * time.Second        // to the first question after somebody who has vanished; doubled each time
	seekLast        = 10 * time.Minute        // the longest of these gaps
	overhearGap     = 500 * time.Millisecond  // between two questions of others that count as two
	overhearGrace   = time.Second             // for the answer to the second of them
	retransmitFirst = time.Second             // RFC 6762 section 5.2: the first two questions are >= 1 s apart
)

// draw is where chance comes from: a duration in [0, below). Tests of octets and times fix it.
var draw = rand.N[time.Duration]

// between draws a random duration in [lo, hi).
func between(lo, hi time.Duration) time.Duration { return lo + draw(hi-lo) }
