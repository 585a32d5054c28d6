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
	maxCacheSets      = 4096 // record sets per interface, as Avahi
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
	maxAsked          = 512  // questions of others remembered per link, for a second
	maxFetches        = 32   // NULL records asked for at a time
	warnPublished     = 500  // Avahi clients lose what is beyond (measured)
)
