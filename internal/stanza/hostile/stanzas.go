package hostile

import "strings"

// vectors is V-12: all of it passes for XML with the library of Go.
func vectors() []Input {
	return join(
		within("not-well-formed",
			[2]string{"undeclared", `<vcard-temp:vCard/>`},
			[2]string{"surrogate", `<subject>&#xD800;</subject>`},
			[2]string{"control", `<subject>&#1;</subject>`},
			[2]string{"bad-utf8", "<subject>\xff</subject>"},
			[2]string{"overlong", "<subject>\xc0\xbc</subject>"},
			[2]string{"lead-colon", `<:x/>`},
			[2]string{"xmlns-element", `<xmlns:x/>`},
		),
		within("restricted-xml",
			[2]string{"comment", `<!-- c -->`},
			[2]string{"pi", `<?foo bar?>`},
			[2]string{"entity", `<subject>&nbsp;</subject>`},
		),
		raw("not-well-formed",
			[2]string{"dup", `<message from='ME' from='b' to='YOU'>` + evil + `</message>`},
			[2]string{"dup-ns", `<message from='ME' to='YOU' xmlns:p='u' xmlns:q='u' p:x='1' q:x='2'>` + evil + `</message>`},
			[2]string{"lead-colon stanza", `<:message from='ME' to='YOU'>` + evil + `</:message>`},
			[2]string{"xmlns-element stanza", `<xmlns:message from='ME' to='YOU'>` + evil + `</xmlns:message>`},
			[2]string{"rebind-xml", `<message from='ME' to='YOU' xmlns:xml='evil' xml:lang='en'>` + evil + `</message>`},
			[2]string{"empty-prefix", `<p:message xmlns:p='' from='ME' to='YOU'>` + evil + `</p:message>`},
			[2]string{"end-prefix", `<a:message xmlns:a='jabber:client' xmlns:b='jabber:client' from='ME' to='YOU'><a:body>smuggled</a:body></b:message>`},
		),
		raw("restricted-xml", [2]string{"doctype", `<!DOCTYPE x [<!ENTITY a 'b'>]>`}),
		raw("bad-format", [2]string{"text-between", `zzz`}),
		raw("policy-violation",
			[2]string{"big", begin + `<body>smuggled` + strings.Repeat("x", 1<<20+1) + `</body></message>`},
			[2]string{"deep", begin + evil + strings.Repeat("<a>", 65) + strings.Repeat("</a>", 65) + `</message>`},
			[2]string{"attrs", `<message from='ME' to='YOU'` + many(" a%d='v'", 33) + `>` + evil + `</message>`},
		),
		by(Closing, "", [2]string{"second-root", `</stream:stream>` + header + whole}),
	)
}

// tokens are tags and sections that are cut off or put together wrongly.
func tokens() []Input {
	return join(
		raw("not-well-formed",
			[2]string{"a stanza in an attribute that does not end", `<message from='ME' to='YOU` + whole},
			[2]string{"a closing tag that is cut off", begin + evil + `</mess` + whole},
			[2]string{"a closing tag with attributes", begin + evil + `</message from='romeo@forza'>`},
			[2]string{"a closing tag that closes itself", begin + evil + `</message/>`},
			[2]string{"tags that cross", begin + `<body>smuggled</message></body>`},
			[2]string{"the end of the stream in a stanza", begin + evil + `</stream:stream>`},
			[2]string{"a closing tag in capitals", begin + evil + `</MESSAGE>`},
			[2]string{"a stray closing tag", `</message>` + whole},
			[2]string{"the end of another stream", `</stream>` + whole},
			[2]string{"the end of the stream in capitals", `</STREAM:STREAM>` + whole},
			[2]string{"a space before the name", `< message from='ME' to='YOU'>` + evil + `</message>`},
			[2]string{"a space behind the slash", begin + evil + `</ message>`},
			[2]string{"a space behind the slash of an empty tag", `<message from='ME' to='YOU'/ >` + whole},
			[2]string{"no space between attributes", `<message from='ME'to='YOU'>` + evil + `</message>`},
			[2]string{"no value", `<message from to='YOU'>` + evil + `</message>`},
			[2]string{"no quotes in a stanza", `<message from=ME to=YOU>` + evil + `</message>`},
			[2]string{"typographic quotes", "<message from=\u2018ME\u2019 to='YOU'>" + evil + `</message>`},
			[2]string{"a name that begins with a digit", `<1message from='ME' to='YOU'>` + evil + `</1message>`},
			[2]string{"a name that begins with a combining mark", "<\u0301message from='ME' to='YOU'>" + evil + "</\u0301message>"},
			[2]string{"two colons", `<a:b:c xmlns:a='jabber:client'/>`},
			[2]string{"a colon at the end", `<message: from='ME' to='YOU'>` + evil + `</message:>`},
			[2]string{"an attribute with a leading colon", `<message :from='ME' to='YOU'>` + evil + `</message>`},
			[2]string{"nothing in a tag", `<>` + whole},
			[2]string{"nothing in a closing tag", begin + evil + `</>`},
			[2]string{"a NUL in a name", "<mess\x00age from='ME' to='YOU'>" + evil + "</mess\x00age>"},
			[2]string{"a NUL in an attribute", "<message from='ME\x00' to='YOU'>" + evil + `</message>`},
			[2]string{"a NUL in a body", begin + "<body>smuggled\x00</body></message>"},
			[2]string{"a form feed for white space", "<message\x0cfrom='ME' to='YOU'>" + evil + `</message>`},
			[2]string{"a no-break space for white space", "<message\u00a0from='ME' to='YOU'>" + evil + `</message>`},
			[2]string{"the end of a section in text", begin + `<body>smuggled]]></body></message>`},
			[2]string{"markup in an attribute", `<message from='ME' to='YOU' id='<message/>'>` + evil + `</message>`},
		),
		raw("restricted-xml",
			[2]string{"a section that is cut off", begin + `<body><![CDA</body></message>`},
			[2]string{"a section in small letters", begin + `<body><![cdata[smuggled]]></body></message>`},
			[2]string{"a conditional section", begin + evil + `<![INCLUDE[<x/>]]></message>`},
			[2]string{"an entity declared in a stanza", begin + evil + `<!ENTITY a 'b'></message>`},
			[2]string{"a declaration between stanzas", `<?xml version='1.0'?>` + whole},
			[2]string{"a comment between stanzas", `<!-- --> ` + whole},
			[2]string{"a comment that hides a stanza", `<!--` + whole + `-->`},
			[2]string{"a comment in a tag's place", begin + `<!---->` + evil + `</message>`},
		),
		raw("bad-format",
			[2]string{"a NUL between stanzas", "\x00" + whole},
			[2]string{"a byte order mark between stanzas", "\ufeff" + whole},
			[2]string{"a no-break space between stanzas", "\u00a0" + whole},
			[2]string{"a vertical tab between stanzas", "\x0b" + whole},
			[2]string{"a section between stanzas", `<![CDATA[` + whole + `]]>`},
			[2]string{"an escaped stanza between stanzas", `&lt;message/&gt;` + whole},
			[2]string{"what is left of a stanza", `</body></message>`[2:] + whole},
			[2]string{"a second header", header + whole},
			[2]string{"a second header under another prefix", `<s:stream xmlns:s='http://etherx.jabber.org/streams' from='romeo@forza' to='YOU'/>`},
		),
	)
}

// references are to characters and entities that there are not.
func references() []Input {
	body := func(name, ref string) [2]string { return [2]string{name, `<subject>` + ref + `</subject>`} }
	return join(
		within("not-well-formed",
			body("a reference to NUL", "&#0;"), body("to NUL in hex", "&#x0;"),
			body("a pair of surrogates", "&#xD83D;&#xDE00;"), body("to a noncharacter", "&#xFFFE;"),
			body("beyond Unicode", "&#x110000;"), body("beyond 32 bits", "&#4294967361;"),
			body("with a sign", "&#+65;"), body("less than nothing", "&#-1;"), body("with a space", "&# 65;"),
			body("with an underscore", "&#6_5;"), body("hex in decimal", "&#6f;"), body("a capital X", "&#X41;"), body("without digits", "&#;"), body("without anything", "&;"), body("without hex digits", "&#x;"),
			body("a bare ampersand", "a & b"), body("that does not end", "&lt"), body("of zeros", "&#00000000000000000065;"),
			body("that is cut off by markup", "&#60<x/>;"),
		),
		within("restricted-xml",
			body("an entity in capitals", "&LT;"), body("an entity of HTML", "&auml;"),
		),
		raw("restricted-xml", [2]string{"an entity in an attribute", `<message from='&me;' to='YOU'>` + evil + `</message>`}),
		raw("not-well-formed", [2]string{"a control character in an attribute", `<message from='ME&#8;' to='YOU'>` + evil + `</message>`}),
	)
}

// encodings are octets that are no UTF-8. Parsers that skip a fixed number of octets
// swallow the markup behind them, which is how stanzas were smuggled.
func encodings() []Input {
	text := func(name, octets string) [2]string { return [2]string{name, "<subject>" + octets + "</subject>"} }
	return join(
		within("not-well-formed",
			text("two octets that swallow a tag", "\xdf"), text("three octets that swallow a tag", "\xeb"), text("three octets cut after two", "\xe2\x82"),
			text("four octets that swallow a tag", "\xf4"), text("a continuation alone", "\x80"),
			text("three octets for a less-than", "\xe0\x80\xbc"), text("four octets for a less-than", "\xf0\x80\x80\xbc"),
			text("five octets", "\xf8\x88\x80\x80\xbc"), text("NUL as Java writes it", "\xc0\x80"),
			text("a surrogate in UTF-8", "\xed\xa0\x80"), text("a pair of surrogates in UTF-8", "\xed\xa0\xbd\xed\xb8\x80"),
			text("beyond Unicode in UTF-8", "\xf4\x90\x80\x80"), text("a noncharacter in UTF-8", "\uffff"),
			text("latin 1", "caf\xe9"), text("an escape sequence", "\x1b[31m"), text("a backspace", "\x08"), text("a form feed", "\x0c"),
			[2]string{"malformed UTF-8 in a name", "<x\xc3\x28/>"},
			[2]string{"half a character at the end of a name", "<x\xdf/>"},
			[2]string{"half a character in a closing tag", "<x></x\xe2\x82>"},
			[2]string{"half a character in a section", "<subject><![CDATA[\xe2\x82]]></subject>"},
			[2]string{"half a character in an attribute", "<x xmlns='u' a='\xe2\x82'/>"},
		),
		raw("bad-format", [2]string{"UTF-16 in mid-stream", "\xff\xfe" + utf16(`<message/>`)}),
	)
}
