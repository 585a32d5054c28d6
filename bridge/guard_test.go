package bridge

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"meshbridge/bridge/policy"
	"meshbridge/internal/stanza"
)

// eve is somebody on the server whom nobody has let in.
const eve = "eve@else.example"

func TestGuard(t *testing.T) {
	scene(t, "INJ-9 a proxy whose owner is not let in any more: forbidden, and nothing upstream", func(o *office) {
		_, juliet := o.together()
		before := len(o.upstreamSaw())
		o.gateway.post(due{new(alarm), func() { delete(o.gateway.policy.Listed, aliceJID) }})
		juliet.writes(aliceInstance, "hello")
		o.pass(3 * time.Second)
		got := stanzas(juliet.got())
		o.expect("Juliet is told", errorsIn(got), aliceInstance+" forbidden")
		if n := len(o.upstreamSaw()) - before; n != 0 || len(messagesIn(got)) != 2 {
			o.Errorf("%d stanzas went upstream, Juliet got %+v", n, got)
		}
	})
	scene(t, "INJ-11 no way from colleague to colleague, nor from peer to peer", func(o *office) {
		s := o.dialled
		juliet := o.juliet()
		romeo := o.joins(romeoName, "forza", "10.2.1.188/24", "txtvers=1")
		o.start()
		s.comesOnline("phone", "")
		s.says(presenceFrom("bob@example.org/x", "", ""))
		o.pass(3 * time.Second)
		s.got()
		bobsProxy := localOf(`bob\40example.org@office`) + "@" + component
		s.says(`<message from='` + aliceJID + `/phone' to='` + bobsProxy + `'><body>psst</body></message>`)
		s.says(`<iq type='get' id='1' from='` + aliceJID + `/phone' to='` + bobsProxy + `'><ping xmlns='urn:xmpp:ping'/></iq>`)
		o.expect("Alice is told", errorsIn(s.got()), bobsProxy+" item-not-found", bobsProxy+" item-not-found")
		juliet.raw(aliceInstance, `<message to='`+romeoName+`'><body>psst</body></message>`)
		o.expect("Juliet is told", errorsIn(stanzas(juliet.got())), aliceInstance+" item-not-found")
		o.pass(5 * time.Second)
		o.expectCount("INJ-11", 2)
		s.says(`<presence type='probe' from='` + aliceJID + `' to='` + bobsProxy + `'/>`)
		o.expect("a probe", s.told(), bobsProxy+" -> "+aliceJID+": unsubscribed")
		if up, down := s.got(), romeo.got(); len(up)+len(down) != 0 {
			o.Errorf("upstream %+v, Romeo %+v", up, down)
		}
	}, standInHere, func(o *office) { o.list("bob@example.org", "Bob") })
	scene(t, "INJ-13 a forged subscribed on the mesh is dropped, and any other presence", func(o *office) {
		_, juliet := o.together()
		before := len(o.upstreamSaw())
		for _, kind := range []string{"subscribed", "subscribe", "unavailable", "probe"} {
			juliet.raw(aliceInstance, `<presence to='`+aliceInstance+`' type='`+kind+`'/>`)
		}
		juliet.raw(aliceInstance, `<presence/>`)
		if n := len(o.upstreamSaw()) - before; n != 0 || len(juliet.got()) != 0 {
			o.Errorf("%d stanzas went upstream", n)
		}
		o.expectCount("INJ-13", 5)
	})
	scene(t, "INJ-17 errors are never answered with errors, whoever sends them", func(o *office) {
		alice, juliet := o.together()
		before := len(o.upstreamSaw())
		bad := `<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>`
		juliet.raw(aliceInstance, `<message type='error' id='x' to='`+aliceInstance+`'>`+bad+`</message>`)
		juliet.raw(aliceInstance, `<message type='error' id='x' to='nobody@nowhere'>`+bad+`</message>`)
		juliet.raw(aliceInstance, `<iq type='error' id='x' to='`+aliceInstance+`'>`+bad+`</iq>`)
		juliet.raw(aliceInstance, `<iq type='result' id='x' to='`+aliceInstance+`'/>`)
		for _, to := range []string{julietJID, component, `nobody\40nowhere@` + component} {
			for _, kind := range []stanza.Kind{stanza.Message, stanza.IQ} {
				alice.Write(stanza.Stanza{Kind: kind, Type: "error", ID: "x", To: to, Payload: []*stanza.Element{policy.NeverSeen.StanzaError().Element()}})
			}
		}
		o.pass(3 * time.Second)
		if n := len(o.upstreamSaw()) - before; n != 0 || len(juliet.got()) != 0 {
			o.Errorf("%d answers upstream, or some on the mesh", n)
		}
	})
	scene(t, "INJ-18 INJ-35 MAP-X4 MAP-X10 no set and nothing unknown crosses; the sender is told", func(o *office) {
		alice, juliet := o.together()
		before := len(o.upstreamSaw())
		for i, child := range []string{
			`<query xmlns='jabber:iq:roster'><item jid='evil@example.com'/></query>`, `<pubsub xmlns='http://jabber.org/protocol/pubsub'/>`,
			`<si xmlns='http://jabber.org/protocol/si'/>`, `<query xmlns='jabber:iq:register'/>`, `<vCard xmlns='vcard-temp'/>`,
		} {
			juliet.raw(aliceInstance, fmt.Sprintf(`<iq type='set' id='%d' to='%s'>%s</iq>`, i, aliceInstance, child))
		}
		o.expect("Juliet is told", errorsIn(stanzas(juliet.got())), times(5, aliceInstance+" service-unavailable")...)
		if n := len(o.upstreamSaw()) - before; n != 0 {
			o.Errorf("%d stanzas went upstream", n)
		}
		for i, space := range []string{"jabber:iq:roster", "http://jabber.org/protocol/pubsub", "http://jabber.org/protocol/si", "jabber:iq:register", "urn:xmpp:jingle:1", "urn:xmpp:mam:2", "urn:xmpp:carbons:2", "urn:xmpp:blocking"} {
			alice.Write(iq("set", fmt.Sprint(i), julietJID, stanza.New(space, "query")))
		}
		o.expect("Alice is told", errorsIn(alice.got()), times(8, julietJID+" service-unavailable")...)
		if got := juliet.got(); len(got) != 0 {
			o.Errorf("Juliet got %+v", got)
		}
	})
	scene(t, "INJ-16 INJ-35 only listed children cross, both ways", func(o *office) {
		alice, juliet := o.together()
		evil := `<sent xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'/></sent>` +
			`<addresses xmlns='http://jabber.org/protocol/address'><address jid='victim@example.com'/></addresses>` +
			`<x xmlns='http://jabber.org/protocol/muc#user'/><html xmlns='http://jabber.org/protocol/xhtml-im'/>`
		juliet.raw(aliceInstance, `<message to='`+aliceInstance+`' id='1'><body>good</body>`+evil+`</message>`)
		up := alice.got()
		for _, e := range []string{"urn:xmpp:carbons:2 sent", "http://jabber.org/protocol/address addresses", "http://jabber.org/protocol/muc#user x", "http://jabber.org/protocol/xhtml-im html"} {
			space, local, _ := strings.Cut(e, " ")
			if up[0].Child(space, local) != nil {
				o.Errorf("%s crossed", e)
			}
		}
		alice.Write(stanza.Stanza{Kind: stanza.Message, To: julietJID, ID: "2", Payload: []*stanza.Element{
			stanza.New("urn:xmpp:carbons:2", "sent"), stanza.New("", "body").AddText("good"),
			stanza.New("http://jabber.org/protocol/muc#user", "x"), stanza.New("http://jabber.org/protocol/address", "addresses"),
		}})
		o.pass(3 * time.Second)
		down := stanzas(juliet.got())
		if len(up) != 1 || len(down) != 1 || bodyOf(up[0]) != "good" || bodyOf(down[0]) != "good" || len(down[0].Payload) != 2 {
			o.Errorf("up %+v, down %+v", up, down)
		}
	})
}

func TestHeld(t *testing.T) {
	scene(t, "INJ-26 whoever takes Juliet's name on another host does not get what was meant for her; she does when she is back", func(o *office) {
		alice, juliet := o.together()
		juliet.signOff()
		o.pass(5 * time.Second)
		alice.writes(julietJID, "for Juliet")
		mallory := o.joins(julietName, "evil", "10.2.1.66/24", "txtvers=1")
		o.pass(30 * time.Second)
		o.expect("Mallory reads", mallory.reads())
		mallory.writes(aliceInstance, "I am Juliet") // a stream of hers does not change that
		o.pass(30 * time.Second)
		o.expect("Mallory reads", mallory.reads())
		mallory.signOff()
		o.pass(10 * time.Second)
		juliet.signOn("txtvers=1")
		o.pass(10 * time.Second)
		o.expect("Juliet reads", juliet.reads(), aliceInstance+": for Juliet")
	})
}

func TestConditions(t *testing.T) {
	scene(t, "GW-15 one case for each condition: id kept, addresses swapped", func(o *office) {
		s := o.dialled
		juliet := o.juliet()
		o.start()
		s.got()
		send := func(from, to, kind, inner string) stanza.Stanza {
			s.says(`<` + kind + ` id='the id' from='` + from + `/r' to='` + to + `'>` + inner + `</` + kind[:strings.IndexByte(kind+" ", ' ')] + `>`)
			got := s.got()
			if len(got) != 1 || got[0].ID != "the id" || got[0].From != to || got[0].To != from+"/r" || got[0].Type != "error" {
				o.Fatalf("to %s: %+v", inner, got)
			}
			return got[0]
		}
		body := `<body>x</body>`
		ping := `<ping xmlns='urn:xmpp:ping'/>`
		check := func(got stanza.Stanza, kind, condition string) {
			o.Helper()
			if e, _ := stanza.ErrorOf(got); e.Type != kind || e.Condition != condition || e.Text != "" {
				o.Errorf("got %+v, want %s %s", e, kind, condition)
			}
		}
		check(send(aliceJID, `no\40body@`+component, "message", body), "cancel", "item-not-found")
		check(send(aliceJID, `no\40body@`+component, "iq type='get'", ping), "cancel", "item-not-found")
		check(send(eve, julietJID, "message", body), "auth", "forbidden")
		check(send("dave@friends.example", julietJID, "message", body), "auth", "registration-required")
		check(send(aliceJID, julietJID, "iq type='get'", ping+ping), "modify", "bad-request")
		check(send(aliceJID, julietJID, "message", `<body>`+strings.Repeat("x", 300<<10)+`</body>`), "modify", "policy-violation")
		juliet.signOff()
		o.pass(5 * time.Second)
		check(send(aliceJID, julietJID, "iq type='get'", ping), "cancel", "service-unavailable")
		s.says(messageFrom(aliceJID+"/r", "kept"))
		o.expect("a sleeping peer", errorsIn(s.got()))
		check(send(aliceJID, julietJID, "message", body), "wait", "resource-constraint")
	}, standInHere, func(o *office) {
		o.cfg.Access.Domains = []string{"friends.example"}
		o.cfg.Outbox.PerRecipient = 1
	})
}

func times(n int, word string) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = word
	}
	return list
}
