// Package outbox keeps what the gateway has accepted until it has arrived or has
// been answered.
//
// An entry goes through three states:
//
//	Accept -> waiting --Written--> in flight --Done--> forgotten
//	             ^                     |
//	             +------- Return ------+
//
// Waiting entries are offered by Ready, in flight means that a connection has
// taken them and nobody knows yet whether they arrived. A connection that dies
// gives its entries back, and each takes its old place: the order of what one
// recipient gets is the order in which it was accepted, whatever happened in
// between. Only waiting entries expire or are discarded, because one in flight
// may have arrived already, and an error for something delivered would be a lie.
//
// What is kept is bounded per recipient, in total, in bytes and in age. Nothing
// leaves the box silently: what expires or is discarded is handed to the caller,
// who owes its sender an error.
//
// A box has no goroutine, no lock and no clock. It belongs to the goroutine that
// owns the gateway's state; entries carry the time, Expire is told it. Box is the
// interface so that a box on disk can take the place of Memory.
package outbox
