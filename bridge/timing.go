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
	chatTime        = 10 * time.Minute       // from the last message on a peer counts as somebody whom people watch
	retryFirst      = time.Second            // for what the mesh gave back; dials have a pace of their own there (LL-STR-31)
	retryLast       = time.Minute
	retryAbsent     = 4 * time.Second        // for who has left and counts as here, half a minute at most
	lateAfter       = time.Second            // older messages carry a delay stamp (COMP-14)
	relayMemory     = 10 * time.Minute       // an error may still answer a message that crossed (MAP-M9)
	noticePause     = 10 * time.Minute       // one notice per peer, colleague and reason (MAP-E5)
	answerPause     = 5 * time.Second        // one answer per colleague and peer (GW-23)
	nameMemory      = 24 * time.Hour         // a colleague knows a peer's name (GW-18)
	answerTime      = 4 * time.Second        // for a client to answer, from 1 s after the question was there on (MAP-X13)
	askLimit        = 14 * time.Second       // for one question; two may be needed for an answer within 30 s (GW-14)
	arrivalWait     = time.Minute            // for the recipient of a message to answer a ping (COMP-16)
	arrivalPatience = 2 * time.Second        // the same, before what is held back for it goes out
	arrivalGrace    = time.Second / 2        // of that, from when the question was asked again and the server was alive
	strikeMemory    = 24 * time.Hour         // a stanza on which a session ended is known as such
	dropLogPause    = time.Minute            // one log line per rule
	farewellTime    = 5 * time.Second        // for everybody to be told that we leave
	partTimeout     = 12 * time.Second       // for upstream or mesh to end: they have bounds of their own, this is beyond
	requestTime     = 30 * time.Second       // for a server to answer an iq of ours
	listDelay       = 10 * time.Second       // from news to writing into rosters: who comes may go again, and more may come (GW-25)
	listGap         = 250 * time.Millisecond // between two changes of rosters, of whomever: 4 a second
	listPause       = time.Hour              // a server that refused a roster is not asked again
	suggestGap      = 13 * time.Second       // between requests of peers to be added: at most 5 a minute (GW-25)
	orientDelay     = 15 * time.Second       // from somebody's coming online to the welcome message: who knows the way shows it by then
	lookupTime      = 20 * time.Second       // for the DNS to be asked: its own limit; an answer is due after 30 s (GW-14)
	vouchedTime     = 24 * time.Hour         // at most that an answer of the DNS is believed, whatever its TTL
	turnPause       = time.Minute            // for maxTurns answers in a conversation with the gateway
	askPause        = time.Hour              // in which a colleague is asked about askBurst peers at most (SEC-2)
)

// Sizes.
const (
	eventQueue       = 256   // events that wait for the gateway
	upWindow         = 256   // messages written upstream and not yet routed
	arrivalWindow    = 32    // messages to one colleague with the server and not known to have arrived: what may come twice after a crash
	arrivalEvery     = 16    // messages of a stream behind each of which a ping goes out: half a window, so that it never stands
	saidWindow       = 512   // and all else: half of what a session holds
	meshWindow       = 32    // messages of one colleague for one peer handed to the mesh and not yet confirmed: the same
	choreCredit      = 50    // paced stanzas at once after a quiet time
	maxAnswers       = 1024  // answers that wait for room upstream
	maxErrands       = 8192  // chores for one address: two for each of its subscriptions
	maxRefusals      = 1024  // chores beyond which strangers get no answer
	maxRelayed       = 8192  // remembered ids
	maxNoticed       = 4096  // remembered notices
	askBurst         = 5     // questions to a colleague within askPause
	maxHolds         = 1024  // peers and colleagues for whom a question is open
	maxIdentities    = 4096  // machines of peers that are remembered: with 16 places each some 4 MB at the worst
	maxRefused       = 4096  // remembered refusals of presence
	maxStruck        = 256   // remembered stanzas on which a session ended
	maxAnswered      = 4096  // remembered answers to probes
	maxColleagues    = 2048  // colleagues beyond those listed
	maxPeers         = 8192  // peers remembered of those who are not here
	maxPairs         = 65536 // subscriptions in all
	maxPairsEach     = 4096  // subscriptions of one colleague
	maxBlocks        = 4096  // pairs that peers have blocked, and as many that colleagues have
	maxBlocksEach    = 256   // of which one person
	maxApprovals     = 16384 // what people said of peers
	maxApprovalsEach = 256   // of which one colleague; admins' words are for everybody, and have the rest
	maxNames         = 4096  // names that colleagues got after a conflict; that of each it may have again
	maxRegistered    = 1024  // colleagues registered beside those listed: half of maxColleagues
	maxRequests      = 64    // iqs to colleagues' servers that wait for their answers
	maxIntroduced    = 500   // peers that the gateway brings into one colleague's contacts, ever: names on a LAN cost nothing
	maxOptions       = 512   // people to choose from in a form: more can be typed
	maxLookups       = 2     // questions to the DNS at a time, for commands
	maxVouched       = 64    // answers of the DNS remembered
	maxTurns         = 20    // answers in a conversation with the gateway; two robots end there
	maxInquiries     = 512   // questions to peers that wait for their answers
	maxCurious       = 32    // who wait for the same one
	maxAbilities     = 256   // clients' capabilities remembered
	maxAskID         = 1024  // octets of the id of a question that is kept while a peer is asked
	stampRoom        = 96    // octets that a delay stamp adds to a stanza, beside our domain
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

// What the gateway itself says to people.
const (
	warnPause  = 24 * time.Hour   // between two warnings of the same two people (SEC-3)
	codePause  = time.Minute      // one code per account (INJ-27)
	codeTime   = 10 * time.Minute // for a code to be typed (INJ-27)
	codeTries  = 5                // for a code to be typed right (INJ-27)
	maxListed  = 40               // lines of a list in a chat window
	maxAccount = 320              // octets of the address of an account that a peer names
	maxLetters = 1024             // remembered letters that peers made us write: more than allLetters allows in the time
	maxNotes   = 2048             // remembered across restarts of what was said once, of each kind
	maxLinks   = 4096             // remembered accounts of peers
)

// What a peer can make the gateway say. Letters go to accounts that may never have
// heard of it: none is to get more than can be ignored.
var (
	hintRate       = rate{3, 10 * time.Minute} // replies to what is no request: a program may answer each of them with more of it
	replyRate      = rate{20, 6 * time.Second} // replies to one peer: more than people type, and 10 a minute in the long run
	peerLetters    = rate{5, 12 * time.Minute} // for one peer: 5 an hour
	accountLetters = rate{4, 6 * time.Hour}    // to one account: 4 a day
	allLetters     = rate{30, 2 * time.Minute} // in all: 30 an hour
)
