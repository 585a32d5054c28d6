// Package bridge is the gateway: who may talk to whom, who appears where, and what
// is kept until it is delivered.
//
// # Who owns what
//
// All state of the gateway, its peers, colleagues, subscriptions and outbox,
// belongs to one goroutine, that of [Gateway.Run]. It does no input or output
// itself and never waits: the mesh, the upstream and the store take what it hands
// them and tell of the outcome with an event. Everything else in the program posts
// events to it and may have to wait until it takes them, which is how pressure
// reaches a peer that sends too much.
//
// The goroutines of a running bridge:
//
//	who                         what                                        one for each
//	Gateway.Run                 state, decisions                            program
//	upstream.Link.Run           looking up, connecting, reading stanzas     program
//	upstream session writer     writing, routed pings                       session
//	linklocal.Mesh.Run          peers, proxies, pairs                       program
//	mdns.Engine.Run             records, questions, timers of multicast DNS program
//	mdns socket readers         packets in                                  address family
//	mdns news                   what the kernel tells of interfaces         program
//	linklocal listener          accepting                                   published address
//	linklocal stream reader     handshake, binding, stanzas in              connection
//	linklocal stream writer     stanzas out                                 connection
//	linklocal dial              reaching a peer; the reader from then on    peer that is being reached
//	linklocal second look       its records and the neighbour table, a      connection
//	                            moment every half minute
//	linklocal picture           asking for the NULL record of a peer        picture, maxFetches at most
//	linklocal looking           where an instance is, for browse            instance, a few at a time
//	linklocal shutdown          waiting for the end of all these            end of a mesh
//	store keeper                the database, group commits                 program
//	lookup                      asking the DNS for a command                command, two at most
//	alarm                       posting that a time has come                moment
//	Service.Run                 configurations, one gateway after another   program
//	control server              letting in who asks                         program
//	control client              reading a question, writing the answer      who asks
//	control hang-up             whether who asks still listens              who asks
//	signal handling in cmd      ending, ending at once                      program
//	reloading in cmd            what SIGHUP wishes, one at a time           program
//
// Moments (an alarm, the pace of streams, the end of a context) run on goroutines of the
// runtime, which post an event or close something and are gone.
//
// The events travel in one direction and the calls in the other:
//
//	mdns -> linklocal -> Gateway <- upstream
//	mdns <- linklocal <- Gateway -> upstream, store
//
// Who asks how the gateway is posts a function to it, as an event, and waits for what it
// finds; nothing in it waits for who asks.
//
// A call never blocks; an event may. So no two of them can wait for each other.
//
// # A message's way
//
// Juliet to Alice: a stanza of a bound stream (linklocal.Received), the verdict
// (policy.FromMesh), its upstream form (translate.MessageToServer), the outbox,
// the session, routed by the server (upstream.Routed), and out of the outbox when a
// ping that went the same way behind it is answered. Alice to Juliet:
// upstream.Received, policy.FromServer, translate.MessageToMesh, the outbox, the
// mesh, and out of the outbox when Juliet's machine has it (linklocal.Delivered).
// What comes back (linklocal.Returned, upstream.Down) waits in its old place for the
// next chance.
//
// # Words
//
// Bonjour clients show neither errors nor commands. So the gateway is an instance on
// the mesh itself (contact.go), reads what people type there (converse, bridge/wording),
// and speaks in their conversations where they would else wonder (tellPeer): refusals
// and expiry (kept.go), what is kept and for how long (courtesy.go), and that the LAN is
// not encrypted (warn.go). Letters to accounts upstream, by which a peer proves to own
// one (link.go) or asks somebody to join, are few (letter.go).
//
// # A question's way
//
// Whatever the server's side asks by iq is answered here: for the gateway and from
// what is known of a peer at once (answerServer), or when the peer's client has been
// asked (askPeer). Such a question of ours is an inquiry: it goes out under an id of
// its own, ends with the client's answer, with its silence or with the news that it
// was not reached, and then everybody who waits for it is answered. A stream that was
// opened for questions alone ends with the last answer (Mesh.Dismiss). What a peer asks a
// colleague goes no further than here (answerColleague); what the answer to disco#info
// would be stands in the features of every stream (disclosure).
//
// # A picture's way
//
// Juliet's: the hash in her record goes into her presence; the picture is asked for on
// the mesh when somebody wants her card (withAvatar), checked against the hash, kept in
// the gallery, and stands in the card. Alice's: the hash in her presence makes the gateway
// ask her server for her card (seekCard); the picture in it, checked, goes into the gallery
// and with the record of her proxy onto the mesh (publish).
//
// # A command's way
//
// A command (serveCommand) goes from form to form in a session of bridge/adhoc until it
// has come to its end; what is written to the gateway (hear) does the same without
// forms. Only looking an address up waits for something: a goroutine asks the DNS, and
// the answer comes back as an event.
package bridge
