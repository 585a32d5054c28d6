// Package uri reads and writes the URIs by which XMPP addresses are named: xmpp:
// (RFC 5122), im: and pres: (RFC 3860, RFC 3859, RFC 3922), and srv:, this
// program's own way to name an SRV record set.
//
// A [URI] is made by [Parse] or [Of] alone and holds normalised parts (RFC 7622),
// so two that name the same address are equal by ==. On the wire an address is a
// JID and never a URI (RFC 5122 section 2.1).
package uri
