package bridge

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
	"meshbridge/upstream/embedded"
)

func TestNotAuthenticated(t *testing.T) {
	scene(t, "INJ-1 while the server thinks about the handshake nothing of Juliet's message is written, and then it is", func(o *office) {
		alice, juliet := o.alice(), o.juliet()
		o.start()
		o.pass(10 * time.Second)
		o.server.Disconnect()
		o.pass(2 * time.Second)
		if o.server.Connected(component) {
			o.Fatal("already back")
		}
		alice.got()
		juliet.writes(aliceInstance, "are you there?")
		o.pass(2 * time.Second)
		o.expect("Alice reads", alice.reads())
		if all, early := o.wire().text(); all != early || !strings.Contains(early, "<handshake>") {
			o.Errorf("written before <handshake/>: %s", all)
		}
		o.pass(5 * time.Second)
		o.expect("Alice reads", alice.reads(), julietJID+": are you there?")
	}, func(o *office) {
		o.serve(embedded.Config{HandshakeDelay: 5 * time.Second})
		o.patience = 9 * time.Second
	})

	scene(t, "INJ-2 what is written during an outage stays here until the server knows us again", func(o *office) {
		alice, juliet := o.together()
		o.server.Stop()
		o.server.SetSecret(component, "another")
		juliet.writes(aliceInstance, "one")
		o.pass(time.Second)
		o.must(o.server.Start())
		alice.Available("", "At my desk")
		o.pass(4 * time.Minute)
		o.expect("Alice reads", alice.reads())
		if n := o.gateway.box.Waiting(queueUpstream + aliceJID); n != 1 {
			o.Errorf("%d messages wait", n)
		}
		o.server.SetSecret(component, secret)
		o.pass(6 * time.Minute)
		o.expect("Alice reads", alice.reads(), julietJID+": one")
	})

	scene(t, "INJ-2 what was written and not routed goes out again on the next connection, after its handshake", func(o *office) {
		s := o.dialled
		juliet := o.juliet()
		o.start()
		s.comesOnline("phone", "")
		o.pass(3 * time.Second)
		s.mu.Lock()
		s.lost = true
		s.mu.Unlock()
		juliet.writes(aliceInstance, "one")
		first := messagesIn(s.got())
		s.mu.Lock()
		s.lost = false
		s.mu.Unlock()
		s.silences(true)
		s.hangsUp()
		o.pass(20 * time.Second)
		if early := s.got(); len(early) != 0 {
			o.Errorf("before <handshake/>: %+v", early)
		}
		s.silences(false)
		s.hangsUp()
		o.pass(time.Minute)
		again := messagesIn(s.got())
		if len(first) != 1 || len(again) != 1 || again[0].ID != first[0].ID || bodyOf(again[0]) != "one" {
			o.Errorf("first %+v\nagain %+v", first, again)
		}
	}, standInHere)

	scene(t, "INJ-30 a stanza before <handshake/> gets nowhere and ends the attempt", func(o *office) {
		s := o.dialled
		juliet := o.juliet()
		s.before = messageFrom(aliceJID+"/phone", "too early")
		o.launch()
		o.pass(30 * time.Second)
		o.expect("Juliet reads", juliet.reads())
		juliet.expectSees(aliceInstance, "")
		if s.dials < 2 {
			o.Errorf("%d attempts", s.dials)
		}
		if o.gateway.session != nil || len(s.got()) != 0 {
			o.Error("the attempt counted as authenticated")
		}
	}, standInHere)

	scene(t, "INJ-31 INJ-32 stanzas without a sender, for another domain or from our own are dropped", func(o *office) {
		s := o.dialled
		juliet := o.juliet()
		o.start()
		s.comesOnline("phone", "")
		o.pass(3 * time.Second)
		s.got()
		body := `<body>hello</body></message>`
		s.says(`<message to='` + julietJID + `'>` + body)
		s.says(`<message from='` + aliceJID + `' to='juliet\40pronto@else.example'>` + body)
		s.says(`<message from='` + aliceJID + `'>` + body)
		s.says(`<message from='x@` + component + `' to='` + julietJID + `'>` + body)
		s.says(`<iq type='get' id='forged' from='` + component + `' to='` + julietJID + `'><ping xmlns='urn:xmpp:ping'/></iq>`)
		s.says(`<presence from='` + romeoJID + `' to='` + julietJID + `' type='subscribe'/>`)
		o.pass(5 * time.Second)
		if got := juliet.got(); len(got) != 0 {
			o.Errorf("Juliet got %+v", got)
		}
		if got := s.got(); len(got) != 0 {
			o.Errorf("answered with %+v", got)
		}
		o.expectCount("INJ-31", 3)
		o.expectCount("INJ-32", 3)
	}, standInHere)
}

func TestRefused(t *testing.T) {
	wrong := func(o *office) { o.server.SetSecret(component, "another") }
	scene(t, "SEC-7 with a wrong secret nobody appears on the mesh", func(o *office) {
		wrong(o)
		alice, juliet := o.alice(), o.juliet()
		o.launch()
		o.pass(20 * time.Minute)
		juliet.expectSees(aliceInstance, "")
		if got := alice.got(); len(got) != 0 {
			o.Errorf("Alice got %+v", got)
		}
		if n := len(o.announced("router", aliceInstance)); n != 0 {
			o.Errorf("%d packets name her", n)
		}
	})
	scene(t, "SEC-7 COMP-12 refused at the reconnect: goodbyes at once, and nothing brings anybody back", func(o *office) {
		alice, juliet := o.together()
		juliet.takesCalls(false)
		alice.writes(julietJID, "just a moment") // wants out all the time
		wrong(o)
		o.server.Disconnect()
		o.pass(4 * time.Second)
		juliet.expectSees(aliceInstance, "")
		juliet.takesCalls(true)
		o.pass(10 * time.Minute)
		juliet.expectSees(aliceInstance, "")
		o.server.SetSecret(component, secret)
		o.pass(6 * time.Minute)
		juliet.expectSees(aliceInstance, "avail At my desk")
		o.expect("Juliet reads", juliet.reads(), aliceInstance+": just a moment")
	})
	scene(t, "SEC-7 a ghost of the former run goes when the server refuses the new one", func(o *office) {
		_, juliet := o.together()
		o.kill()
		wrong(o)
		o.launch()
		o.pass(5 * time.Second)
		juliet.expectSees(aliceInstance, "")
	})
}

// TestSender feeds the gateway whatever a bound peer may write.
func TestSender(t *testing.T) {
	t.Run("INJ-3 INJ-8 whatever a peer writes goes out from its proxy JID, to the one colleague", func(t *testing.T) {
		rapid.Check(t, func(r *rapid.T) {
			c := newCoreRig(t)
			c.up()
			name := rapid.SampledFrom([]string{julietName, "jürgen@pc", "a b@c", "أحمد@pc", "x"}).Draw(r, "instance")
			c.peer(name, "pronto")
			s := anyStanza(r)
			c.fromMesh(linklocal.Received{Peer: name, Proxy: aliceJID, Stanza: s})
			for _, sent := range c.session.take() {
				text := stanza.Append(nil, stanza.Component, sent)
				if sent.Kind == stanza.Presence {
					continue
				}
				if sent.From != proxyOf(name) || sent.To != aliceJID {
					r.Fatalf("%+v became %s", s, text)
				}
				for _, evil := range []string{"ceo@example.com", "admin@example.com"} {
					if bytes.Contains(text, []byte("='"+evil)) {
						r.Fatalf("%+v became %s", s, text)
					}
				}
			}
		})
	})
}

// anyStanza draws a stanza that a peer may write on a bound stream.
func anyStanza(r *rapid.T) stanza.Stanza {
	address := rapid.SampledFrom([]string{"", julietName, "admin@example.com", aliceInstance, "ceo@example.com", component, aliceJID})
	s := stanza.Stanza{
		Kind: rapid.SampledFrom([]stanza.Kind{stanza.Message, stanza.IQ, stanza.Presence}).Draw(r, "kind"),
		From: address.Draw(r, "from"), To: address.Draw(r, "to"),
		ID:   rapid.SampledFrom([]string{"", "1", "x y"}).Draw(r, "id"),
		Type: rapid.SampledFrom([]string{"", "chat", "normal", "error", "get", "set", "result", "subscribed", "headline"}).Draw(r, "type"),
	}
	for range rapid.IntRange(0, 3).Draw(r, "children") {
		space := rapid.SampledFrom([]string{"", "http://jabber.org/protocol/address", "urn:xmpp:forward:0", "urn:xmpp:carbons:2", "urn:xmpp:privilege:2", stanza.NSPing, "jabber:x:conference"})
		local := rapid.SampledFrom([]string{"body", "addresses", "forwarded", "sent", "ping", "x", "error", "subject"})
		child := stanza.New(space.Draw(r, "space"), local.Draw(r, "local")).AddText("words").
			With("jid", address.Draw(r, "jid")).With("from", address.Draw(r, "inner"))
		child.Add(stanza.New("jabber:client", "message").With("from", "admin@example.com").With("to", "ceo@example.com"))
		s.Payload = append(s.Payload, child)
	}
	return s
}

func messagesIn(list []stanza.Stanza) []stanza.Stanza {
	var out []stanza.Stanza
	for _, s := range list {
		if s.Kind == stanza.Message {
			out = append(out, s)
		}
	}
	return out
}
