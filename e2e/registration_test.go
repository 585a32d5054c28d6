//go:build linux

package e2e

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

const (
	bobJID      = "bob@example.org"
	bobInstance = `bob\40example.org@office`
	forzaName   = "romeo@forza"
	forzaJID    = `romeo\40forza@` + domain
)

// admittingAll is a server whose bridge lets everybody of the domain register.
func admittingAll(raise backend) backend {
	return func(t testing.TB, o *office) (server, setup) {
		t.Helper()
		server, way := raise(t, o)
		way.more = "access:\n  domains: [example.org]\n"
		return server, way
	}
}

// A guest is Bob, who is on nobody's list, in Alice's and Juliet's office, with Romeo
// to see what comes to the LAN byte by byte.
type guest struct {
	*scene
	bob   *client
	romeo *rawPeer
}

// TestRegistration is Bob's stay, and what Alice's two devices see of a chat.
func TestRegistration(t *testing.T) {
	g := &guest{scene: newScene(t, both, racing, admittingAll(onProsody))}
	g.romeo = g.newHost(t, "forza").newRawPeer(t, forzaName, "status=avail")
	g.tap.heard.start().await(t, soon, "Romeo is announced", announces(forzaName))
	g.bob = g.login(t, "bob")
	t.Run("registering", g.testRegister)
	t.Run("chatting", g.testChat)
	t.Run("leaving", g.testUnregister)
	t.Run("two devices", g.testCarbons)
	t.Run("at the end", g.testEnd)
}

func (g *guest) testRegister(t *testing.T) {
	t.Run("PRIV-5 INJ-33 who has not registered is not on the LAN, and cannot write there", func(t *testing.T) {
		if got := g.bob.asks(t, "registration", "to", domain); got != "not registered" {
			t.Errorf("he is %s", got)
		}
		bobs := g.bob.events.now()
		g.bob.do(t, "message", "to", julietJID, "body", "let me in", "id", "early")
		bobs.await(t, soon, "the answer", refusal("early", "registration-required"))
		if g.juliet.sees(t, bobInstance) {
			t.Error("Juliet sees him")
		}
	})
	t.Run("GW-3 GW-4 registered: one subscribe from the component, and he is on the LAN under his name", func(t *testing.T) {
		juliets := g.juliet.events.now()
		if got := g.bob.asks(t, "register", "to", domain, "nick", "Bobby"); got != "registered" {
			t.Fatalf("it ended with %s", got)
		}
		if e := juliets.await(t, soon, "Juliet sees Bob", signedOn(bobInstance)); e.Alias != "Bobby" {
			t.Errorf("his alias is %q", e.Alias)
		}
		if got := g.bob.asks(t, "registration", "to", domain); got != "registered as Bobby" {
			t.Errorf("he is %s", got)
		}
		if n := count(g.bob.events.all(), presence(domain, "subscribe")); n != 1 {
			t.Errorf("asked %d times", n)
		}
	})
	t.Run("GW-3 a registration outlives the bridge", func(t *testing.T) {
		juliets := g.juliet.events.now()
		g.bridge.kill(t)
		g.bridge.up(t)
		g.bridge.ready(t)
		bobs := g.bob.events.now()
		g.bob.do(t, "presence", "status", "still here")
		juliets.await(t, soon, "Juliet sees him", showsStatus(bobInstance, "available", "still here"))
		if got := g.bob.asks(t, "registration", "to", domain); got != "registered as Bobby" {
			t.Errorf("he is %s", got)
		}
		if _, asked := bobs.find(0, presence(domain, "subscribe")); asked {
			t.Error("asked again")
		}
	})
}

// refusal matches the error that answers a message.
func refusal(id, condition string) func(clientEvent) bool {
	return func(e clientEvent) bool {
		return e.Ev == "message" && e.Type == "error" && e.ID == id && strings.Contains(e.XML, "<"+condition+" ")
	}
}

func (g *guest) testChat(t *testing.T) {
	for _, who := range []string{julietJID, forzaJID} {
		bobs := g.bob.events.now()
		g.bob.do(t, "subscribe", "to", who)
		bobs.await(t, soon, "he sees "+who, presence(who, ""))
	}
	t.Run("GW-8 INJ-33 Bob and Juliet write to each other", func(t *testing.T) {
		bobs, juliets := g.bob.events.now(), g.juliet.events.now()
		g.bob.do(t, "message", "to", julietJID, "body", "hello Juliet", "id", "b1")
		juliets.await(t, soon, "Bob's message", gets(bobInstance, "hello Juliet"))
		g.juliet.send(t, bobInstance, "hello Bob")
		bobs.await(t, soon, "Juliet's message", body(julietJID, "hello Bob"))
	})
	g.bob.asks(t, "receipts")
	t.Run("MAP-M4 a request for a receipt reaches the LAN, and the receipt comes back", func(t *testing.T) {
		g.bob.do(t, "message", "to", forzaJID, "body", "did you get this?", "id", "b2")
		n, _ := g.romeo.hears(t, soon, "did you get this?")
		if _, asked := n.child("request"); !asked || n.attr("id") != "b2" {
			t.Fatalf("it came as %+v", n)
		}
		bobs := g.bob.events.now()
		g.toBob(t, `<message to='%s' from='%s'><received xmlns='urn:xmpp:receipts' id='b2'/></message>`)
		bobs.await(t, soon, "the receipt", carries(forzaJID, "urn:xmpp:receipts", `id="b2"`))
	})
	t.Run("MAP-M4 Romeo's request is answered by Bob's client", func(t *testing.T) {
		g.toBob(t, `<message to='%s' from='%s' type='chat' id='r1'><body>and you?</body><request xmlns='urn:xmpp:receipts'/></message>`)
		eventually(t, soon, "the receipt at Romeo's", func() bool {
			return strings.Contains(g.romeo.heard(), `id='r1'`) && strings.Contains(g.romeo.heard(), "<received ")
		})
	})
	t.Run("MAP-M5 a correction and a marker pass", func(t *testing.T) {
		g.bob.asks(t, "correct", "to", forzaJID, "body", "did you get that?", "replaces", "b2")
		n, _ := g.romeo.hears(t, soon, "did you get that?")
		if r, ok := n.child("replace"); !ok || r.attr("id") != "b2" {
			t.Errorf("it came as %+v", n)
		}
		g.bob.asks(t, "mark", "to", forzaJID, "marks", "r1")
		eventually(t, soon, "the marker", func() bool { return strings.Contains(g.romeo.heard(), "urn:xmpp:chat-markers:0") })
	})
	t.Run("MAP-M11 what is encrypted is answered and told in words, and Romeo is spared the sentence", func(t *testing.T) {
		bobs := g.bob.events.now()
		for i := range 2 {
			g.bob.do(t, "raw", "xml", fmt.Sprintf(`<message to='%s' type='chat' id='e%d'><body>[This message is OMEMO encrypted]</body>`+
				`<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'/><payload>c</payload></encrypted></message>`, forzaJID, i))
			bobs.await(t, soon, "the error", refusal(fmt.Sprint("e", i), "not-acceptable"))
		}
		told := func(e clientEvent) bool {
			return e.Ev == "message" && e.From == domain && strings.Contains(e.Body, "encrypted") && !strings.Contains(e.Body, "is not encrypted on") // SEC-3 says that
		}
		g.bob.do(t, "message", "to", forzaJID, "body", "plain again", "id", "b9")
		g.romeo.hears(t, soon, "plain again")
		if n := count(g.bob.events.all(), told); n != 1 {
			t.Errorf("told %d times in words", n)
		}
		if strings.Contains(g.romeo.heard(), "OMEMO") {
			t.Error("the sentence came through")
		}
	})
}

// toBob writes on a stream of Romeo's to Bob's proxy: format takes who it is to and from.
func (g *guest) toBob(t testing.TB, format string) {
	t.Helper()
	s, err := g.romeo.dial(g.lineTo(t, bobInstance), netip.Addr{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.conn.Close() })
	g.romeo.incoming.add(s)
	s.header(forzaName, bobInstance)
	s.say(format, quoted(bobInstance), forzaName)
}

// carries matches a message from a bare JID with these texts in its XML.
func carries(from string, texts ...string) func(clientEvent) bool {
	return func(e clientEvent) bool {
		if e.Ev != "message" || bare(e.From) != from {
			return false
		}
		for _, text := range texts {
			if !strings.Contains(e.XML, text) {
				return false
			}
		}
		return true
	}
}

func (g *guest) testUnregister(t *testing.T) {
	t.Run("GW-3 PRIV-5 unregistered: off the LAN, and everybody out of his contacts", func(t *testing.T) {
		bobs, juliets := g.bob.events.now(), g.juliet.events.now()
		if got := g.bob.asks(t, "unregister", "to", domain); got != "unregistered" {
			t.Fatalf("it ended with %s", got)
		}
		juliets.await(t, soon, "Bob is gone", signedOff(bobInstance))
		for _, who := range []string{domain, julietJID, forzaJID} {
			g.bob.events.start().await(t, soon, who+" is out of reach", presence(who, "unavailable"))
		}
		bobs.await(t, soon, "the roster is empty of us", func(e clientEvent) bool { return e.Ev == "iq" && strings.Contains(e.XML, `subscription="none"`) })
	})
	t.Run("GW-3 GW-15 twice is once too often, and nobody is written to any more", func(t *testing.T) {
		if got := g.bob.asks(t, "unregister", "to", domain); got != "registration-required" {
			t.Errorf("it ended with %s", got)
		}
		bobs := g.bob.events.now()
		g.bob.do(t, "message", "to", julietJID, "body", "one more thing", "id", "late")
		bobs.await(t, soon, "the answer", refusal("late", "registration-required"))
		g.bob.do(t, "presence", "status", "anybody?")
		if g.juliet.sees(t, bobInstance) {
			t.Error("Juliet sees him")
		}
	})
}

// testCarbons has Alice at two devices, the one on the desk with copies and a priority
// at which nothing is delivered to it by itself.
func (g *guest) testCarbons(t *testing.T) {
	desk := g.loginWith(t, g.srv, "alice", "desk")
	if got := desk.asks(t, "carbons"); got != "on" {
		t.Fatalf("carbons: %s", got)
	}
	desk.do(t, "raw", "xml", "<presence><priority>-1</priority></presence>")
	g.bothTalk(t, "before the copies") // the desk's presence is known by now
	copied := desk.events.now()
	copyOf := func(kind, text string) func(clientEvent) bool {
		return carries(aliceJID, "<"+kind+" ", "urn:xmpp:carbons:2", "<body>"+text+"</body>")
	}
	t.Run("MAP-M18 her other device sees what Juliet writes, and what she answers", func(t *testing.T) {
		juliets := g.juliet.events.now()
		g.juliet.send(t, aliceInstance, "are you there?")
		copied.await(t, soon, "Juliet's message", copyOf("received", "are you there?"))
		g.alice.do(t, "message", "to", julietJID, "body", "yes", "id", "c1")
		copied.await(t, soon, "Alice's answer", copyOf("sent", "yes"))
		juliets.await(t, soon, "the answer at Juliet's", gets(aliceInstance, "yes"))
	})
	t.Run("MAP-M18 MAP-M15 answers of both devices come to one Juliet, once each, and hers go to the bare JID", func(t *testing.T) {
		juliets := g.juliet.events.now()
		desk.do(t, "message", "to", julietJID, "body", "from the desk", "id", "c2")
		juliets.await(t, soon, "the desk's", gets(aliceInstance, "from the desk"))
		alices := g.alice.events.now()
		g.juliet.send(t, aliceInstance, "which one is it?")
		if e := alices.await(t, soon, "Juliet's", body(julietJID, "which one is it?")); e.To != aliceJID {
			t.Errorf("to %s", e.To)
		}
		for _, text := range []string{"yes", "from the desk"} {
			if n := count(g.juliet.events.all(), gets(aliceInstance, text)); n != 1 {
				t.Errorf("Juliet got %q %d times", text, n)
			}
		}
	})
	desk.logout(t)
}
