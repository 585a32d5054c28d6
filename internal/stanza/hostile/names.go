package hostile

import "strings"

// namespaces are declarations that parsers disagree about.
func namespaces() []Input {
	return join(
		within("not-well-formed",
			[2]string{"an attribute of an undeclared prefix", `<x xmlns='u' p:a='1'/>`},
			[2]string{"a prefix declared by a brother", `<a xmlns:p='u' xmlns='u'/><p:b/>`},
			[2]string{"a prefix that is taken back", `<a xmlns:p='u' xmlns='u'><b xmlns:p=''/></a>`},
			[2]string{"a prefix for white space", `<p:a xmlns:p=' '/>`},
			[2]string{"the prefix xmlns declared", `<a xmlns='u' xmlns:xmlns='u'/>`},
			[2]string{"the namespace of xmlns as default", `<a xmlns='http://www.w3.org/2000/xmlns/'/>`},
			[2]string{"the namespace of xmlns under a prefix", `<p:a xmlns:p='http://www.w3.org/2000/xmlns/'/>`},
			[2]string{"the namespace of xml under a prefix", `<a xmlns='u' xmlns:p='http://www.w3.org/XML/1998/namespace' p:lang='de'/>`},
			[2]string{"the namespace of xml as default", `<a xmlns='http://www.w3.org/XML/1998/namespace'/>`},
			[2]string{"a declaration without a prefix", `<a xmlns:='u'/>`},
			[2]string{"a declaration with two colons", `<a xmlns:p:q='u'/>`},
			[2]string{"the same prefix twice", `<p:a xmlns:p='u' xmlns:p='v'/>`},
			[2]string{"an attribute of xmlns", `<a xmlns='u' xmlns:a='u' a:b='' a:b=''/>`},
		),
		by(Stream, "unsupported-stanza-type",
			[2]string{"a stanza of no namespace", `<message xmlns='' from='ME' to='YOU'>` + evil + `</message>`},
			[2]string{"a stanza of servers", `<message xmlns='jabber:server' from='ME' to='YOU'>` + evil + `</message>`},
			[2]string{"INJ-3 a stanza of components", `<message xmlns='jabber:component:accept' from='ME' to='YOU'>` + evil + `</message>`},
			[2]string{"a stanza of the namespace in capitals", `<message xmlns='JABBER:CLIENT' from='ME' to='YOU'>` + evil + `</message>`},
			[2]string{"a stanza of the namespace and a space", `<message xmlns='jabber:client ' from='ME' to='YOU'>` + evil + `</message>`},
			[2]string{"a namespace with a separator of parsers in it", `<message xmlns='jabber:client&#10;message' from='ME' to='YOU'>` + evil + `</message>`},
			[2]string{"a namespace with a bar in it", `<message xmlns='jabber:client|message' from='ME' to='YOU'>` + evil + `</message>`},
			[2]string{"a stanza of the stream namespace", `<stream:message from='ME' to='YOU'>` + evil + `</stream:message>`},
			[2]string{"a stanza of the namespace of xml", `<xml:message from='ME' to='YOU'>` + evil + `</xml:message>`},
			[2]string{"the prefix of the stream for something else", `<stream:error xmlns:stream='urn:evil'>` + whole + `</stream:error>`},
			[2]string{"a stanza in capitals", `<Message from='ME' to='YOU'>` + evil + `</Message>`},
		),
	)
}

// sizes are one more of something than there may be (LL-STR-25).
func sizes() []Input {
	return join(
		within("policy-violation",
			[2]string{"declarations for attributes", `<a xmlns='u'` + many(" xmlns:p%d='u'", 33) + `/>`},
			[2]string{"a tree of nothing", strings.Repeat("<a/>", 1<<14)},
			[2]string{"an attribute of a mebibyte", `<a xmlns='u' b='` + strings.Repeat("x", 1<<20) + `'/>`},
			[2]string{"white space in a tag", `<a xmlns='u' ` + strings.Repeat(" ", 1<<20) + `/>`},
			[2]string{"a section of a mebibyte", `<a xmlns='u'><![CDATA[` + strings.Repeat("]", 1<<20) + `]]></a>`},
			[2]string{"references of a mebibyte", `<a xmlns='u'>` + strings.Repeat("&#x0041;", 1<<17) + `</a>`},
			[2]string{"a name of 300 octets", `<` + strings.Repeat("n", 300) + ` xmlns='u'/>`},
			[2]string{"a prefix of 300 octets", `<` + strings.Repeat("n", 300) + `:x/>`},
			[2]string{"an attribute's name of 300 octets", `<a xmlns='u' ` + strings.Repeat("n", 300) + `=''/>`},
			[2]string{"depth by a chain of namespaces", strings.Repeat("<a xmlns='u'>", 65) + strings.Repeat("</a>", 65)},
		),
	)
}

// senders are stanzas of somebody else than the stream is bound to (INJ-5).
func senders() []Input {
	var list []Input
	for _, p := range [][2]string{
		{"another peer", "romeo@forza"}, {"the proxy itself", "YOU"}, {"an XMPP account", "admin@example.com"},
		{"a domain", "example.com"}, {"the sender with a resource", "ME/phone"}, {"a slash", "ME/"},
		{"a space before", " ME"}, {"a tab behind", "ME&#9;"}, {"a dot behind", "ME."}, {"a zero-width joiner", "ME\u200d"},
		{"a soft hyphen", "jul\u00adiet@pronto"}, {"a wide at sign", "juliet\uff20pronto"}, {"a dotless i", "jul\u0131et@pronto"},
		{"a Cyrillic letter", "juli\u0435t@pronto"}, {"an override of direction", "\u202eotnorp@teiluj"}, {"two names", "ME romeo@forza"},
		{"percent signs", "juliet%40pronto"}, {"an escaped at sign", `juliet\40pronto`}, {"a byte order mark", "\ufeffME"},
	} {
		list = append(list, Input{
			Name: "INJ-5 from " + p[0], By: Stream, Want: "invalid-from",
			Text: `<message from='` + p[1] + `' to='YOU'>` + evil + `</message>`,
		})
	}
	return list
}

// recipients are stanzas to somebody who is no proxy (INJ-7, INJ-11).
func recipients() []Input {
	var list []Input
	for _, p := range [][2]string{
		{"somebody who is not here", "nobody@office"}, {"an XMPP account", "victim@example.com"}, {"another peer", "romeo@forza"},
		{"the sender", "ME"}, {"a resource of the proxy", "YOU/phone"}, {"a list", "YOU,victim@example.com"}, {"a space before", " YOU"},
		{"a zero-width space", "YOU\u200b"}, {"a domain", "example.com"}, {"a line end and another", "YOU&#10;victim@example.com"},
	} {
		list = append(list, Input{
			Name: "INJ-7 to " + p[0], By: Stanza, Want: "item-not-found",
			Text: `<message from='ME' to='` + p[1] + `' id='x'>` + evil + `</message>`,
		})
	}
	return list
}

// topLevel are elements under the stream that are no stanzas, and presence.
func topLevel() []Input {
	return join(
		by(Stream, "unsupported-stanza-type",
			[2]string{"starttls", `<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`},
			[2]string{"proceed", `<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`},
			[2]string{"auth", `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>`},
			[2]string{"success", `<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>`},
			[2]string{"INJ-1 a component's handshake", `<handshake>aaee83c26aeeafcbabeabfcbcd50df997e0a2a1e</handshake>`},
			[2]string{"INJ-1 a component's handshake of its namespace", `<handshake xmlns='jabber:component:accept'/>`},
			[2]string{"dialback", `<db:result xmlns:db='jabber:server:dialback' from='example.com' to='example.org'>x</db:result>`},
			[2]string{"stream management", `<enable xmlns='urn:xmpp:sm:3' resume='true'/>`},
			[2]string{"compression", `<compress xmlns='http://jabber.org/protocol/compress'><method>zlib</method></compress>`},
			[2]string{"a BOSH body", `<body xmlns='http://jabber.org/protocol/httpbind'>` + whole + `</body>`},
			[2]string{"a route", `<route from='ME' to='YOU'>` + whole + `</route>`},
			[2]string{"a body without a message", evil},
			[2]string{"a stanza in a wrapper of the content namespace", `<wrap>` + whole + `</wrap>`},
		),
		by(Silence, "",
			[2]string{"LL-STR-28 a presence", `<presence from='ME' to='YOU'><status>smuggled</status></presence>`},
			[2]string{"INJ-13 a presence that grants a subscription", `<presence type='subscribed' from='ME' to='YOU'/>`},
			[2]string{"INJ-13 a presence that asks for one", `<presence type='subscribe' from='ME' to='YOU'/>`},
			[2]string{"INJ-13 a presence with a message in it", `<presence from='ME' to='YOU'>` + whole + `</presence>`},
			[2]string{"features", `<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/></stream:features>`},
			[2]string{"features with a message in them", `<stream:features>` + whole + `</stream:features>`},
			[2]string{"white space", strings.Repeat(" \r\n\t", 4096)},
		),
		by(Closing, "",
			[2]string{"a stream error", `<stream:error><reset xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>`},
			[2]string{"a stream error with a message in it", `<stream:error>` + whole + `</stream:error></stream:stream>`},
			[2]string{"a message behind the end", `</stream:stream >` + whole},
		),
	)
}
