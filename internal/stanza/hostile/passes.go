package hostile

import "strings"

// Passes returns what looks hostile and is legal, with what arrives of it.
func Passes() []Pass {
	const smuggled = `</body></message><message from='romeo@forza' to='YOU'><body>x</body></message>`
	body := func(name, xml, text string) Pass {
		return Pass{Name: name, Text: begin + `<body>` + xml + `</body></message>`, Bodies: []string{text}}
	}
	tag := func(name, text string) Pass {
		return Pass{Name: name, Text: text, Bodies: []string{name}}
	}
	head := func(name, header string) Pass {
		return Pass{Name: name, Header: header, Text: begin + `<body>` + name + `</body></message>`, Bodies: []string{name}}
	}
	const streams = `xmlns:stream='http://etherx.jabber.org/streams' from='ME' to='YOU'>`
	return []Pass{
		body("a section", `a<![CDATA[<b>&amp;]]]]><![CDATA[>]]>c`, `a<b>&amp;]]>c`),
		body("INJ-14 a stanza in a section", `<![CDATA[`+smuggled+`]]>`, smuggled),
		body("INJ-14 a stanza that is escaped", strings.NewReplacer("<", "&lt;", ">", "&gt;").Replace(smuggled), smuggled),
		body("INJ-14 a stanza that is escaped twice", `&amp;lt;/message&amp;gt;`, `&lt;/message&gt;`),
		body("INJ-14 a stanza of character references", `&#60;/body&#x3e;&#x3C;/message&#62;`, `</body></message>`),
		body("the five entities", `&lt;&gt;&amp;&quot;&apos;`, `<>&"'`),
		body("character references", `&#72;&#x69;&#x1F600;&#x0000041;`, "Hi😀A"),
		body("brackets and signs", `a > b ]] c ]> d`, `a > b ]] c ]> d`),
		body("line ends of three systems", "a\r\nb\rc\nd", "a\nb\nc\nd"),
		body("INJ-15 what is in a child of a body is not its text", `outer<x xmlns='urn:x'>EVIL</x>`, `outer`),
		body("people, flags and marks", "👩‍👩‍👧 🇩🇪 e\u0301 \ufeff\u200b", "👩‍👩‍👧 🇩🇪 e\u0301 \ufeff\u200b"),
		body("right to left", "שלום مرحبا", "שלום مرحبا"),
		tag("a content prefix", `<c:message xmlns:c='jabber:client' from='ME' to='YOU'><c:body>a content prefix</c:body></c:message>`),
		tag("the content namespace again", `<message xmlns='jabber:client' from='ME' to='YOU'><body xmlns='jabber:client'>the content namespace again</body></message>`),
		tag("white space in tags", "<message\r\n\tfrom = \"ME\"\n\tto\t=\t'YOU'\n><body\n>white space in tags</body\r\n></message\n>"),
		tag("LL-STR-2 no addresses", `<message><body>LL-STR-2 no addresses</body></message>`),
		tag("LL-3-22 addresses in capitals", `<message from='BIGME' to='BIGYOU'><body>LL-3-22 addresses in capitals</body></message>`),
		tag("INJ-5 a sender by reference", `<message from='REFME' to='YOU'><body>INJ-5 a sender by reference</body></message>`),
		tag("INJ-5 other senders under prefixes", `<message xmlns:c='jabber:client' c:from='romeo@forza' xml:from='romeo@forza' from='ME' to='YOU'><body>INJ-5 other senders under prefixes</body></message>`),
		tag("INJ-15 a body that is nested", begin+`<x xmlns='urn:x'><body>EVIL</body></x><x xmlns='urn:x'><body xmlns='jabber:client'>EVIL</body></x><body>INJ-15 a body that is nested</body></message>`),
		tag("INJ-15 a stanza that is nested", begin+`<f xmlns='urn:u'><message xmlns='jabber:client' from='romeo@forza'><body>EVIL</body></message></f><body>INJ-15 a stanza that is nested</body></message>`),
		tag("INJ-15 a stanza in a stanza", begin+`<message from='romeo@forza' to='YOU'><body>EVIL</body></message><body>INJ-15 a stanza in a stanza</body></message>`),
		tag("INJ-15 a body of no namespace", begin+`<body xmlns=''>EVIL</body><body>INJ-15 a body of no namespace</body></message>`),
		tag("INJ-15 a stream in a stanza", begin+`<stream:stream to='romeo@forza'><body>EVIL</body></stream:stream><body>INJ-15 a stream in a stanza</body></message>`),
		tag("LL-STR-25 64 deep", begin+`<body>LL-STR-25 64 deep</body>`+strings.Repeat("<a>", 63)+strings.Repeat("</a>", 63)+`</message>`),
		tag("LL-STR-25 32 attributes", `<message from='ME' to='YOU'`+many(" a%d=''", 30)+`><body>LL-STR-25 32 attributes</body></message>`),
		tag("text between children", begin+`EVIL<body>text between children</body>EVIL</message>`),
		{Name: "two in a row, white space between", Text: begin + `<body>one</body></message>` + strings.Repeat(" \r\n", 4096) + begin + `<body>two</body></message>`, Bodies: []string{"one", "two"}},
		head("a stream of another prefix", `<s:stream xmlns='jabber:client' xmlns:s='http://etherx.jabber.org/streams' from='ME' to='YOU'>`),
		head("a whole declaration", `<?xml version="1.0" encoding="utf-8" standalone='yes' ?>`+"\r\n"+`<stream:stream xmlns='jabber:client' `+streams),
		head("a header by references", `<stream:stream xmlns='jabber&#58;client' xmlns:stream='http://etherx.jabber.org/streams' from='REFME' to='YOU'>`),
		head("a header with more in it", "\n\n"+`<stream:stream xmlns='jabber:client' xmlns:x='urn:x' x:from='romeo@forza' id='chosen' version='01.10' xml:lang='de' `+streams),
	}
}
