package mdns

// MaxNull is the largest NULL record that can be published, in octets: with its name and
// header it still fits into the 9000 of a packet (RFC 6762 section 17).
const MaxNull = 8192

// Bounds on what strangers can make us hold or do.
const (
	maxPacket         = 9000 // octets; RFC 6762 section 17
	maxSend           = 1440 // octets of payload: one Ethernet frame under IPv6, with room for a tunnel
	maxRecordsIn      = 256  // records of one packet; a 9000-octet packet of real services has fewer
	maxQuestionsIn    = 128  // questions of one packet
	maxCachePerSource = 2048 // records that one address may put into one interface's cache; four per instance it may show
	maxSetRecords     = 16   // records in one unique set: addresses of a host, old split TXT forms
	maxTXT            = 1300 // octets of TXT rdata kept; RFC 6763 section 6.2 calls 1300 the sensible limit
	maxInstances      = 2048 // instances of browsed types per interface
	maxPerNeighbour   = 512  // of them announced by one address: another bridge shows hundreds of colleagues, up to warnPublished
	maxReplies        = 256  // answers waiting on one link
	maxWaiting        = 128  // packets waiting on one link, beyond which known answers are left out
	unicastPackets    = 4    // of one unicast answer; a longer one goes to all
	unicastBurst      = 20   // unicast packets at once per link
	unicastPerSecond  = 20   // and steadily
	closelyPerSecond  = 7    // liveness questions after those who are watched,
	seldomPerSecond   = 2    // those who are not,
	loudlyPerSecond   = 1    // and those of both who can only be asked by multicast: 10 in all
	seeksPerSecond    = 5    // questions after those who have vanished, in case they are back
	muteAfter         = 2    // answers to liveness questions that did not come until one counts as one of these
	muteRounds        = 16   // and questions to it until it may try again
	doubtQuestions    = 3    // for an instance in doubt
	hintBurst         = 32   // doubts at once that neighbours' packets raise
	hintsPerSecond    = 4    // and steadily
	maxOverheard      = 256  // questions of others remembered on one interface
	maxRaised         = 16   // doubts that one question of others raises
	maxAsked          = 512  // questions of others remembered per link, for a second
	maxFetches        = 32   // NULL records asked for at a time
	warnPublished     = 500  // Avahi clients lose what is beyond (measured)
)

// Bounds on what one interface's neighbours may have us remember, beside their number.
const (
	maxCacheSets   = 8 * maxInstances // record sets: an instance has up to six, with those of its host
	maxCacheOctets = 8 << 20          // what they take; in the largest office 7 MiB
	entryOctets    = 512              // of it for a record, beside its name and data (measured)
	strayPortion   = 4                // records of no known instance fill one part of so many at most
)
