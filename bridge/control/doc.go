// Package control is how other programs on this host ask a running bridge: one
// Unix socket, one line of JSON for a question, lines of JSON for the answer
// (docs/control.md). It knows nothing of the gateway; the answers come from a [Host].
//
// Whoever connects is told apart by the credentials that the kernel attests: root, the
// user of the service, and the members of one group may ask, nobody else.
package control
