package stanza

// Content is the content namespace of a stream: the one its stanzas live in
// (RFC 6120 section 4.8.2).
type Content string

const (
	// Client is the content namespace of a mesh stream (XEP-0174 section 6).
	Client Content = "jabber:client"
	// Component is the content namespace of the upstream (XEP-0114 section 3).
	Component Content = "jabber:component:accept"
)

// NoNamespace is the [Name.Space] of an element in no namespace at all. It is no
// legal namespace name, so nothing read from a stream can be mistaken for it.
const NoNamespace = " "

// Namespaces that more than one package speaks of.
const (
	NSStream       = "http://etherx.jabber.org/streams"
	NSXML          = "http://www.w3.org/XML/1998/namespace"
	NSStreamErrors = "urn:ietf:params:xml:ns:xmpp-streams"
	NSStanzaErrors = "urn:ietf:params:xml:ns:xmpp-stanzas"
	NSPing         = "urn:xmpp:ping"
	NSDelay        = "urn:xmpp:delay"
	NSDiscoInfo    = "http://jabber.org/protocol/disco#info"
	NSDiscoItems   = "http://jabber.org/protocol/disco#items"
	NSCaps         = "http://jabber.org/protocol/caps"       // XEP-0115
	NSChatStates   = "http://jabber.org/protocol/chatstates" // XEP-0085
	NSVersion      = "jabber:iq:version"
	NSVCard        = "vcard-temp"                          // XEP-0054
	NSTime         = "urn:xmpp:time"                       // XEP-0202
	NSLast         = "jabber:iq:last"                      // XEP-0012
	NSGateway      = "jabber:iq:gateway"                   // XEP-0100 section 6.3
	NSCommands     = "http://jabber.org/protocol/commands" // XEP-0050
	NSRegister     = "jabber:iq:register"                  // XEP-0077
	NSRoster       = "jabber:iq:roster"                    // RFC 6121 section 2
	NSNick         = "http://jabber.org/protocol/nick"     // XEP-0172

	nsXMLNS = "http://www.w3.org/2000/xmlns/"
)
