// Package adhoc holds conversations by ad-hoc command (XEP-0050): it reads requests,
// keeps the sessions between them, and writes the answers. What a command does is
// told to it in steps, and is no business of its own.
//
// A session belongs to the full JID that began it. Sessions are bounded in number and
// in time, and nothing but them is kept. Everything belongs to the goroutine that
// calls; there is no lock and none is started.
package adhoc
