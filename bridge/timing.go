package bridge

import "time"

// Timing. The rule or the reason stands behind each.
const (
	choreGap        = 10 * time.Millisecond  // between paced stanzas: 100 a second (COMP-18)
	choreEvery      = 100 * time.Millisecond // they go out in small batches
	settleTime      = 3 * time.Second        // for what the server was given to arrive before we connect anew: more than arrivalPatience
	expireEvery     = time.Minute            // a look at the age of what is kept
	expiryGrace     = time.Hour              // for what a former run left, before the first such look (GW-24)
	absentGrace     = 3 * time.Second        // after the mesh came up, for peers to be found (COMP-20: within 5 s)
	unknownGrace    = time.Minute            // for a colleague's server to answer our probe (COMP-18)
	logoutDelay     = 10 * time.Second       // mobile clients come back (GW-7)
	outageGrace     = 30 * time.Second       // until proxies say that the server is away (COMP-12)
	ghostGrace      = 15 * time.Second       // after authentication, for people of a former run to come back
	talkTime        = 10 * time.Minute       // a colleague without presence stays on the mesh after a message
	retryFirst      = time.Second            // for what the mesh gave back; dials have a pace of their own there (LL-STR-31)
	retryLast       = time.Minute
	lateAfter       = time.Second      // older messages carry a delay stamp (COMP-14)
	relayMemory     = 10 * time.Minute // an error may still answer a message that crossed (MAP-M9)
	noticePause     = 10 * time.Minute // one notice per peer, colleague and reason (MAP-E5)
	answerPause     = 5 * time.Second  // one answer per colleague and peer (GW-23)
	nameMemory      = 24 * time.Hour   // a colleague knows a peer's name (GW-18)
	answerTime      = 4 * time.Second  // for a client to answer, from 1 s after the question was there on (MAP-X13)
	askLimit        = 14 * time.Second // for one question; two may be needed for an answer within 30 s (GW-14)
	arrivalWait     = time.Minute      // for the recipient of a message to answer a ping (COMP-16)
	arrivalPatience = 2 * time.Second  // the same, before what is held back for it goes out
	arrivalGrace    = time.Second / 2  // of that, from when the question was asked again and the server was alive
	strikeMemory    = 24 * time.Hour   // a stanza on which a session ended is known as such
	dropLogPause    = time.Minute      // one log line per rule
	farewellTime    = 5 * time.Second  // for everybody to be told that we leave
	partTimeout     = 12 * time.Second // for upstream or mesh to end: they have bounds of their own, this is beyond
)

// Sizes.
const (
	eventQueue    = 256   // events that wait for the gateway
	upWindow      = 256   // messages written upstream and not yet routed
	arrivalWindow = 32    // messages to one colleague with the server and not known to have arrived: what may come twice after a crash
	saidWindow    = 512   // and all else: half of what a session holds
	meshWindow    = 32    // messages of one colleague for one peer handed to the mesh and not yet confirmed: the same
	choreCredit   = 50    // paced stanzas at once after a quiet time
	maxAnswers    = 1024  // answers that wait for room upstream
	maxErrands    = 8192  // chores for one address: two for each of its subscriptions
	maxRefusals   = 1024  // chores beyond which strangers get no answer
	maxRelayed    = 8192  // remembered ids
	maxNoticed    = 4096  // remembered notices
	maxRefused    = 4096  // remembered refusals of presence
	maxStruck     = 256   // remembered stanzas on which a session ended
	maxAnswered   = 4096  // remembered answers to probes
	maxColleagues = 2048  // colleagues beyond those listed
	maxPeers      = 8192  // peers remembered of those who are not here
	maxPairs      = 65536 // subscriptions in all
	maxPairsEach  = 4096  // subscriptions of one colleague
	maxBlocks     = 4096  // pairs that peers have blocked, and as many that colleagues have
	maxBlocksEach = 256   // of which one person
	maxInquiries  = 512   // questions to peers that wait for their answers
	maxCurious    = 32    // who wait for the same one
	maxAbilities  = 256   // clients' capabilities remembered
	maxAskID      = 1024  // octets of the id of a question that is kept while a peer is asked
	stampRoom     = 96    // octets that a delay stamp adds to a stanza, beside our domain
)

// Pictures and cards.
const (
	cardGap       = 250 * time.Millisecond // between two questions for a colleague's card: what comes of each is up to 16 KiB of multicast
	cardPatience  = 15 * time.Second       // for a colleague's server to answer one
	maxCardAsks   = 8                      // colleagues' servers asked for a card at a time
	missPause     = time.Minute            // a picture that a peer did not give is not asked for again (LL-AV-5)
	maxMissed     = 1024                   // remembered pictures that were not to be had
	maxFetches    = 16                     // pictures of peers asked for at a time; each may be 9000 octets
	maxAvatars    = 512                    // pictures remembered
	avatarRoom    = 2 << 20                // and their octets, in memory and on disk: 250 of the largest, where a router has 16 MiB for all (LL-AV-10)
	avatarDays    = 30                     // days after which a picture that nobody used is forgotten (LL-AV-10)
	avatarRenewal = 7                      // days after which its use is noted again: flash wears out
)
