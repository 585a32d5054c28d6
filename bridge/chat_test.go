package bridge

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
)

// awkward are texts that must arrive as they were written.
var awkward = []string{
	"plain", "<b>bold</b>", "a & b &amp; c", `"quoted" 'twice'`, "</body></message><message>", "two\nlines",
	"emoji 😀 and é", "  spaces  ", "<br/>", "]]>", "<!-- no comment -->", "\\40 \\20", "1 < 2 > 0",
	"tab\there", "𝒜𝓁𝒾𝒸𝑒", "שלום", "&#60;", "?xml <?pi?>", "%s %d", "the twentieth",
}

func TestChat(t *testing.T) {
	scene(t, "INJ-14 MAP-M16 20 messages each way at once arrive once each, in order, literally", func(o *office) {
		alice, juliet := o.together()
		var up, down []string
		for i, text := range awkward {
			juliet.writes(aliceInstance, fmt.Sprint("J", i, " ", text))
			alice.Send(julietJID, fmt.Sprint("A", i, " ", text))
			up = append(up, fmt.Sprint(julietJID, ": J", i, " ", text))
			down = append(down, fmt.Sprint(aliceInstance, ": A", i, " ", text))
		}
		o.pass(10 * time.Second)
		o.expect("Alice reads", alice.reads(), up...)
		o.expect("Juliet reads", juliet.reads(), down...)
	})
	scene(t, "nothing is delivered twice when the conversation falls silent", func(o *office) {
		alice, juliet := o.together()
		juliet.writes(aliceInstance, "one")
		alice.writes(julietJID, "two")
		o.pass(time.Hour)
		o.expect("Alice reads", alice.reads(), julietJID+": one")
		o.expect("Juliet reads", juliet.reads(), aliceInstance+": two")
		if n := o.gateway.box.Usage(); n.Entries != 0 || len(o.gateway.routes) != 0 {
			o.Errorf("%d entries and %d routes are left", n.Entries, len(o.gateway.routes))
		}
	})
	scene(t, "MAP-M17 messages without an id get one each, and an error to one finds its sender", func(o *office) {
		alice, juliet := o.together()
		juliet.writes(aliceInstance, "one")
		juliet.writes(aliceInstance, "two")
		got := alice.got()
		if len(got) != 2 || got[0].ID == "" || got[0].ID == got[1].ID {
			o.Fatalf("got %+v", got)
		}
		for _, s := range got {
			if origin := s.Child("urn:xmpp:sid:0", "origin-id"); origin == nil || origin.Attr("id") != s.ID {
				o.Errorf("no origin-id %s", s.ID)
			}
		}
		alice.Write(errorTo(got[0], julietJID, "service-unavailable"))
		o.expect("Juliet gets", errorsIn(stanzas(juliet.got())), aliceInstance+" service-unavailable")
	})
	scene(t, "MAP-M18 a peer's next message goes to the bare JID whichever device answered", func(o *office) {
		s := o.dialled
		juliet := o.juliet()
		o.start()
		s.comesOnline("phone", "")
		s.comesOnline("desktop", "")
		o.pass(3 * time.Second)
		s.got()
		for _, device := range []string{"phone", "desktop"} {
			s.says(messageFrom(aliceJID+"/"+device, "from my "+device))
			o.pass(3 * time.Second)
			juliet.writes(aliceInstance, "thanks")
			got := messagesIn(s.got())
			if len(got) != 1 || got[0].To != aliceJID || got[0].From != julietJID {
				o.Errorf("after %s: %+v", device, got)
			}
		}
		o.expect("Juliet reads", juliet.reads(), aliceInstance+": from my phone", aliceInstance+": from my desktop")
	}, standInHere)
	scene(t, "MAP-M19 repeats from the server are relayed once, and a new message with an old id is not lost", func(o *office) {
		s := o.dialled
		juliet := o.juliet()
		o.start()
		s.comesOnline("phone", "")
		for range 2 {
			for i := range 5 {
				s.says(strings.Replace(messageFrom(aliceJID+"/phone", fmt.Sprint("text ", i)), "<message", fmt.Sprintf("<message id='%d'", i), 1))
			}
		}
		s.says(strings.Replace(messageFrom(aliceJID+"/phone", "another"), "<message", "<message id='1'", 1))
		o.pass(10 * time.Second)
		o.expect("Juliet reads", juliet.reads(),
			aliceInstance+": text 0", aliceInstance+": text 1", aliceInstance+": text 2",
			aliceInstance+": text 3", aliceInstance+": text 4", aliceInstance+": another")
		o.expectCount("MAP-M19", 5)
	}, standInHere)
	scene(t, "MAP-M19 repeats from a peer are relayed once", func(o *office) {
		alice, juliet := o.together()
		for range 2 {
			juliet.raw(aliceInstance, `<message to='`+aliceInstance+`' id='7' type='chat'><body>again?</body></message>`)
		}
		o.expect("Alice reads", alice.reads(), julietJID+": again?")
	})
	scene(t, "a message that was refused is no repeat when it comes again", func(o *office) {
		s := o.dialled
		juliet := o.juliet()
		o.start()
		s.comesOnline("phone", "")
		juliet.signOff()
		o.pass(5 * time.Second)
		send := func(id string) {
			s.says(`<message id='` + id + `' from='` + aliceJID + `/phone' to='` + julietJID + `'><body>` + id + `</body></message>`)
		}
		send("first")
		send("second")
		o.expect("Alice is told", errorsIn(s.got()), julietJID+" resource-constraint")
		juliet.signOn("txtvers=1")
		o.pass(10 * time.Second)
		send("second")
		o.pass(10 * time.Second)
		o.expect("Juliet reads", juliet.reads(), aliceInstance+": first", aliceInstance+": second")
	}, standInHere, func(o *office) { o.cfg.Outbox.PerRecipient = 1 })
	scene(t, "MAP-M1 type, id and thread stay what they are, both ways", func(o *office) {
		alice, juliet := o.together()
		juliet.raw(aliceInstance, `<message to='`+aliceInstance+`' id='m1' type='normal' xml:lang='de'><subject>S</subject><body>B</body><thread parent='p'>T</thread></message>`)
		up := alice.got()
		alice.Write(stanza.Stanza{Kind: stanza.Message, To: julietJID, ID: "m2", Type: "normal", Payload: []*stanza.Element{
			stanza.New("", "subject").AddText("S"), stanza.New("", "body").AddText("B"),
			stanza.New("", "thread").With("parent", "p").AddText("T"),
		}})
		down := stanzas(juliet.got())
		for i, list := range [][]stanza.Stanza{up, down} {
			if len(list) != 1 {
				o.Fatalf("direction %d: %d stanzas", i, len(list))
			}
			s := list[0]
			thread := s.Child("", "thread")
			if s.Type != "normal" || s.ID != fmt.Sprint("m", i+1) || bodyOf(s) != "B" || s.Child("", "subject").Text() != "S" ||
				i == 0 && s.Lang != "de" || thread == nil || thread.Text() != "T" || thread.Attr("parent") != "p" {
				o.Errorf("direction %d: %s", i, stanza.Append(nil, stanza.Client, s))
			}
		}
	})
	scene(t, "LL-5-1 no presence is ever written on a mesh stream", func(o *office) {
		alice, juliet := o.together()
		juliet.writes(aliceInstance, "hello")
		alice.Available("dnd", "Busy")
		o.pass(5 * time.Second)
		alice.writes(julietJID, "not now")
		alice.Unavailable()
		juliet.mu.Lock()
		all := juliet.all
		juliet.mu.Unlock()
		o.pass(30 * time.Second)
		if len(all) == 0 || !strings.Contains(all[0].raw.String(), "not now") {
			o.Fatal("there was no conversation")
		}
		for _, stream := range all {
			if strings.Contains(stream.raw.String(), "<presence") {
				o.Errorf("read on a stream: %s", stream.raw.String())
			}
		}
	})
}

func TestErrorsAcross(t *testing.T) {
	scene(t, "MAP-M9 INJ-17 an error to a relayed message arrives, bare and with one notice; any other is dropped", func(o *office) {
		alice, juliet := o.together()
		juliet.raw(aliceInstance, `<message to='`+aliceInstance+`' id='m1'><body>hello</body></message>`)
		m1 := alice.got()[0]
		alice.Write(errorTo(m1, julietJID, "service-unavailable"))
		unknown := m1
		unknown.ID = "never"
		alice.Write(errorTo(unknown, julietJID, "service-unavailable"))
		got := juliet.got()
		if len(got) != 2 || got[0].Type != "error" || got[0].ID != "m1" || len(got[0].Payload) != 1 ||
			!strings.HasPrefix(bodyOf(got[1].Stanza), "[gateway] Your message to Alice was not delivered") {
			o.Errorf("Juliet got %+v", got)
		}
		o.expectCount("INJ-17", 1)
		o.pass(11 * time.Minute)
		alice.Write(errorTo(m1, julietJID, "service-unavailable"))
		if late := juliet.got(); len(late) != 0 {
			o.Errorf("after ten minutes Juliet got %+v", late)
		}
	})
	scene(t, "MAP-M9 INJ-17 so it is the other way: to the device that wrote", func(o *office) {
		alice, juliet := o.together()
		alice.Write(stanza.Stanza{Kind: stanza.Message, To: julietJID, ID: "m1", Type: "chat", Payload: []*stanza.Element{stanza.New("", "body").AddText("hi")}})
		o.pass(3 * time.Second)
		bad := `type='error'><body>hi</body><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`
		juliet.raw(aliceInstance, `<message to='`+aliceInstance+`' id='never' `+bad)
		o.expect("Alice is told", errorsIn(alice.got()))
		juliet.raw(aliceInstance, `<message to='`+aliceInstance+`' id='m1' `+bad)
		got := alice.got()
		o.expect("Alice is told", errorsIn(got), julietJID+" service-unavailable")
		if len(got) != 1 || got[0].ID != "m1" || got[0].To != alice.FullJID() || got[0].Child("", "body") != nil {
			o.Errorf("got %+v", got)
		}
		o.expectCount("INJ-17", 1)
	})
	scene(t, "MAP-E5 a refused message: a bare error and one notice; ten more: no second notice", func(o *office) {
		_, juliet := o.together()
		for i := range 11 {
			juliet.raw(aliceInstance, fmt.Sprintf(`<message to='%s' id='g%d' type='groupchat'><body>all!</body></message>`, aliceInstance, i))
		}
		var notices, bare int
		for _, h := range juliet.got() {
			switch {
			case h.Type == "error" && len(h.Payload) == 1 && h.Payload[0].Name.Local == "error":
				bare++
			case strings.HasPrefix(shown(h.Stanza), "[gateway] ") && h.from == aliceInstance:
				notices++
			default:
				o.Errorf("got %+v", h)
			}
		}
		if notices != 1 || bare != 11 {
			o.Errorf("%d notices and %d errors", notices, bare)
		}
		o.pass(11 * time.Minute)
		juliet.raw(aliceInstance, `<message to='`+aliceInstance+`' id='later' type='groupchat'><body>all!</body></message>`)
		o.pass(3 * time.Second)
		if got := juliet.reads(); len(got) != 1 {
			o.Errorf("after ten minutes: %q", got)
		}
	})
	scene(t, "a message over max_stanza is refused, and the stream goes on", func(o *office) {
		alice, juliet := o.together()
		juliet.writes(aliceInstance, strings.Repeat("<", 5000))
		juliet.writes(aliceInstance, "short")
		o.expect("Alice reads", alice.reads(), julietJID+": short")
		got := stanzas(juliet.got())
		o.expect("Juliet is told", errorsIn(got), aliceInstance+" policy-violation")
		o.expectCount("COMP-19", 1)
	}, func(o *office) { o.cfg.Upstream.MaxStanza = 16 << 10 })
	scene(t, "what the server sends beyond max_stanza is answered", func(o *office) {
		s := o.dialled
		o.juliet()
		o.start()
		s.got()
		s.says(messageFrom(aliceJID+"/phone", strings.Repeat("x", 17<<10)))
		o.expect("Alice is told", errorsIn(s.got()), julietJID+" policy-violation")
	}, standInHere, func(o *office) { o.cfg.Upstream.MaxStanza = 16 << 10 })
	scene(t, "MAP-M6 MAP-M8 groupchat is refused, a headline is for those who are here", func(o *office) {
		s := o.dialled
		juliet := o.juliet()
		o.start()
		s.comesOnline("phone", "")
		o.pass(3 * time.Second)
		s.got()
		send := func(kind, text string) {
			s.says(`<message type='` + kind + `' from='` + aliceJID + `/phone' to='` + julietJID + `'><body>` + text + `</body></message>`)
		}
		send("groupchat", "all")
		o.expect("refused", errorsIn(s.got()), julietJID+" service-unavailable")
		send("headline", "news")
		o.pass(3 * time.Second)
		juliet.signOff()
		o.pass(5 * time.Second)
		send("headline", "old news")
		juliet.signOn("txtvers=1")
		o.pass(10 * time.Second)
		o.expect("Juliet reads", juliet.reads(), aliceInstance+": news")
		o.expect("errors", errorsIn(s.got()))
		o.expectCount("MAP-M8", 1)
	}, standInHere)
}

// standInHere puts a stand-in in the server's place, as o.dialled.
func standInHere(o *office) {
	o.dialled = new(standin)
	withStandin(o.dialled)(o)
}

// messageFrom is a message of a colleague to Juliet, as the server writes it.
func messageFrom(from, body string) string {
	return `<message from='` + from + `' to='` + julietJID + `' type='chat'><body>` + escaped(body) + `</body></message>`
}

// errorTo is the error with which a client answers a message.
func errorTo(s stanza.Stanza, to, condition string) stanza.Stanza {
	return stanza.Stanza{Kind: stanza.Message, To: to, ID: s.ID, Type: "error", Payload: append(
		[]*stanza.Element{stanza.New("", "body").AddText(bodyOf(s))}, stanza.Error{Type: "cancel", Condition: condition, Text: "words"}.Element())}
}

func stanzas(list []heard) []stanza.Stanza {
	var out []stanza.Stanza
	for _, h := range list {
		h.Stanza.From = h.from
		out = append(out, h.Stanza)
	}
	return out
}

func TestIntroduction(t *testing.T) {
	synctestRun(t, "GW-18 a peer's name goes with the first message, not with the second, and again when it is another", func(t *testing.T) {
		c := newCoreRig(t)
		c.up()
		says := func(body string) string {
			c.fromMesh(linklocal.Received{Peer: julietName, Proxy: aliceJID, Stanza: stanza.Stanza{
				Kind: stanza.Message, Type: "chat", Payload: []*stanza.Element{
					stanza.New("", "body").AddText(body), stanza.New("http://jabber.org/protocol/nick", "nick").AddText("the boss"),
				},
			}})
			got := c.session.take()
			if len(got) != 1 || bodyOf(got[0]) != body {
				t.Fatalf("%+v", got)
			}
			if list := got[0].Children("http://jabber.org/protocol/nick", "nick"); len(list) == 1 {
				return list[0].Text()
			}
			return ""
		}
		c.meets(julietName, "pronto", "txtvers=1")
		if got := says("no name"); got != "" {
			t.Errorf("introduced as %q", got)
		}
		c.meets(julietName, "pronto", "nick=Juli\u202EC")
		for n, want := range []string{"JuliC", "", ""} {
			if got := says(fmt.Sprint(n)); got != want {
				t.Errorf("message %d introduces %q, want %q", n, got, want)
			}
		}
		c.meets(julietName, "pronto", "1st=Juliet", "last=Capulet")
		if got := says("another"); got != "Juliet Capulet" {
			t.Errorf("introduced as %q", got)
		}
	})
}
