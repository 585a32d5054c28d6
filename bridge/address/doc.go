// Package address says who is called what on the other side of the gateway.
//
// Two naming worlds meet here. On the mesh a person is an instance, one DNS
// label of at most 63 octets such as "juliet@pronto", compared byte by byte
// except for ASCII case. Upstream a person is a JID, compared after PRECIS has
// folded and normalised it. Neither world fits into the other, so there are two
// translations:
//
//	instance -> local part      "juliet@pronto"    -> `juliet\40pronto`
//	bare JID -> proxy instance  alice@example.com  -> `alice\40example.com@office`
//
// Both are stateless (the same name gives the same result after every restart)
// and never give one result to two names. Where a name passes the other world
// unchanged the result is plain: it can be read back. Everywhere else it is a
// fallback: a readable skeleton, "~" and ten hex digits of a hash of the
// original. A fallback cannot be read back, so the gateway remembers those it
// has handed out (package store); a name that happens to end like a fallback is
// given one itself, which keeps the two kinds apart.
//
// Forty bits of hash exclude accidents, not somebody who searches for a second
// name with the same skeleton and hash: whoever keeps the table lets the first
// holder of a fallback name keep it.
//
// The package is pure: no I/O, no clock, no state beyond the two names (component
// domain, machine) that a Map is made of.
package address
