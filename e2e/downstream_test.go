//go:build linux

package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// testDownstream has the server say things to the component, for Juliet.
func (m *mesh) testDownstream(t *testing.T) {
	t.Run("LL-STR-16 V-9 delivered to Juliet from Alice's proxy instance", func(t *testing.T) {
		m.server.send(t, aliceSays("id='d1'", "<body>down</body>"))
		n, h := m.juliet.hears(t, soon, "down")
		if n.attr("from") != aliceInstance || n.attr("to") != julietInstance || n.attr("id") != "d1" ||
			h.attr("from") != aliceInstance || h.attr("to") != julietInstance {
			t.Errorf("it was %+v on a stream %+v", n, h)
		}
	})
	t.Run("MAP-M16 written for a Bonjour client as in V-11", func(t *testing.T) {
		m.server.send(t, aliceSays("id='m1'", "<body>a &lt;b&gt;x&lt;/b&gt; &amp; y\n\"q\"</body>"))
		m.juliet.hears(t, soon, "a <b>x</b> & y\n\"q\"")
		want := `<font>a &lt;b&gt;x&lt;/b&gt; &amp; y<br/>"q"</font>`
		if got := strings.ReplaceAll(m.juliet.heard(), "&quot;", `"`); !strings.Contains(got, want) {
			t.Errorf("no %s in %q", want, got)
		}
	})
	t.Run("nested and foreign elements", m.testNested)
	t.Run("not for Juliet", m.testNotForJuliet)
	t.Run("LL-5-1 no presence was ever written to the mesh", func(t *testing.T) {
		if strings.Contains(m.juliet.heard()+m.romeo.heard(), "<presence") {
			t.Error("one was")
		}
	})
}

func (m *mesh) testNested(t *testing.T) {
	for _, c := range []struct{ name, children, body string }{
		{"V-9 nested row 1: html beside the body", `<body>good 1</body><html xmlns="http://jabber.org/protocol/xhtml-im"><body xmlns="http://www.w3.org/1999/xhtml"><p>EVIL</p></body></html>`, "good 1"},
		{"INJ-15 V-9 nested row 2: a body in an unknown element", `<body>good 2</body><x xmlns="urn:unknown"><body>EVIL</body><subject>EVIL</subject></x>`, "good 2"},
		{"INJ-15 V-9 nested row 4: a message in an unknown element", `<f xmlns="urn:u"><message xmlns="jabber:component:accept" from="x@y"><body>EVIL</body></message></f><body>outer</body>`, "outer"},
		{"INJ-35 a carbon's wrapper and an invitation", `<body>good 5</body><received xmlns="urn:xmpp:carbons:2"><forwarded xmlns="urn:xmpp:forward:0"><message><body>EVIL</body></message></forwarded></received><x xmlns="http://jabber.org/protocol/muc#user"><invite from="EVIL@example.org"/></x>`, "good 5"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m.server.send(t, aliceSays("", c.children))
			m.juliet.hears(t, soon, c.body)
			if strings.Contains(m.juliet.heard(), "EVIL") {
				t.Errorf("Juliet was told %q", m.juliet.heard())
			}
		})
	}
	t.Run("MAP-M2 V-9 nested row 3: both bodies, the one without language first", func(t *testing.T) {
		m.server.send(t, aliceSays("", `<x xmlns="urn:unknown">foo</x><body xml:lang="de">gut</body><body>good 3</body>`))
		n, _ := m.juliet.hears(t, soon, "good 3")
		var bodies []string
		for _, c := range n.Nodes {
			if c.XMLName.Local == "body" {
				bodies = append(bodies, c.Text)
			}
		}
		if !slices.Equal(bodies, []string{"good 3", "gut"}) {
			t.Errorf("the bodies are %q", bodies)
		}
	})
}

func (m *mesh) testNotForJuliet(t *testing.T) {
	t.Run("INJ-31 INJ-32 without from, and from the component itself: not delivered", func(t *testing.T) {
		m.server.send(t, fmt.Sprintf(`<message to="%s" type="chat"><body>no from</body></message>`, julietJID))
		m.server.send(t, fmt.Sprintf(`<message from="x@%s" to="%s" type="chat"><body>loop</body></message>`, domain, julietJID))
		m.server.send(t, aliceSays("", "<body>after the loop</body>"))
		m.juliet.hears(t, soon, "after the loop")
		if heard := m.juliet.heard(); strings.Contains(heard, "no from") || strings.Contains(heard, "<body>loop") {
			t.Errorf("Juliet was told %q", heard)
		}
	})
	for _, c := range []struct{ name, to, stanza, want string }{
		{"INJ-11 to Alice's own proxy instance: no relay between XMPP users", `alice\5c40example.org\40office@` + domain,
			`<message from="%s/x" to="%s" id="q1" type="chat"><body>round trip</body></message>`, "item-not-found"},
		{"INJ-35 a roster set", julietJID,
			`<iq from="%s/x" to="%s" id="q2" type="set"><query xmlns="jabber:iq:roster"/></iq>`, "service-unavailable"},
	} {
		t.Run(c.name, func(t *testing.T) {
			answers := m.server.stanzas.now()
			m.server.send(t, fmt.Sprintf(c.stanza, aliceJID, quoted(c.to)))
			n := answers.await(t, soon, "an error", func(s stanzaIn) bool { return s.attr("type") == "error" })
			if e, _ := n.child("error"); e.condition() != c.want || n.attr("from") != c.to || n.attr("to") != aliceJID+"/x" {
				t.Errorf("the answer is %s, want %s", n.raw, c.want)
			}
		})
	}
}

// aliceSays is a message of Alice to Juliet.
func aliceSays(attrs, children string) string {
	return fmt.Sprintf(`<message from="%s/x" to="%s" type="chat" %s>%s</message>`, aliceJID, julietJID, attrs, children)
}
