// Package resolver finds out where to connect to, from the DNS, and tells how it
// was found: servers of XMPP domains (RFC 6120 section 3.2, XEP-0368), those that
// take instant messages and presence for a person (RFC 3861), the component port of
// a server, and any SRV record set (RFC 2782).
//
// A [Resolver] answers one kind of question with one method. Each yields a
// [Result]: the targets in the order to be tried, the questions in the order they
// were asked, and a trace that says of every step what came back and why it was
// taken or left. The Result of a failure has all but the targets; the error says
// which of the few ways of failing it was and what to do.
//
// # What is trusted
//
// Nothing that an answer says: it is a hint where to connect, and whoever is met
// there has to prove to be the domain that was asked for. That domain, not a name
// from the DNS, is [Result.Verify]. So the only harm in a forged answer is that
// nobody is reached, and it is made hard: questions go from fresh ports with random
// IDs, an answer must repeat its question, and of an answer only those records
// count that the question leads to.
//
// What is not known is never guessed around. A server failure, a refusal or silence
// ends the resolution as temporary; only the answer that there is no SRV record
// leads to the address of the domain itself. Whoever sits on the wire could
// otherwise lead a connection elsewhere by dropping a packet.
//
// HTTP is no part of it: host-meta (XEP-0156) is of no use to a component and would
// be the only reason for an HTTP client in a program for routers.
//
// # Bounds
//
// Whatever the DNS says, a resolution ends: limits.go bounds questions, records,
// aliases, addresses, targets and time. There is no cache and no state between two
// resolutions; the system's own DNS server has the cache, and resolv.conf is read
// anew each time, so that a change of network is seen.
package resolver
