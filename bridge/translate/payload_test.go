package translate

import (
	"strings"
	"testing"

	"meshbridge/internal/stanza"
)

// crossing is what a payload beside or without a body becomes.
type crossing struct {
	name, payload  string
	mesh, server   string // what is left of it beside a body, "" for nothing
	alone          bool   // worth a message of its own
	aloneOnMeshToo bool   // also to a client of unknown abilities
}

var crossings = []crossing{
	{"MAP-M3 chat state", `<composing xmlns='http://jabber.org/protocol/chatstates'/>`,
		`<composing xmlns='http://jabber.org/protocol/chatstates'/>`, `<composing xmlns='http://jabber.org/protocol/chatstates'/>`, true, false},
	{"MAP-M4 receipt request", `<request xmlns='urn:xmpp:receipts'/>`,
		`<request xmlns='urn:xmpp:receipts'/>`, `<request xmlns='urn:xmpp:receipts'/>`, false, false},
	{"MAP-M4 receipt", `<received xmlns='urn:xmpp:receipts' id='7'/>`,
		`<received xmlns='urn:xmpp:receipts' id='7'/>`, `<received xmlns='urn:xmpp:receipts' id='7'/>`, true, true},
	{"MAP-M5 correction", `<replace xmlns='urn:xmpp:message-correct:0' id='6'/>`,
		`<replace xmlns='urn:xmpp:message-correct:0' id='6'/>`, `<replace xmlns='urn:xmpp:message-correct:0' id='6'/>`, false, false},
	{"MAP-M5 marker", `<displayed xmlns='urn:xmpp:chat-markers:0' id='6' sender='x@y'/>`,
		`<displayed xmlns='urn:xmpp:chat-markers:0' id='6'/>`, `<displayed xmlns='urn:xmpp:chat-markers:0' id='6'/>`, true, true},
	{"MAP-M5 markable", `<markable xmlns='urn:xmpp:chat-markers:0'/>`,
		`<markable xmlns='urn:xmpp:chat-markers:0'/>`, `<markable xmlns='urn:xmpp:chat-markers:0'/>`, false, false},
	{"MAP-M5 link", `<x xmlns='jabber:x:oob'><url>https://example.com/a&amp;b<i/></url><desc>d</desc><other/></x>`,
		`<x xmlns='jabber:x:oob'><url>https://example.com/a&amp;b</url><desc>d</desc></x>`, `<x xmlns='jabber:x:oob'><url>https://example.com/a&amp;b</url><desc>d</desc></x>`, true, true},
	{"MAP-M5 INJ-16 delay, to the mesh only and without its origin", `<delay xmlns='urn:xmpp:delay' from='example.com' stamp='2020-01-01T00:00:00Z'>Offline</delay>`,
		`<delay xmlns='urn:xmpp:delay' stamp='2020-01-01T00:00:00Z'/>`, ``, false, false},
	{"MAP-M5 origin-id", `<origin-id xmlns='urn:xmpp:sid:0' id='o'/>`,
		`<origin-id xmlns='urn:xmpp:sid:0' id='o'/>`, `<origin-id xmlns='urn:xmpp:sid:0' id='o'/>`, false, false},
	{"MAP-M10 event request", `<x xmlns='jabber:x:event'><composing/></x>`, ``, ``, false, false},
	{"MAP-M15 hints", `<store xmlns='urn:xmpp:hints'/><no-copy xmlns='urn:xmpp:hints'/><private xmlns='urn:xmpp:carbons:2'/>`, ``, ``, false, false},
	{"thread", `<thread>t</thread>`, `<thread>t</thread>`, `<thread>t</thread>`, false, false},
	{"subject", `<subject>s</subject>`, `<subject>s</subject>`, `<subject>s</subject>`, true, true},
}

func TestPayload(t *testing.T) {
	for _, c := range crossings {
		t.Run(c.name+" beside a body", func(t *testing.T) {
			const body = `<message id='1'><body>good</body>`
			got, _ := toMeshXML(t, body+c.payload+`</message>`, MessageOptions{})
			equal(t, got, meshOpen+` id='1'><body>good</body>`+goodHTML+c.mesh+`</message>`)
			got, _ = toServerXML(t, body+c.payload+`</message>`)
			equal(t, got, serverOpen+` id='1'><body>good</body>`+c.server+`</message>`)
		})
		t.Run(c.name+" alone", func(t *testing.T) {
			got, out := toServerXML(t, `<message id='1'>`+c.payload+`</message>`)
			if out.Crosses() != c.alone {
				t.Errorf("to the server: %+v %s", out, got)
			}
			got, out = toMeshXML(t, `<message id='1'>`+c.payload+`</message>`, MessageOptions{})
			if out.Crosses() != c.aloneOnMeshToo {
				t.Errorf("to the mesh: %+v %s", out, got)
			}
		})
	}
	t.Run("MAP-M3 a chat state alone goes to a client that understands it", func(t *testing.T) {
		const active = `<message><active xmlns='http://jabber.org/protocol/chatstates'/></message>`
		if _, out := toMeshXML(t, active, MessageOptions{}); out.Dropped != "MAP-M3" {
			t.Errorf("%+v", out)
		}
		got, _ := toMeshXML(t, active, MessageOptions{ChatStates: true})
		equal(t, got, meshOpen+`><active xmlns='http://jabber.org/protocol/chatstates'/></message>`)
	})
	t.Run("MAP-M10 nothing on the list, nothing sent", func(t *testing.T) {
		for _, payload := range []string{``, `<body/>`, `<x xmlns='jabber:x:event'><composing/></x>`, `<html xmlns='http://www.w3.org/1999/xhtml'><body>a</body></html>`} {
			if got, out := toServerXML(t, `<message>`+payload+`</message>`); out.Dropped != "MAP-M10" {
				t.Errorf("%s: %+v %s", payload, out, got)
			}
			if got, out := toMeshXML(t, `<message>`+payload+`</message>`, MessageOptions{}); out.Dropped != "MAP-M10" {
				t.Errorf("%s: %+v %s", payload, out, got)
			}
		}
	})
	t.Run("a repeated payload crosses once", func(t *testing.T) {
		got, _ := toServerXML(t, `<message id='1'><body>a</body><origin-id xmlns='urn:xmpp:sid:0' id='o'/><origin-id xmlns='urn:xmpp:sid:0' id='p'/></message>`)
		equal(t, got, serverOpen+` id='1'><body>a</body><origin-id xmlns='urn:xmpp:sid:0' id='o'/></message>`)
	})
	t.Run("thousands of links or languages do not cross", func(t *testing.T) {
		links := strings.Repeat(`<x xmlns='jabber:x:oob'><url>u</url></x>`, 1000)
		s, out := MessageToServer(read(t, stanza.Client, `<message>`+links+`</message>`), proxyJID, nurse, ids(), MessageOptions{})
		if n := len(s.Children(nsOOB, "x")); n != 16 || out.Left != 984 {
			t.Errorf("%d links, %d left behind", n, out.Left)
		}
	})
}

func TestOpaque(t *testing.T) {
	const omemo = `<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'><key rid='2'>a&amp;b</key></header><payload>c</payload></encrypted>`
	options := MessageOptions{Opaque: []stanza.Name{{Space: "eu.siacs.conversations.axolotl", Local: "encrypted"}, {Local: "body"}, {Local: "evil"}}}
	t.Run("MAP-M11 encryption: the fallback body crosses, the element only when listed, untouched", func(t *testing.T) {
		const in = `<message id='1'><body>good</body>` + omemo + `</message>`
		got, _ := toMeshXML(t, in, MessageOptions{})
		equal(t, got, meshOpen+` id='1'><body>good</body>`+goodHTML+`</message>`)
		got, _ = toMeshXML(t, in, options)
		equal(t, got, meshOpen+` id='1'><body>good</body>`+goodHTML+omemo+`</message>`)
		s, _ := MessageToServer(read(t, stanza.Client, `<message id='1'>`+omemo+`</message>`), proxyJID, nurse, ids(), options)
		equal(t, write(stanza.Component, s), serverOpen+` id='1'>`+omemo+`</message>`)
	})
	t.Run("names of the content namespace cannot be listed", func(t *testing.T) {
		s, _ := MessageToServer(read(t, stanza.Client, `<message id='1'><body>a</body><evil/></message>`), proxyJID, nurse, ids(), options)
		equal(t, write(stanza.Component, s), serverOpen+` id='1'><body>a</body></message>`)
	})
	t.Run("a copy shares nothing with the original", func(t *testing.T) {
		m := read(t, stanza.Client, `<message id='1'>`+omemo+`</message>`)
		s, _ := MessageToServer(m, proxyJID, nurse, ids(), options)
		before := write(stanza.Component, s)
		m.Payload[0].Nodes[0].Element.With("sid", "9").Nodes[0].Element.Nodes[0].Text = "x"
		equal(t, write(stanza.Component, s), before)
	})
}
