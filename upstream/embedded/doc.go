// Package embedded is a small XMPP server inside the process: enough of one to show
// the gateway at work and to test it, where no server is installed.
//
// Towards components it is a server like any other: real XEP-0114 over a real
// stream, with a fresh id for each, a digest that is checked, stream errors as
// RFC 6120 section 4.9 has them, and the same silence as real servers when a
// component dies. Who connects does not know that it runs in the same program, and
// takes no shortcut.
//
// Its accounts have no client connections. An [Account] is a person made of
// function calls: it comes online, subscribes, writes and answers, and the server
// treats it as a real one treats a user with one client (RFC 6121), but for one
// thing: whoever asks to see its presence is allowed to.
//
// There is no TLS, no storage, no server-to-server traffic and no client port, and
// there should not be: it is for a demonstration on one machine.
//
// # Goroutines
//
// One accepts connections; each connection has a reader and a writer; each account
// with a handler has one more that calls it. All state is behind the one mutex of
// the [Server], which is never held while anything waits.
package embedded
