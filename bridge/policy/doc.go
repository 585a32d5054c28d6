// Package policy answers one question: may this stanza cross? It is pure: a
// Case, which is all that the answer depends on, and the admin's Policy go in, a
// Verdict comes out, with the rule it rests on.
//
// The gateway does what the verdict says and counts what did not cross under the
// verdict's rule, so nothing is refused or dropped silently. Whatever no check
// decides is decided by the last of them; the zero Verdict drops.
//
// There is one list of checks for each direction, FromMesh and FromServer, and a
// short table of iq requests. Each check is a function named after what it looks
// at; the first that has an opinion decides. To know what the bridge lets
// through, read those lists from top to bottom.
//
// What is left of a stanza that may cross is a different question, answered by
// bridge/translate.
package policy
