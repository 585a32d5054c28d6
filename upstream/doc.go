// Package upstream keeps one authenticated component stream to an XMPP server
// (XEP-0114 "Jabber Component Protocol").
//
// A [Link] walks the list of servers it is given, opens a stream, proves that it
// knows the secret, and then hands out a [Session]. A Session is the only way to
// send, and it exists only between the server's <handshake/> and the end of that
// very connection: what is not yet authenticated has no method to write with, and
// what was queued for a connection dies with it. Nothing can therefore overtake
// the handshake, and nothing queued for one connection ever appears on the next
// (XEP-0174 section 13.2). Whoever needs a stanza to survive keeps a copy until
// it is known to have arrived.
//
// A component stream has no acknowledgements, and a server that dies takes with it
// what TCP had long accepted. The server handles a stream in order, so an answer to
// an iq, from whomever, proves that all that was written before the iq went through:
// [Routed] reports up to where. Behind what no answer has proved within 10 ms, and
// behind each 32 stanzas with no question among them, the Session pings itself through
// the server. Sixteen such pings at once, after the handshake and
// each minute, tell a dead link from a quiet one, and a second connection of the
// same component, which gets some of them in our place: [Shared].
//
// A server that does not bear a stanza ends the stream, and would again on each new
// session. After such an end the next session writes one stanza at a time, and
// [Down] names the one it ended on.
//
// What the server sends is filtered before it is handed out: a component has to do
// only with stanzas that say from whom they are, are addressed to its own domain
// and do not come from it.
//
// # Goroutines
//
// [Link.Run] is the reader: it dials, reads, and calls the handler, so events come
// in order and one at a time. Each Session has one writer beside it, which owns
// the write half of the connection. Nothing else touches the socket.
package upstream
