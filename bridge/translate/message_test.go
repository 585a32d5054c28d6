package translate

import (
	"strings"
	"testing"

	"meshbridge/internal/stanza"
)

func TestInjection(t *testing.T) {
	const in = `<message from="a@b" to="c@d">`
	tests := []struct{ name, payload, want string }{
		{"V-9 row 1: the body stands at depth one, html of the sender goes",
			`<body>good</body><html xmlns="http://jabber.org/protocol/xhtml-im"><body xmlns="http://www.w3.org/1999/xhtml"><p>xhtml</p></body></html>`,
			`><body>good</body>` + goodHTML + `</message>`},
		{"INJ-15 V-9 row 2: a body inside an unknown element is no body",
			`<body>good</body><x xmlns="urn:unknown"><body>EVIL</body><subject>s</subject></x>`,
			`><body>good</body>` + goodHTML + `</message>`},
		{"V-9 row 3: both bodies with their languages",
			`<x xmlns="urn:unknown">foo</x><body>good</body><body xml:lang="de">gut</body>`,
			`><body>good</body><body xml:lang='de'>gut</body>` + goodHTML + `</message>`},
		{"V-9 row 4: a message inside a message stays there",
			`<f xmlns="urn:u"><message xmlns="jabber:component:accept" from="x@y"><body>nested</body></message></f><body>good</body>`,
			`><body>good</body>` + goodHTML + `</message>`},
		{"a body of a foreign namespace is no body",
			`<body xmlns="urn:u">EVIL</body><body>good</body>`,
			`><body>good</body>` + goodHTML + `</message>`},
		{"of two bodies in one language the first counts",
			`<body>good</body><body>EVIL</body>`,
			`><body>good</body>` + goodHTML + `</message>`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, _ := toMeshXML(t, in+test.payload+`</message>`, MessageOptions{})
			equal(t, got, meshOpen+test.want)
		})
	}
}

func TestInjectionUpstream(t *testing.T) {
	t.Run("INJ-14 what looks like a second stanza stays text, attributes are the five", func(t *testing.T) {
		got, _ := toServerXML(t, `<message xmlns:e='urn:evil' e:from='x@y' from='juliet@pronto' to='z@bridge' id='1' x='y' type='chat'>`+
			`<body e:a='1' b='2'>a&lt;/body>&lt;/message>&lt;message to='ceo@example.com'>&lt;body>b</body></message>`)
		equal(t, got, serverOpen+` type='chat' id='1'><body>a&lt;/body&gt;&lt;/message&gt;&lt;message to='ceo@example.com'&gt;&lt;body&gt;b</body></message>`)
	})
	t.Run("INJ-8 no address in the message chooses sender or recipient", func(t *testing.T) {
		got, out := toServerXML(t, `<message from='admin@example.com' to='ceo@example.com' id='1'>`+
			`<addresses xmlns='http://jabber.org/protocol/address'><address type='to' jid='victim@example.com'/></addresses>`+
			`<subject>to: victim@example.com</subject><body>hi</body><thread>victim@example.com</thread></message>`)
		equal(t, got, serverOpen+` id='1'><body>hi</body><subject>to: victim@example.com</subject><thread>victim@example.com</thread></message>`)
		if out.Left != 1 {
			t.Errorf("%d children left behind, want 1", out.Left)
		}
	})
	for _, claim := range authority {
		name, _, _ := strings.Cut(strings.TrimPrefix(claim, "<"), " ")
		t.Run("INJ-16 stays behind beside a body: "+name, func(t *testing.T) {
			got, out := toServerXML(t, `<message id='1'><body>hi</body>`+claim+`</message>`)
			equal(t, got, serverOpen+` id='1'><body>hi</body></message>`)
			if out.Left != 1 {
				t.Errorf("%d children left behind, want 1", out.Left)
			}
		})
		t.Run("INJ-16 alone it goes nowhere: "+name, func(t *testing.T) {
			if got, out := toServerXML(t, `<message id='1'>`+claim+`</message>`); out.Dropped != "MAP-M10" {
				t.Errorf("%+v %s", out, got)
			}
		})
		t.Run("INJ-35 stays behind on the way to the mesh: "+name, func(t *testing.T) {
			got, _ := toMeshXML(t, `<message id='1'><body>good</body>`+claim+`</message>`, MessageOptions{})
			equal(t, got, meshOpen+` id='1'><body>good</body>`+goodHTML+`</message>`)
		})
	}
}

// authority lists payloads that claim something on somebody's behalf.
var authority = []string{
	`<sent xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='ceo@example.com'><body>x</body></message></forwarded></sent>`,
	`<received xmlns='urn:xmpp:carbons:2'/>`,
	`<forwarded xmlns='urn:xmpp:forward:0'/>`,
	`<privilege xmlns='urn:xmpp:privilege:2'><perm access='message' type='outgoing'/></privilege>`,
	`<result xmlns='urn:xmpp:mam:2' id='1'/>`,
	`<addresses xmlns='http://jabber.org/protocol/address'><address type='to' jid='victim@example.com'/></addresses>`,
	`<stanza-id xmlns='urn:xmpp:sid:0' id='1' by='example.com'/>`,
	`<x xmlns='http://jabber.org/protocol/muc#user'><invite from='ceo@example.com'/></x>`,
	`<x xmlns='jabber:x:conference' jid='room@example.com'/>`,
	`<event xmlns='http://jabber.org/protocol/pubsub#event'><items node='urn:xmpp:avatar:metadata'/></event>`,
	`<query xmlns='jabber:iq:roster'><item jid='x@y'/></query>`,
	`<query xmlns='jabber:iq:register'/>`,
	`<propose xmlns='urn:xmpp:jingle-message:0' id='1'/>`,
	`<x xmlns='vcard-temp:x:update'><photo/></x>`,
}

func TestMessageForBonjour(t *testing.T) {
	t.Run("MAP-M16 V-11 body and the html form of it, escaped once", func(t *testing.T) {
		got, _ := toMeshXML(t, "<message from='nurse@example.com/x' to='"+proxyJID+"' type='chat' id='m1'><body>a &lt;b&gt;x&lt;/b&gt; &amp; y\n\"q\"</body></message>", MessageOptions{})
		equal(t, got, meshOpen+` type='chat' id='m1'><body>a &lt;b&gt;x&lt;/b&gt; &amp; y`+"\n"+
			`"q"</body><html xmlns='http://www.w3.org/1999/xhtml'><body><font>a &lt;b&gt;x&lt;/b&gt; &amp; y<br/>"q"</font></body></html></message>`)
	})
	t.Run("MAP-M16 html of the sender does not reach the mesh", func(t *testing.T) {
		got, _ := toMeshXML(t, `<message><body>good</body><html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'><img src='http://evil.example/'/></body></html></message>`, MessageOptions{})
		equal(t, got, meshOpen+`><body>good</body>`+goodHTML+`</message>`)
	})
	t.Run("MAP-M16 other line ends", func(t *testing.T) {
		got, _ := toMeshXML(t, `<message><body>a&#13;&#10;b&#13;c`+"\n"+`</body></message>`, MessageOptions{})
		equal(t, got, meshOpen+`><body>a&#13;`+"\n"+`b&#13;c`+"\n"+`</body><html xmlns='http://www.w3.org/1999/xhtml'><body><font>a<br/>b<br/>c<br/></font></body></html></message>`)
	})
	t.Run("MAP-M16 V-11 the other way html and event request of libpurple are left behind", func(t *testing.T) {
		got, out := toServerXML(t, `<message to='`+proxyInstance+`' from='juliet@pronto' type='chat'><body>a &lt;b&gt;x&lt;/b&gt;</body>`+
			`<html xmlns='http://www.w3.org/1999/xhtml'><body><font>a &lt;b&gt;x&lt;/b&gt;</font></body></html>`+
			`<x xmlns='jabber:x:event'><composing/></x></message>`)
		equal(t, got, serverOpen+` type='chat' id='new-1'><body>a &lt;b&gt;x&lt;/b&gt;</body><origin-id xmlns='urn:xmpp:sid:0' id='new-1'/></message>`)
		if out.Left != 2 {
			t.Errorf("%d children left behind, want 2", out.Left)
		}
	})
	t.Run("LL-STR-16 MAP-M14 the addresses are the instances, whatever resources were there", func(t *testing.T) {
		bare, _ := toMeshXML(t, `<message from='nurse@example.com' to='`+proxyJID+`' id='1'><body>good</body></message>`, MessageOptions{})
		full, _ := toMeshXML(t, `<message from='nurse@example.com/x' to='`+proxyJID+`/y' id='1'><body>good</body></message>`, MessageOptions{})
		equal(t, full, bare)
		equal(t, full, meshOpen+` id='1'><body>good</body>`+goodHTML+`</message>`)
	})
}

func TestMessageKept(t *testing.T) {
	const kept = `<body>good</body>` + goodHTML + `<subject xml:lang='en'>s</subject><thread parent='p'>t</thread></message>`
	for _, kind := range []string{` type='chat'`, ` type='normal'`, ``} {
		t.Run("MAP-M1 kept: type, body, subject, thread with parent, language, id"+kind, func(t *testing.T) {
			const payload = `><thread parent='p'>t</thread><subject xml:lang='en'>s</subject><body>good</body></message>`
			got, _ := toMeshXML(t, `<message`+kind+` id=' Id&amp; ' xml:lang='de'`+payload, MessageOptions{})
			equal(t, got, meshOpen+kind+` id=' Id&amp; ' xml:lang='de'>`+kept)
			got, _ = toServerXML(t, `<message`+kind+` id=' Id&amp; ' xml:lang='de'`+payload)
			equal(t, got, serverOpen+kind+` id=' Id&amp; ' xml:lang='de'>`+strings.Replace(kept, goodHTML, "", 1))
		})
	}
	t.Run("an unknown type means normal", func(t *testing.T) {
		got, _ := toServerXML(t, `<message type='set' id='1'><body>a</body></message>`)
		equal(t, got, serverOpen+` id='1'><body>a</body></message>`)
	})
	t.Run("MAP-M2 the body shown first: no language, else the configured one", func(t *testing.T) {
		const bodies = `<body xml:lang='en'>hello</body><body xml:lang='de-AT'>servus</body>`
		for _, test := range []struct{ payload, lang, first string }{
			{bodies, "", "hello"},
			{bodies, "fr", "hello"},
			{bodies, "DE", "servus"},
			{bodies + `<body>?</body>`, "de", "?"},
		} {
			s, _ := MessageToMesh(read(t, stanza.Component, `<message>`+test.payload+`</message>`), proxyInstance, juliet, MessageOptions{Lang: test.lang})
			got := s.Children("", "body")
			if len(got) != strings.Count(test.payload, "<body") || got[0].Text() != test.first {
				t.Errorf("lang %q: %d bodies, first %q, want %q", test.lang, len(got), got[0].Text(), test.first)
			}
			if shown := s.Child(nsXHTML, "html").Child(nsXHTML, "body").Child(nsXHTML, "font").Text(); shown != test.first {
				t.Errorf("lang %q: html shows %q, want %q", test.lang, shown, test.first)
			}
		}
	})
	t.Run("MAP-M12 characters that XML forbids are removed", func(t *testing.T) {
		m := stanza.Stanza{Kind: stanza.Message, ID: "1", Payload: []*stanza.Element{stanza.New("", "body").AddText("a\x01b\uFFFEc\xffd")}}
		s, _ := MessageToServer(m, proxyJID, nurse, ids(), MessageOptions{})
		text := write(stanza.Component, s)
		if got := read(t, stanza.Component, text).Child("", "body").Text(); got != "abc\uFFFDd" {
			t.Errorf("body %q from %s", got, text)
		}
	})
	t.Run("MAP-M17 every message without an id gets one of its own, and an origin-id", func(t *testing.T) {
		next := ids()
		for _, want := range []string{"new-1", "new-2"} {
			m := read(t, stanza.Client, `<message><body>a</body><origin-id xmlns='urn:xmpp:sid:0' id='forged'/></message>`)
			s, _ := MessageToServer(m, proxyJID, nurse, next, MessageOptions{})
			equal(t, write(stanza.Component, s), serverOpen+` id='`+want+`'><body>a</body><origin-id xmlns='urn:xmpp:sid:0' id='`+want+`'/></message>`)
		}
	})
}

func TestMessageTypes(t *testing.T) {
	t.Run("MAP-M6 MAP-M7 groupchat does not cross here either", func(t *testing.T) {
		if _, out := toMeshXML(t, `<message type='groupchat'><body>a</body></message>`, MessageOptions{}); out.Dropped != "MAP-M6" {
			t.Errorf("to the mesh: %+v", out)
		}
		if _, out := toServerXML(t, `<message type='groupchat'><body>a</body></message>`); out.Dropped != "MAP-M7" {
			t.Errorf("to the server: %+v", out)
		}
	})
	t.Run("INJ-13 INJ-18 only messages are translated", func(t *testing.T) {
		for xml, rule := range map[string]string{`<presence type='subscribed'/>`: "INJ-13", `<iq type='get' id='1'/>`: "INJ-18"} {
			if _, out := toServerXML(t, xml); out.Dropped != rule {
				t.Errorf("%s: %+v", xml, out)
			}
			if _, out := toMeshXML(t, xml, MessageOptions{}); out.Dropped != rule {
				t.Errorf("%s: %+v", xml, out)
			}
		}
	})
	t.Run("MAP-M8 a headline keeps its type", func(t *testing.T) {
		got, _ := toMeshXML(t, `<message type='headline'><body>good</body></message>`, MessageOptions{})
		equal(t, got, meshOpen+` type='headline'><body>good</body>`+goodHTML+`</message>`)
	})
}

func TestManyLines(t *testing.T) {
	text := strings.Repeat("\n", 3*maxLines) + "the end"
	in := stanza.Stanza{Kind: stanza.Message, Type: "chat", Payload: []*stanza.Element{stanza.New("", "body").AddText(text)}}
	out, outcome := MessageToMesh(in, "a@office", "b@pronto", MessageOptions{})
	if !outcome.Crosses() || out.Child("", "body").Text() != text {
		t.Fatal("the body did not cross whole")
	}
	font := out.Child(nsXHTML, "html").Child(nsXHTML, "body").Child(nsXHTML, "font")
	if n := len(font.Children(nsXHTML, "br")); n != maxLines-1 {
		t.Errorf("%d line breaks, want %d", n, maxLines-1)
	}
	if !strings.HasSuffix(font.Text(), "the end") {
		t.Error("the html does not hold all of the text")
	}
}
