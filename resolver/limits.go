package resolver

import "time"

// What one resolution may cost. The zones asked are strangers', and so are most
// servers on the way to them.
const (
	maxQuestions = 64       // two SRV sets and the addresses of some 30 hosts
	maxAliases   = 8        // CNAMEs between a name and its records
	maxInstances = 500      // of a service in a domain, 500 being what is published on a LAN before Avahi clients lose some
	maxTXT       = 4 << 10  // octets of what one instance says of itself; usual are some hundred
	maxServices  = 64       // SRV records that are considered, lowest priority first
	maxAddresses = 8        // of one host in one address family
	maxTargets   = 64       // addresses that anybody could want to try
	minTargets   = 2        // RFC 3861 section 6: a limit on attempts is never below 2
	maxServers   = 3        // lines of resolv.conf that count, as resolv.conf(5) says
	maxConf      = 64 << 10 // bytes of resolv.conf that are read: a usual one has 200

	attempts       = 2                // times a silent server is asked
	answerTimeout  = 2 * time.Second  // for one packet there and back
	resolveTimeout = 20 * time.Second // for everything: every question may meet one dead server
	portDNS        = 53               // RFC 1035 section 4.2
	packetSize     = 1232             // bytes of a UDP answer that no path fragments (the DNS flag day's figure)
	maxTTL         = 7 * 24 * 3600    // seconds; RFC 8767 section 4 caps what a zone may claim
)
