// Package translate says what becomes of a stanza or a record when it crosses
// between the mesh and the XMPP server. It is pure: values in, values out, no
// clock, no network, no log.
//
// Everything that crosses is built anew. A message is never edited: its pass
// list, one table in passlist.go, names each child that may cross, with the
// attributes and grandchildren that go with it, and a fresh stanza is made of
// those. What the table does not name stays behind, whoever sent it; so nobody
// can slip in a second address, a forged carbon or an element that some other
// parser would read differently. The addresses of the new stanza are given by
// the caller, who takes them from its own tables and never from the stanza.
//
// Presence does not cross as presence. A peer's TXT record becomes a presence
// stanza (PresenceFromProfile); the presences of a colleague's devices are
// gathered in Resources, and the best of them becomes a TXT record
// (ProfileFromPresence).
//
// Whether something may cross at all is not decided here but in bridge/policy.
//
// What a peer's client answers to the gateway's own questions, and what its record
// says beyond presence, is rewritten in the same way (foreign.go, card.go).
package translate
