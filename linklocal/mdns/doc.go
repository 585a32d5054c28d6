// Package mdns is a multicast DNS and DNS-SD engine (RFC 6762, RFC 6763): it publishes
// service instances, browses for them and resolves them, on chosen interfaces, beside
// whatever other responder shares port 5353. It knows nothing of what the services are for.
//
// # One goroutine
//
// All state belongs to the goroutine of Engine.Run. It turns on five things: a mailbox of
// functions (from exported methods), packets, news of interfaces, one timer that serves an
// agenda of alarms, and the end of its context. One reader goroutine per address family
// moves packets from a socket into a bounded channel and does nothing else, and one waits
// for the kernel to tell of interfaces. What a turn wants to say is collected per interface
// and packed when the turn ends, so that a hundred instances published at once share their
// packets.
//
// # Who is who
//
//	iface    one configured interface while it is joined: cache, browsed instances, batches
//	link     one address family on it: pace, rate, own packets come back, waiting replies
//	claim    a name that must be ours alone, with its phase on every interface
//	host     the claim to Host.local., with addresses that differ per interface
//	service  the claim to an instance, with PTR, SRV and TXT
//	browser  a question for a service type that is never done
//	found    an instance seen by a browser on one interface
//	lookup   a Resolve on its way
//
// An engine without a host name owns nothing: it asks and listens, for those who only look.
//
// # Names and octets
//
// Inside, names and rdata are wire octets, uncompressed, and compared as such. They meet the
// presentation form of github.com/miekg/dns in codec.go and nowhere else.
//
// # What is taken from whom
//
// Packets are judged in receive.go before anything in them is believed. Own packets that
// come back are known by their octets, one copy per packet sent, and own records by their
// rdata, never by the sender's address alone, because another responder may share it. A
// goodbye counts only from an address of the host that announced; from others it makes us
// ask. Everything that strangers can fill is bounded in limits.go, and every refusal is
// counted under the rule that demands it (Config.Count). There is room for an office of two
// thousand, and what keeps it fresh is asked for together (room.go, refresh.go,
// docs/decisions/027-a-large-office.md).
//
// # Who vanishes
//
// A PTR record lives for 75 minutes, a machine may go in a second. Instances can be doubted
// by who uses them (Doubt), asked after when they are silent (Attend), and missed by others
// who ask for them (overhear.go). All of that ends in a doubt (doubt.go): three questions,
// and a record of the instance or its removal.
//
// # Whose name it is
//
// A name is probed for and, once ours, left to anybody who probes for it, unless they are of
// our kind (Service.Kin): clients of people may be unable to take another, and we are not
// (conflict.go, docs/decisions/029-names-on-the-lan.md).
//
// # What is left to others
//
// A question of routine (browsing, keeping records fresh) is not asked when another host has
// just asked it (RFC 6762 section 7.3), and an answer is not given when another has just given
// it (7.4). All that is multicast waits until its record was silent for a second (section 6),
// and what waits is looked at again before it leaves: an answer must not undo a goodbye.
//
// # Not here
//
// Reverse address names are not published, and probes ask for multicast answers though
// section 8.1 suggests unicast: a unicast may end at another program on this port.
package mdns
