package hostile

import "strings"

// beforeHeader is what comes where the header should.
func beforeHeader() []Input {
	return join(
		first(Reader, "unsupported-encoding",
			[2]string{"encoding", `<?xml version='1.0' encoding='UTF-16'?>` + header},
			[2]string{"latin 1 declared", `<?xml version='1.0' encoding='ISO-8859-1'?>` + header},
			[2]string{"UTF-7", `<?xml version='1.0' encoding='UTF-7'?>+ADw-stream:stream xmlns='jabber:client'+AD4-` + header},
			[2]string{"UTF-16 with a mark, little end first", "\xff\xfe" + utf16(header)},
			[2]string{"UTF-16 with a mark, big end first", "\xfe\xff\x00" + utf16(header)},
			[2]string{"UTF-16 without a mark, little end first", utf16(header)},
			[2]string{"UTF-16 without a mark, big end first", "\x00" + utf16(header)},
			[2]string{"UTF-32", "\x00\x00\xfe\xff\x00\x00\x00<" + header},
		),
		first(Reader, "not-well-formed",
			[2]string{"UTF-8 byte order mark", "\ufeff" + header},
			[2]string{"EBCDIC", "\x4c\x6f\xa7\x94\x93" + header},
			[2]string{"HTTP that carries a stream", "POST /x HTTP/1.1\r\nHost: bridge\r\nContent-Type: text/plain\r\n\r\n" + header + whole},
			[2]string{"TLS", "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + header},
			[2]string{"SOCKS", "\x05\x01\x00" + header},
			[2]string{"XML 1.1", `<?xml version='1.1'?>` + header},
			[2]string{"declaration in the wrong order", `<?xml encoding='UTF-8' version='1.0'?>` + header},
			[2]string{"declaration with an attribute of its own", `<?xml version='1.0' from='romeo@forza'?>` + header},
			[2]string{"declaration without end", `<?xml version='1.0'` + header},
			[2]string{"a closing tag first", `</stream:stream>` + header},
			[2]string{"a style sheet", `<?xml-stylesheet href='x'?>` + header},
		),
		first(Reader, "restricted-xml",
			[2]string{"declaration twice", `<?xml version='1.0'?><?xml version='1.0'?>` + header},
			[2]string{"declaration in capitals", `<?XML version='1.0'?>` + header},
			[2]string{"declaration behind white space", "\n<?xml version='1.0'?>" + header},
			[2]string{"doctype first", `<!DOCTYPE stream:stream [<!ENTITY me 'ME'>]>` + header},
			[2]string{"external doctype", `<?xml version='1.0'?><!DOCTYPE x SYSTEM 'file:///etc/passwd'>` + header},
			[2]string{"a thousand laughs", `<!DOCTYPE l [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>]><l>&b;</l>`},
			[2]string{"comment first", `<!-- c -->` + header},
			[2]string{"CDATA first", `<![CDATA[` + header + `]]>`},
		),
		first(Reader, "bad-format",
			[2]string{"LL-STR-1 a stanza first", `<message xmlns='jabber:client' from='ME' to='YOU'>` + evil + `</message>`},
			[2]string{"features first", `<stream:features xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:client'/>`},
			[2]string{"a header of another name", `<stream:flow xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' from='ME' to='YOU'>`},
			[2]string{"websocket framing", `<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' from='ME' to='YOU'/>`},
		),
	)
}

// utf16 writes ASCII with the little end first.
func utf16(s string) string {
	return strings.Join(strings.Split(s, ""), "\x00") + "\x00"
}

// headers are stream headers that are none.
func headers() []Input {
	ns := `<stream:stream xmlns='CONTENT' xmlns:stream='STREAM' from='ME' to='YOU'>`
	spaces := func(content, stream string) string {
		return strings.NewReplacer("CONTENT", content, "STREAM", stream).Replace(ns)
	}
	const streams = "http://etherx.jabber.org/streams"
	return join(
		first(Reader, "invalid-namespace",
			[2]string{"LL-STR-3 another stream namespace", spaces("jabber:client", "urn:evil")},
			[2]string{"the stream namespace in capitals", spaces("jabber:client", strings.ToUpper(streams))},
			[2]string{"the stream namespace and a slash", spaces("jabber:client", streams+"/")},
			[2]string{"the stream namespace and a line end", spaces("jabber:client", streams+"&#10;")},
			[2]string{"LL-STR-3 the content namespace of servers", spaces("jabber:server", streams)},
			[2]string{"INJ-3 the content namespace of components", spaces("jabber:component:accept", streams)},
			[2]string{"the content namespace behind a space", spaces(" jabber:client", streams)},
			[2]string{"no content namespace", `<stream:stream xmlns:stream='http://etherx.jabber.org/streams' from='ME' to='YOU'>`},
			[2]string{"the stream namespace as content", `<stream xmlns='http://etherx.jabber.org/streams' from='ME' to='YOU'>`},
			[2]string{"content under a prefix", `<stream:stream xmlns:c='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' from='ME' to='YOU'>`},
		),
		first(Reader, "not-well-formed",
			[2]string{"a prefix in capitals", `<STREAM:STREAM xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' from='ME' to='YOU'>`},
			[2]string{"no prefix declared", `<stream:stream xmlns='jabber:client' from='ME' to='YOU'>`},
			[2]string{"INJ-4 from twice", open + ` from='romeo@forza' from='ME' to='YOU'>`},
			[2]string{"to twice under two prefixes", open + ` xmlns:a='u' xmlns:b='u' a:to='x' b:to='YOU' from='ME' to='YOU'>`},
			[2]string{"xmlns twice", `<stream:stream xmlns='jabber:client' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' from='ME' to='YOU'>`},
			[2]string{"a NUL in from", open + " from='ME\x00' to='YOU'>"},
			[2]string{"markup in from", open + ` from='ME<x>' to='YOU'>`},
			[2]string{"an ampersand in to, as some clients write it", open + ` from='ME' to='amp&q@office'>`},
			[2]string{"no quotes", open + ` from=ME to=YOU>`},
			[2]string{"malformed UTF-8 in from", open + " from='ME\xc3\x28' to='YOU'>"},
			[2]string{"an overlong at sign in from", open + " from='juliet\xc1\x80pronto' to='YOU'>"},
			[2]string{"a header that is cut off by a stanza", open + ` from='ME' to='YOU' ` + whole},
		),
		first(Reader, "restricted-xml",
			[2]string{"an entity in from", open + ` from='&me;' to='YOU'>`},
		),
		first(Reader, "policy-violation",
			[2]string{"LL-STR-25 17 KiB of header", open + ` x='` + strings.Repeat("x", 17<<10) + `' from='ME' to='YOU'>`},
			[2]string{"LL-STR-25 17 KiB of white space before a header", strings.Repeat(" ", 17<<10) + header},
			[2]string{"LL-STR-25 17 KiB of a first stanza", open + `><message>` + strings.Repeat("<body>x</body>", 1300)},
			[2]string{"33 attributes in a header", open + ` from='ME' to='YOU'` + many(" a%d=''", 29) + `>`},
			[2]string{"a long name in a header", open + ` from='ME' to='YOU' ` + strings.Repeat("n", 300) + `=''>`},
		),
		first(Closing, "",
			[2]string{"a header that closes itself", open + ` from='ME' to='YOU'/>` + whole},
		),
	)
}

// headerNames are headers that are well-formed and name the wrong people.
func headerNames() []Input {
	from := func(name string) string { return open + ` from='` + name + `' to='YOU'>` }
	to := func(name string) string { return open + ` from='ME' to='` + name + `'>` }
	return join(
		first(Stream, "invalid-from",
			[2]string{"INJ-4 a name that is not here", from("nobody@pronto")},
			[2]string{"INJ-4 the proxy's own name", from("YOU")},
			[2]string{"INJ-4 an XMPP account", from("admin@example.com")},
			[2]string{"INJ-4 a resource", from("ME/phone")},
			[2]string{"INJ-4 a space behind", from("ME ")},
			[2]string{"INJ-4 a line end before", from("&#10;ME")},
			[2]string{"INJ-4 a dot behind", from("ME.")},
			[2]string{"INJ-4 quotes of the other kind, and a to between them", open + ` from='ME" to="YOU'>`},
			[2]string{"INJ-4 two names", from("ME,romeo@forza")},
			[2]string{"INJ-4 a zero-width space", from("ME\u200b")},
			[2]string{"INJ-4 an override of direction", from("\u202eME")},
			[2]string{"INJ-4 a wide at sign", from("juliet\uff20pronto")},
			[2]string{"INJ-4 a dotless i", from("jul\u0131et@pronto")},
			[2]string{"INJ-4 a dotted capital I", from("JUL\u0130ET@PRONTO")},
			[2]string{"INJ-4 a Cyrillic letter", from("juli\u0435t@pronto")},
			[2]string{"INJ-6 nobody, and a stanza of nobody", open + ` from='' to='YOU'><message to='YOU'>` + evil + `</message>`},
			[2]string{"INJ-6 a name under a prefix is no name", open + ` xmlns:p='u' p:from='ME' to='YOU'><message to='YOU'>` + evil + `</message>`},
		),
		first(Stream, "host-unknown",
			[2]string{"INJ-7 a header to somebody who is not here", to("nobody@office")},
			[2]string{"INJ-8 to an XMPP account", to("alice@example.com")},
			[2]string{"INJ-11 to another peer", to("romeo@forza")},
			[2]string{"INJ-7 to a resource", to("YOU/phone")},
			[2]string{"INJ-7 to two", to("YOU YOU")},
			[2]string{"INJ-7 to nobody, in the stanza too", open + ` from='ME' to=''><message from='ME'>` + evil + `</message>`},
		),
		first(Stream, "not-authorized",
			[2]string{"INJ-6 no name, and no stanza to take it from", open + `><iq:x xmlns:iq='urn:x'/>`},
		),
	)
}
