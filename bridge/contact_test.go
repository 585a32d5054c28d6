package bridge

import (
	"fmt"
	"hash/crc32"
	"strings"
	"testing"
	"time"

	"meshbridge/bridge/config"
	"meshbridge/bridge/store"
	"meshbridge/bridge/wording"
	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
)

const contactName = "gateway@office"

func TestContact(t *testing.T) {
	scene(t, "INJ-7 MAP-M13 the gateway is on Juliet's list and answers words; nothing of it goes upstream", func(o *office) {
		alice, juliet := o.together()
		juliet.expectSees(contactName, "avail Write to me: help")
		juliet.writes(contactName, "Help?")
		o.pass(time.Second)
		got := juliet.reads()
		if len(got) != 1 || !strings.HasPrefix(got[0], contactName+": I am the gateway") || !strings.Contains(got[0], "invite ADDRESS") {
			o.Errorf("Juliet reads %q", got)
		}
		juliet.raw(contactName, `<message to='`+contactName+`' type='chat'><x xmlns='jabber:x:event'><composing/></x></message>`)
		juliet.raw(contactName, `<message to='`+contactName+`' type='error' id='1'><body>help</body><error type='cancel'/></message>`)
		o.pass(time.Second)
		o.expect("Juliet reads", juliet.reads())
		if got := alice.got(); len(got) != 0 {
			o.Errorf("Alice got %v", got)
		}
		o.expectCount("MAP-M13", 1) // the one without words; the error answers nothing
		o.expectCount("INJ-17", 1)
		o.sigterm()
		o.pass(2 * time.Second)
		juliet.expectSees(contactName, "")
		if n := o.goodbyes("router", contactName); n != 1 {
			o.Errorf("%d goodbyes", n)
		}
		if st := o.stored(); len(st.Instances) != 0 {
			o.Errorf("remembered: %v", st.Instances)
		}
	})
	scene(t, "INJ-18 INJ-7 a peer's questions to the gateway are answered as for a colleague; what it can for those is none of the LAN's", func(o *office) {
		_, juliet := o.together()
		ask := func(kind, payload string) {
			juliet.raw(contactName, `<iq to='`+contactName+`' type='`+kind+`' id='q'>`+payload+`</iq>`)
		}
		ask("get", `<query xmlns='http://jabber.org/protocol/disco#info'/>`)
		ask("get", `<ping xmlns='urn:xmpp:ping'/>`)
		ask("get", `<query xmlns='jabber:iq:version'/>`)
		ask("get", `<query xmlns='jabber:iq:gateway'/>`)
		ask("set", `<query xmlns='jabber:iq:register'><remove/></query>`)
		o.pass(time.Second)
		var kinds []string
		for i, h := range juliet.got() {
			kinds = append(kinds, h.Type)
			if i == 0 {
				if _, identity := features(h.Stanza); identity != "gateway/xmpp Gateway" {
					o.Errorf("it is a %s", identity)
				}
			}
		}
		o.expect("answers", kinds, "result", "result", "result", "error", "error")
	})
	scene(t, "INJ-11 nobody upstream reaches the gateway's instance as if it were a peer", func(o *office) {
		alice, juliet := o.together()
		for _, name := range []string{contactName, "GATEWAY@office"} {
			alice.writes(proxyOf(name), "hello")
			o.expect("Alice is told", errorsIn(alice.got()), proxyOf(name)+" item-not-found")
		}
		o.expectCount("INJ-11", 2)
		o.expect("Juliet reads", juliet.reads())
	})
	scene(t, "INJ-7 LL-3-15 who has the name already keeps it: the gateway takes the next one, and again the next time", func(o *office) {
		native := o.joins(contactName, "desk", "10.2.1.33/24", "txtvers=1", "status=avail", "msg=A person")
		o.pass(3 * time.Second) // it has the name
		alice, juliet := o.together()
		juliet.expectSees(contactName, "avail A person")
		juliet.expectSees("gateway-1@office", "avail Write to me: help")
		juliet.writes("gateway-1@office", "status")
		o.pass(time.Second)
		if got := juliet.reads(); len(got) != 1 || !strings.HasPrefix(got[0], "gateway-1@office: The chat server can be reached.") {
			o.Errorf("Juliet reads %q", got)
		}
		o.expect("the other one reads", native.reads())
		for _, name := range []string{contactName, "gateway-1@office"} { // INJ-11
			alice.writes(proxyOf(name), "hello")
			o.expect("Alice is told", errorsIn(alice.got()), proxyOf(name)+" item-not-found")
		}
		o.expectCount("INJ-11", 2)
		o.sigterm()
		native.signOff()
		o.start()
		o.pass(3 * time.Second)
		juliet.expectSees("gateway-1@office", "avail Write to me: help") // LL-3-15
	})
	scene(t, "COMP-12 while the server is away the gateway says so, also when the colleagues are gone", func(o *office) {
		alice, juliet := o.together()
		o.server.Stop()
		o.pass(40 * time.Second)
		juliet.expectSees(contactName, "away "+outageText)
		o.pass(15 * time.Minute)
		juliet.expectSees(aliceInstance, "")
		juliet.expectSees(contactName, "away "+outageText)
		juliet.writes(contactName, "status")
		o.pass(time.Second)
		if got := juliet.reads(); len(got) != 1 || !strings.Contains(got[0], "has been out of reach for 16 minutes") {
			o.Errorf("Juliet reads %q", got)
		}
		o.must(o.server.Start())
		alice.Available("", "")
		o.pass(time.Minute)
		juliet.expectSees(contactName, "avail Write to me: help")
	})
	scene(t, "SEC-7 the gateway appears when the server has let it in, and leaves when it is refused", func(o *office) {
		s := o.dialled
		s.silences(true)
		juliet := o.juliet()
		o.launch()
		o.pass(2 * time.Second)
		juliet.expectSees(contactName, "")
		s.silences(false)
		s.hangsUp()
		o.pass(30 * time.Second)
		juliet.expectSees(contactName, "avail Write to me: help")
		s.mu.Lock()
		s.refuses = "host-unknown"
		s.mu.Unlock()
		s.hangsUp()
		o.pass(20 * time.Second)
		juliet.expectSees(contactName, "")
		s.mu.Lock()
		s.refuses = ""
		s.mu.Unlock()
		o.pass(20 * time.Minute)
		juliet.expectSees(contactName, "avail Write to me: help")
	}, standInHere)
	scene(t, "a bridge that was killed leaves no ghost of the gateway", func(o *office) {
		_, juliet := o.together()
		o.kill()
		juliet.expectSees(contactName, "avail Write to me: help")
		o.cfg.LinkLocal.Machine = "attic" // so that the name is not taken over
		o.launch()
		o.pass(30 * time.Second)
		juliet.expectSees(contactName, "")
		juliet.expectSees("gateway@attic", "avail Write to me: help")
	})
}

// types lets a peer write to the gateway itself and returns what it says.
func (c *coreRig) types(instance, text string) string {
	c.fromMesh(linklocal.Received{Peer: instance, Proxy: contactKey, Machine: c.machine(instance), Stanza: chat("", "", text)})
	return c.contactSaid()
}

// machine is where a peer speaks from: each host has an address of its own.
func (c *coreRig) machine(instance string) *linklocal.Machine {
	host := strings.ToLower(c.seen[instance].host)
	sum := crc32.ChecksumIEEE([]byte(host))
	m := at(host, fmt.Sprintf("10.%d.%d.%d", byte(sum>>16), byte(sum>>8), byte(sum)), "")
	return &m
}

// contactSaid returns what the gateway itself has said to peers since the last time.
func (c *coreRig) contactSaid() string {
	var said []string
	for _, d := range c.mesh.take() {
		if d.Proxy == contactKey {
			said = append(said, shown(d.Stanza))
		}
	}
	return strings.Join(said, "\n--\n")
}

// expectSays checks that the gateway says something like it.
func (c *coreRig) expectSays(instance, text, want string) {
	c.t.Helper()
	if got := c.types(instance, text); !strings.Contains(got, want) || want == "" && got != "" {
		c.t.Errorf("to %q it says %q, want %q", text, got, want)
	}
}

// lettersTo returns what was written to an account by the component itself.
func (c *coreRig) lettersTo(account string) (bodies []string) {
	for _, s := range messagesIn(c.session.take()) {
		if s.From == component && s.To == account {
			bodies = append(bodies, bodyOf(s))
		}
	}
	return bodies
}

func TestContactWords(t *testing.T) {
	office := func(t *testing.T) *coreRig {
		c := newCoreRig(t, func(cfg *config.Config) {
			cfg.Colleagues = append(cfg.Colleagues, config.Colleague{JID: mustJID("bob@example.org"), Nick: "Bob"},
				config.Colleague{JID: mustJID("carol@example.org")})
			cfg.Access.Domains = []string{"friends.example"}
		})
		c.up()
		c.peer(julietName, "pronto")
		c.hears(stanza.Stanza{Kind: stanza.Presence, From: aliceJID + "/desk", To: component})
		c.hears(stanza.Stanza{Kind: stanza.Presence, From: "bob@example.org/desk", To: component, Payload: []*stanza.Element{
			stanza.New("", "show").AddText("dnd"), stanza.New("", "status").AddText("In a\nmeeting")}})
		c.session.take()
		c.mesh.take()
		return c
	}
	synctestRun(t, "MAP-M13 who lists those who are on and how, and those who may be known and are not", func(t *testing.T) {
		c := office(t)
		c.hears(stanza.Stanza{Kind: stanza.Presence, From: "romeo@friends.example/x", To: component}) // PRIV-5: never joined
		want := "Here now:\nAlice (alice@example.org): available\nBob (bob@example.org): does not want to be disturbed - In a meeting\n\nNot here:\ncarol@example.org"
		if got := c.types(julietName, "Who is there?"); got != want {
			t.Errorf("%q\nwant %q", got, want)
		}
		c.down(upstream0())
		c.expectSays(julietName, "who", "out of reach")
	})
	synctestRun(t, "MAP-M13 status: the server, what waits for whom, and the level", func(t *testing.T) {
		c := office(t)
		if got, want := c.types(julietName, "STATUS"), "The chat server can be reached.\nNone of your messages waits.\nI know you as juliet@pronto, by your address on this network alone: nobody has vouched for you."; got != want {
			t.Errorf("%q, want %q", got, want)
		}
		c.down(upstream0())
		for n := range 3 {
			to := aliceJID
			if n == 2 {
				to = "bob@example.org"
			}
			c.fromMesh(linklocal.Received{Peer: julietName, Proxy: to, Stanza: chat("", fmt.Sprint(n), "x")})
		}
		c.peer(romeoName, "forza")
		c.fromMesh(linklocal.Received{Peer: romeoName, Proxy: aliceJID, Stanza: chat("", "r", "not hers")})
		c.rest(3 * time.Minute)
		c.expectSays(julietName, "status", "out of reach for 3 minutes; I go on trying.\n3 messages of yours waiting to go out: 2 for Alice and 1 for Bob.")
	})
	synctestRun(t, "MAP-M13 block and unblock by nick, address and instance, with hints", func(t *testing.T) {
		c := office(t)
		pair := store.Pair{Colleague: aliceJID, Local: `juliet\40pronto`}
		for _, name := range []string{"alice", "ALICE@example.org.", aliceInstance, "<xmpp:alice@example.org>"} {
			c.expectSays(julietName, "block "+name, "Messages of Alice do not reach you any more.")
			if !c.blockedBy(pair, byPeer) || c.blockedBy(pair, byColleague) {
				t.Errorf("block %s did not", name)
			}
			c.expectSays(julietName, "block "+name, "Alice is blocked already.")
			c.expectSays(julietName, "who", "Alice (alice@example.org), blocked by you: available")
			c.expectSays(julietName, "Unblock "+name, "Messages of Alice reach you again.")
			if c.blockedBy(pair, byPeer) {
				t.Errorf("unblock %s did not", name)
			}
			c.rest(time.Minute)
		}
		c.expectSays(julietName, "unblock Alice", "Alice is not blocked.")
		c.expectSays(julietName, "block", "Say whom")
		c.expectSays(julietName, "block xmpp:", "I know nobody of that name")
		c.expectSays(julietName, "block Alcie", "Did you mean alice?")
		c.expectSays(julietName, "block somebody else", "I know nobody of that name. Type who")
		const romeo = "romeo@friends.example"
		c.peer(romeoName, "forza")
		c.hears(pres(romeo, proxyOf(romeoName), "subscribe"))
		wrote := chat(romeo+"/x", "0", "not to her")
		wrote.To = proxyOf(romeoName)
		c.hears(wrote)
		c.rest(talkTime + logoutDelay + time.Minute) // until he is not shown any more
		if c.colleagues[romeo] == nil || c.colleagues[romeo].published {
			t.Fatal("the test is wrong")
		}
		c.mesh.take()
		c.expectSays(julietName, "block "+romeo, "I know nobody of that name") // PRIV-5: none of her business
		c.hears(pres(romeo, julietJID, "subscribe"))
		c.hears(chat(romeo+"/x", "1", "psst"))
		c.mesh.take()
		c.expectSays(julietName, "block "+romeo, "do not reach you any more")
		delete(c.colleagues, romeo)
		c.expectSays(julietName, "unblock xmpp:"+romeo, "reach you again")
		c.session.take()
		c.colleagues["carol@example.org"].nick = "Alice"
		c.expectSays(julietName, "block Alice", "several of that name. Say whom you mean by the address: alice@example.org and carol@example.org.")
		if n := len(c.store.Facts[store.Blocks]); n != 0 {
			t.Errorf("%d blocks", n)
		}
	})
	synctestRun(t, "MAP-M13 what is no request gets a hint, and a program that goes on gets nothing", func(t *testing.T) {
		c := office(t)
		c.expectSays(julietName, "hlep", "Did you mean help?")
		said := "good morning"
		for range 1000 { // every answer comes back as the next message, as from a careless robot
			if said = c.types(julietName, said); said == "" {
				said = "and now?"
			}
			c.rest(time.Second)
		}
		if n := c.drops.of("MAP-M13"); n != 997 {
			t.Errorf("%d of 1000 were not answered, want all but three", n)
		}
		c.expectSays(julietName, "help", "I am the gateway")
		c.expectSays(julietName, "good morning", "understand a few words")
	})
	synctestRun(t, "MAP-M13 two who answer each other with requests: ten answers a minute, after the first twenty", func(t *testing.T) {
		c := office(t)
		answers := 0
		for range 600 {
			if c.types(julietName, "status") != "" {
				answers++
			}
			c.rest(time.Second)
		}
		if answers < 110 || answers > 121 {
			t.Errorf("%d answers in ten minutes", answers)
		}
		c.peer(romeoName, "forza")
		c.expectSays(romeoName, "status", "None of your messages")
	})
	synctestRun(t, "MAP-M13 SEC-2 status names who has approved a peer, on this machine", func(t *testing.T) {
		c := newLevelRig(t, config.Approved)
		c.recognised(linklocal.Recognised{Peer: julietName, Machine: prontoAt})
		c.approve(c.theJuliet(), aliceJID)
		c.mesh.take()
		if got := c.tellLevel(c.theJuliet()); got != "I know you as juliet@pronto. Alice has approved you." {
			t.Errorf("it says %q", got)
		}
		c.approve(c.theJuliet(), "bob@example.org")
		if got := c.tellLevel(c.theJuliet()); got != "I know you as juliet@pronto. Alice and Bob have approved you." {
			t.Errorf("it says %q", got)
		}
		c.recognised(linklocal.Recognised{Peer: julietName, Machine: mallory})
		if got := c.tellLevel(c.theJuliet()); !strings.Contains(got, "nobody has vouched for you") {
			t.Errorf("it says %q to another machine", got)
		}
	})
	synctestRun(t, "PRIV-5 GW-3 a listed colleague who has left is not named to peers any more", func(t *testing.T) {
		c := newCoreRig(t)
		c.up()
		c.peer(julietName, "pronto")
		if got := c.types(julietName, "who"); !strings.Contains(got, aliceJID) {
			t.Fatalf("before: %q", got)
		}
		c.registers(aliceJID, "set", stanza.New(stanza.NSRegister, "remove"))
		for _, typed := range []string{"who", "block alice@example.co", "block alice"} {
			if got := c.types(julietName, typed); strings.Contains(got, "Alice") || strings.Contains(got, aliceJID) {
				t.Errorf("%s: %q", typed, got)
			}
		}
	})
	synctestRun(t, "MAP-M13 a list in a chat window has an end", func(t *testing.T) {
		c := newCoreRig(t, func(cfg *config.Config) {
			for n := range 100 {
				cfg.Colleagues = append(cfg.Colleagues, config.Colleague{JID: mustJID(fmt.Sprintf("u%02d@example.org", n))})
			}
		})
		c.up()
		c.peer(julietName, "pronto")
		if got := c.types(julietName, "who"); strings.Count(got, "\n") != 3+maxListed || !strings.HasSuffix(got, "and 61 more") {
			t.Errorf("%q", got)
		}
	})
}

func TestInvitation(t *testing.T) {
	const bob = "bob@friends.example"
	rig := func(t *testing.T) *coreRig {
		c := newCoreRig(t, func(cfg *config.Config) { cfg.Access.Domains = []string{"friends.example"} })
		c.up()
		c.meets(julietName, "pronto", "1st=Juliet")
		return c
	}
	synctestRun(t, "MAP-M13 INJ-10 an invitation: one message to who may come, and a sentence for who may not", func(t *testing.T) {
		c := rig(t)
		c.expectSays(julietName, "invite xmpp:"+bob+"/home?message", "I have invited "+bob)
		got := c.lettersTo(bob)
		if len(got) != 1 || !strings.Contains(got[0], julietJID) || !strings.Contains(got[0], "juliet@pronto") || !strings.Contains(got[0], "you will not be asked again") {
			t.Errorf("Bob reads %q", got)
		}
		for _, r := range []struct{ typed, want string }{
			{"invite " + bob, "has been invited already"},
			{"invite", "Say whom"},
			{"invite bob@elsewhere.example", "not for bob@elsewhere.example. Ask the administrator"},
			{"invite " + aliceJID, "belongs here already"},
			{"invite somebody", "no address of an XMPP account"},
			{"invite x@" + component, "an address of mine"},
		} {
			c.rest(10 * time.Second)
			c.expectSays(julietName, r.typed, r.want)
		}
		if got := c.session.take(); len(messagesIn(got)) != 0 {
			t.Errorf("sent: %v", messagesIn(got))
		}
		again := newCoreRig(t, func(cfg *config.Config) { cfg.Access.Domains = []string{"friends.example"} })
		again.recall(c.store.copy())
		again.up()
		again.peer(romeoName, "forza")
		again.expectSays(romeoName, "invite "+bob, "has been invited already")
	})
	synctestRun(t, "INJ-27 nobody makes the gateway flood anybody: five letters an hour for one peer, thirty in all", func(t *testing.T) {
		c := rig(t)
		sent := func() int { return len(messagesIn(c.session.take())) }
		for n := range 10 {
			c.types(julietName, fmt.Sprintf("invite u%d@friends.example", n))
			c.rest(10 * time.Second)
		}
		if n := sent(); n != 5 {
			t.Errorf("%d letters for Juliet", n)
		}
		for n := range 40 {
			who := fmt.Sprintf("p%d@pc%d", n, n)
			c.peer(who, fmt.Sprint("pc", n))
			c.types(who, fmt.Sprintf("link v%d@elsewhere.example", n))
			c.session.take()
		}
		if n := len(c.letters.sent.seen); n != 30 {
			t.Errorf("%d letters in all", n)
		}
		c.rest(48 * time.Hour)
		c.types(julietName, "link last@elsewhere.example")
		if n := len(c.letters.each); n != 1 {
			t.Errorf("%d accounts are remembered after two days", n)
		}
	})
	synctestRun(t, "INJ-27 to one account four letters a day, whoever wants them", func(t *testing.T) {
		c := rig(t)
		for n := range 60 {
			who := fmt.Sprintf("p%d@pc%d", n, n)
			c.peer(who, fmt.Sprint("pc", n))
			c.types(who, "link victim@elsewhere.example")
			c.rest(5 * time.Minute)
		}
		if n := len(c.lettersTo("victim@elsewhere.example")); n != 4 {
			t.Errorf("%d letters in five hours", n)
		}
	})
	synctestRun(t, "what comes back is told to who wanted it, once, and forged errors to nobody", func(t *testing.T) {
		c := rig(t)
		c.types(julietName, "link alcie@example.org")
		s := messagesIn(c.session.take())[0]
		c.hears(stanza.Stanza{Kind: stanza.Message, Type: "error", ID: s.ID, From: "else@example.org", To: component})
		if got := c.contactSaid(); got != "" {
			t.Errorf("%q", got)
		}
		for n := range 2 {
			c.hears(stanza.Stanza{Kind: stanza.Message, Type: "error", ID: s.ID, From: "alcie@example.org", To: component})
			if got := c.contactSaid(); (n == 0) != strings.Contains(got, "alcie@example.org came back") {
				t.Errorf("time %d: %q", n, got)
			}
		}
	})
}

// codeIn finds the code in a letter.
func codeIn(letter string) string {
	for line := range strings.Lines(letter) {
		if code, ok := wording.ReadCode(line); ok && strings.Contains(line, "-") {
			return code
		}
	}
	return ""
}
