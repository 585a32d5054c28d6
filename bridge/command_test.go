package bridge

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"meshbridge/bridge/caps"
	"meshbridge/bridge/config"
	"meshbridge/bridge/form"
	"meshbridge/bridge/store"
	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
)

const bossJID = "root@example.org"

// commanded is a gateway with Juliet and Romeo on its mesh, Alice for a colleague, and
// an admin who is nobody's.
func commanded(t *testing.T) *coreRig {
	c := newCoreRig(t, func(cfg *config.Config) { cfg.Access.Admins = []string{bossJID} })
	c.up()
	c.peerChanged(linklocal.Peer{Instance: julietName, Host: "pronto", Profile: linklocal.Profile{Nick: "Juliet Capulet", Status: linklocal.Away, Message: "Lunch"}})
	c.peer(romeoName, "forza")
	c.session.take()
	return c
}

// orders is somebody's request of a command: with what is filled in, pairs of field and
// value, if anything. It returns what the session sent for it.
func (c *coreRig) orders(who, node, session, action string, filled ...string) []stanza.Stanza {
	e := stanza.New(stanza.NSCommands, "command").With("node", node).With("sessionid", session).With("action", action)
	if filled != nil {
		x := stanza.New(form.NS, "x").With("type", "submit")
		for i := 0; i+1 < len(filled); i += 2 {
			x.Add(stanza.New(form.NS, "field").With("var", filled[i]).Add(stanza.New(form.NS, "value").AddText(filled[i+1])))
		}
		e.Add(x)
	}
	c.hears(stanza.Stanza{Kind: stanza.IQ, Type: "set", ID: "q", From: who, To: component, Payload: []*stanza.Element{e}})
	return c.session.take()
}

// stepOf is the only answer among what was sent.
func (c *coreRig) stepOf(list []stanza.Stanza) *stanza.Element {
	c.t.Helper()
	list = slices.DeleteFunc(list, func(s stanza.Stanza) bool { return s.Kind != stanza.IQ })
	if len(list) != 1 || list[0].Type != "result" || len(list[0].Payload) != 1 {
		c.t.Fatalf("answered by %+v", list)
	}
	return list[0].Payload[0]
}

// fills begins a command with one form, and fills that in.
func (c *coreRig) fills(who, node string, filled ...string) []stanza.Stanza {
	c.t.Helper()
	shown := c.stepOf(c.orders(who, node, "", ""))
	if shown.Attr("status") != "executing" || shown.Child(form.NS, "x").Attr("type") != "form" {
		c.t.Fatalf("%+v", shown)
	}
	return c.orders(who, node, shown.Attr("sessionid"), "complete", filled...)
}

// noteOf is what a step says in words: "error: ..." or "info: ...".
func noteOf(e *stanza.Element) string {
	if n := e.Child(stanza.NSCommands, "note"); n != nil {
		return n.Attr("type") + ": " + n.Text()
	}
	return ""
}

// rowsOf is the table of a step.
func rowsOf(e *stanza.Element) (rows []string) {
	x := e.Child(form.NS, "x")
	if x == nil {
		return nil
	}
	for _, item := range x.Children(form.NS, "item") {
		var row []string
		for _, f := range item.Elements() {
			row = append(row, f.Child(form.NS, "value").Text())
		}
		rows = append(rows, strings.Join(row, " | "))
	}
	return rows
}

// asksAbout is a question for a node of the gateway.
func (c *coreRig) asksAbout(who, space, node string) stanza.Stanza {
	c.t.Helper()
	c.hears(stanza.Stanza{Kind: stanza.IQ, Type: "get", ID: "q", From: who, To: component, Payload: []*stanza.Element{query(space).With("node", node)}})
	list := c.session.take()
	if len(list) != 1 {
		c.t.Fatalf("answered by %+v", list)
	}
	return list[0]
}

func TestCommands(t *testing.T) {
	synctestRun(t, "GW-1 V-5 LL-CAP-4 the gateway is what the vector says, with jabber:iq:register beside it", func(t *testing.T) {
		i := selfInfo()
		if !i.Has("jabber:iq:register") {
			i.Features = append(i.Features, "jabber:iq:register")
		}
		if got := i.Ver(); got != "cqwqQnD7BYII4xLzQOKb0uhriXE=" {
			t.Errorf("%s, of %q", got, i.Features)
		}
		c := commanded(t)
		got, err := caps.Parse(c.asksAbout(eve+"/x", stanza.NSDiscoInfo, "meshbridge#"+c.selfMark.Ver).Payload[0])
		if err != nil || got.Ver() != c.selfMark.Ver || !got.Has(stanza.NSCommands) {
			t.Errorf("%+v, %v", got, err)
		}
	})
	synctestRun(t, "GW-20 GW-2 everybody is shown what they may, and nothing else", func(t *testing.T) {
		c := commanded(t)
		for who, want := range map[string][]string{
			aliceJID + "/desk": {"who Who is on the LAN", "find Find somebody by name", "block Block or unblock people", "approve Approve or deny people"},
			bossJID + "/x":     {"who Who is on the LAN", "find Find somebody by name", "approve Approve or deny people", "resolve Resolve an address", "stats Statistics"},
			eve + "/x":         nil,
		} {
			answer := c.asksAbout(who, stanza.NSDiscoItems, stanza.NSCommands)
			if answer.Type != "result" || answer.Payload[0].Attr("node") != stanza.NSCommands {
				t.Errorf("%+v", answer)
			}
			var got []string
			for _, item := range answer.Payload[0].Elements() {
				if item.Attr("jid") != component {
					t.Errorf("%+v", item)
				}
				got = append(got, item.Attr("node")+" "+item.Attr("name"))
			}
			wantWords(t, who, got, want...)
		}
	})
	synctestRun(t, "GW-1 GW-20 what is listed says what it is, and is answered", func(t *testing.T) {
		c := commanded(t)
		for _, who := range []string{aliceJID + "/desk", bossJID + "/x"} {
			for _, item := range c.asksAbout(who, stanza.NSDiscoItems, stanza.NSCommands).Payload[0].Elements() {
				node := item.Attr("node")
				answer := c.asksAbout(who, stanza.NSDiscoInfo, node)
				want := `<query xmlns='http://jabber.org/protocol/disco#info' node='` + node + `'><identity category='automation' type='command-node' name='` + item.Attr("name") + `'/>` +
					`<feature var='http://jabber.org/protocol/commands'/><feature var='jabber:x:data'/></query>`
				if got := string(stanza.AppendElement(nil, stanza.Component, answer.Payload[0])); got != want {
					t.Errorf("got  %s\nwant %s", got, want)
				}
				if s := c.stepOf(c.orders(who, node, "", "execute")); s.Attr("status") != "executing" && s.Attr("status") != "completed" {
					t.Errorf("%s: %+v", node, s)
				}
			}
		}
		list := c.asksAbout(aliceJID+"/desk", stanza.NSDiscoInfo, stanza.NSCommands).Payload[0]
		if id := list.Child(stanza.NSDiscoInfo, "identity"); id.Attr("category") != "automation" || id.Attr("type") != "command-list" {
			t.Errorf("%+v", list)
		}
		wantWords(t, "unknown nodes", errorsIn([]stanza.Stanza{c.asksAbout(aliceJID+"/desk", stanza.NSDiscoInfo, "reset"), c.asksAbout(aliceJID+"/desk", stanza.NSDiscoItems, "who")}),
			component+" item-not-found", component+" item-not-found")
		wantWords(t, "an unknown command", errorsIn(c.orders(aliceJID+"/desk", "reset", "", "")), component+" item-not-found")
	})
	synctestRun(t, "GW-20 who may not is told so, in the menu and in words, and nothing is done", func(t *testing.T) {
		c := commanded(t)
		for who, nodes := range map[string][]string{
			aliceJID + "/desk": {"resolve", "stats"},
			bossJID + "/x":     {"block"},
			eve + "/x":         {"who", "find", "block", "resolve", "stats"},
		} {
			for _, node := range nodes {
				before := c.drops.of("GW-20")
				wantWords(t, who+" "+node, errorsIn(c.orders(who, node, "", "")), component+" forbidden")
				wantWords(t, who+" asks about "+node, errorsIn([]stanza.Stanza{c.asksAbout(who, stanza.NSDiscoInfo, node)}), component+" forbidden")
				if n := c.drops.of("GW-20") - before; n != 2 {
					t.Errorf("counted %d times", n)
				}
			}
		}
		if n := len(c.lookups.under); n != 0 {
			t.Errorf("%d lookups", n)
		}
	})
	synctestRun(t, "GW-20 who may no longer cannot go on either", func(t *testing.T) {
		c := commanded(t)
		shown := c.stepOf(c.orders(bossJID+"/x", "resolve", "", ""))
		delete(c.policy.Admins, bossJID)
		wantWords(t, "the form", errorsIn(c.orders(bossJID+"/x", "resolve", shown.Attr("sessionid"), "", "uri", "xmpp:example.net")), component+" forbidden")
	})
	synctestRun(t, "GW-20 who is on the LAN", func(t *testing.T) {
		c := commanded(t)
		c.rest(3 * time.Hour)
		c.peerGone(romeoName, "")
		c.rest(time.Minute)
		c.peer(romeoName, "forza")
		c.setBlock(store.Pair{Colleague: aliceJID, Local: localOf(romeoName)}, byColleague, true)
		wantWords(t, "the table", rowsOf(c.stepOf(c.orders(aliceJID+"/desk", "who", "", ""))),
			"Juliet Capulet (juliet@pronto) | "+julietJID+" | away (Lunch) | 3 hours", "romeo@forza | "+romeoJID+" | blocked by you | a few seconds")
		c.peerGone(romeoName, "")
		c.peerGone(julietName, "")
		empty := c.stepOf(c.orders(aliceJID+"/desk", "who", "", ""))
		if noteOf(empty) != "info: "+nobodyHere || empty.Child(form.NS, "x") == nil {
			t.Errorf("%+v", empty)
		}
	})
	synctestRun(t, "GW-20 more people than fit into a stanza", func(t *testing.T) {
		c := commanded(t)
		c.cfg.Upstream.MaxStanza = 64 << 10
		for i := range 1000 {
			c.peer(strings.Repeat("&", 40)+string(rune('a'+i%26))+string(rune('a'+i/26))+"@pc", "pc")
			c.peerChanged(linklocal.Peer{Instance: string(rune('a'+i%26)) + string(rune('a'+i/26)) + "@pc", Host: "pc", Profile: linklocal.Profile{Nick: "Everybody"}})
		}
		long := strings.Repeat("'", 60)
		for i := range maxBlocksEach {
			c.setBlock(store.Pair{Colleague: aliceJID, Local: localOf(string(rune('a'+i%26)) + string(rune('a'+i/26)) + long)}, byColleague, true)
		}
		answers := c.orders(aliceJID+"/desk", "who", "", "")
		answers = append(answers, c.orders(aliceJID+"/desk", "block", "", "")...)
		answers = append(answers, c.fills(aliceJID+"/desk", "find", "name", "everybody")...)
		answers = append(answers, c.asksAbout(aliceJID+"/desk", stanza.NSDiscoItems, ""))
		c.hears(stanza.Stanza{Kind: stanza.Message, Type: "chat", From: aliceJID + "/desk", To: component, Payload: []*stanza.Element{stanza.New("", "body").AddText("help")}})
		answers = append(answers, c.session.take()...)
		if len(answers) != 5 {
			t.Fatalf("%d answers", len(answers))
		}
		for _, s := range answers {
			if n := len(stanza.Append(nil, stanza.Component, s)); n < 1000 || n > c.cfg.Upstream.MaxStanza {
				t.Errorf("%d octets: %.300s", n, stanza.Append(nil, stanza.Component, s))
			}
		}
	})
	synctestRun(t, "GW-20 whoever does not fit into the form stays blocked", func(t *testing.T) {
		c := commanded(t)
		c.cfg.Upstream.MaxStanza = 16 << 10
		for i := range 100 {
			c.setBlock(store.Pair{Colleague: aliceJID, Local: localOf(fmt.Sprintf("%02d%s@pc", i, strings.Repeat("x", 40)))}, byColleague, true)
		}
		shown := c.stepOf(c.orders(aliceJID+"/desk", "block", "", ""))
		n := len(shown.Child(form.NS, "x").Child(form.NS, "field").Children(form.NS, "value"))
		c.stepOf(c.orders(aliceJID+"/desk", "block", shown.Attr("sessionid"), "", "blocked"))
		if left := len(c.blockedOf(aliceJID)); n == 0 || n == 100 || left != 100-n {
			t.Errorf("%d were shown, %d are left of 100", n, left)
		}
	})
	synctestRun(t, "GW-20 GW-2 who has blocked somebody is not here for them", func(t *testing.T) {
		c := commanded(t)
		c.setBlock(aliceAndJuliet, byPeer, true)
		c.session.take()
		if got := rowsOf(c.stepOf(c.orders(aliceJID+"/desk", "who", "", ""))); len(got) != 1 || !strings.HasPrefix(got[0], "romeo@forza") {
			t.Errorf("%q", got)
		}
		if got := c.asksAbout(aliceJID+"/desk", stanza.NSDiscoItems, "").Payload[0].Elements(); len(got) != 1 {
			t.Errorf("%+v", got)
		}
	})
	synctestRun(t, "PRIV-3 GW-20 the form for blocking does not show either who has blocked the one who asks", func(t *testing.T) {
		c := commanded(t)
		c.setBlock(store.Pair{Colleague: aliceJID, Local: localOf(julietName)}, byPeer, true)
		options, _ := c.blockable(aliceJID)
		if len(options) != 1 || options[0].Value != localOf(romeoName) {
			t.Errorf("offered: %+v", options)
		}
		c.setBlock(store.Pair{Colleague: aliceJID, Local: localOf(julietName)}, byColleague, true)
		if options, blocked := c.blockable(aliceJID); len(options) != 2 || len(blocked) != 1 {
			t.Errorf("whom she has blocked herself: %+v, chosen %q", options, blocked)
		}
	})
	synctestRun(t, "GW-20 GW-13 somebody is found by address, by instance and by name", func(t *testing.T) {
		c := commanded(t)
		c.peerChanged(linklocal.Peer{Instance: "romeo@laptop", Host: "laptop", Profile: linklocal.Profile{Nick: "Romeo"}})
		juliet := []string{"Juliet Capulet | " + julietJID}
		for typed, want := range map[string][]string{
			"juliet@pronto": juliet, "JULIET@PRONTO": juliet, julietJID: juliet, "juliet": juliet, "juliet capulet": juliet,
			"romeo":     {"romeo@forza | " + romeoJID, "Romeo | " + proxyOf("romeo@laptop")},
			"tybalt@pc": {"tybalt@pc | " + proxyOf("tybalt@pc")},
			"juliett":   nil, "x": nil, "alice@example.org": {"alice@example.org | " + proxyOf("alice@example.org")},
		} {
			got := c.stepOf(c.fills(aliceJID+"/desk", "find", "name", typed))
			wantWords(t, typed, rowsOf(got), want...)
			if failed := strings.HasPrefix(noteOf(got), "error: "); failed != (want == nil) {
				t.Errorf("%s: %s", typed, noteOf(got))
			}
		}
		if got := noteOf(c.stepOf(c.fills(aliceJID+"/desk", "find", "name", "juliett"))); got != "error: Nobody is called juliett. Do you mean juliet?" {
			t.Error(got)
		}
	})
	synctestRun(t, "INJ-11 GW-20 the gateway's own contact, and colleagues on the mesh, are nobody to be found", func(t *testing.T) {
		c := commanded(t)
		c.listening = time.Now()
		c.showContact()
		c.contactChanged(linklocal.ProxyChanged{Proxy: contactKey, Instance: "gateway-2@office", Announced: true})
		for _, name := range []string{contactName, "gateway-2@office", aliceInstance} {
			if note := noteOf(c.stepOf(c.fills(aliceJID+"/desk", "find", "name", name))); !strings.HasPrefix(note, "error: Nobody is called") {
				t.Errorf("%s: %s", name, note)
			}
			if said := c.decideNamed(aliceJID, name, true); !strings.HasPrefix(said, "Nobody is called") {
				t.Errorf("%s: %s", name, said)
			}
		}
	})
	synctestRun(t, "GW-20 people are blocked and unblocked by a form", func(t *testing.T) {
		c := commanded(t)
		shown := c.stepOf(c.orders(aliceJID+"/desk", "block", "", ""))
		var options []string
		for _, o := range shown.Child(form.NS, "x").Child(form.NS, "field").Children(form.NS, "option") {
			options = append(options, o.Attr("label")+" "+o.Child(form.NS, "value").Text())
		}
		wantWords(t, "to choose from", options, "Juliet Capulet (juliet@pronto) "+localOf(julietName), "romeo@forza "+localOf(romeoName))
		done := c.stepOf(c.orders(aliceJID+"/desk", "block", shown.Attr("sessionid"), "", "blocked", localOf(julietName), "other", "tybalt@pc"))
		if got := noteOf(done); got != "info: juliet@pronto is blocked.\ntybalt@pc is blocked." {
			t.Error(got)
		}
		wantWords(t, "blocked", c.blockedOf(aliceJID), localOf(julietName), localOf("tybalt@pc"))
		shown = c.stepOf(c.orders(aliceJID+"/desk", "block", "", ""))
		if chosen := shown.Child(form.NS, "x").Child(form.NS, "field").Children(form.NS, "value"); len(chosen) != 2 {
			t.Errorf("%d are chosen already", len(chosen))
		}
		done = c.stepOf(c.orders(aliceJID+"/desk", "block", shown.Attr("sessionid"), "complete", "blocked", localOf("tybalt@pc")))
		if got := noteOf(done); got != "info: juliet@pronto is not blocked any more." {
			t.Error(got)
		}
		for filled, want := range map[string]string{
			"juliett":   "error: Nobody is called juliett. Do you mean juliet? Nothing was changed.",
			"tybalt@pc": "info: Nothing was changed.",
		} {
			if got := noteOf(c.stepOf(c.fills(aliceJID+"/desk", "block", "other", filled))); got != want {
				t.Errorf("%s: %s", filled, got)
			}
		}
		wantWords(t, "blocked in the end", c.blockedOf(aliceJID), localOf("tybalt@pc"))
	})
	synctestRun(t, "GW-20 how the gateway is", func(t *testing.T) {
		c := commanded(t)
		c.hears(pres(aliceJID+"/desk", component, ""))
		c.says(julietName, "1", "kept")
		c.drops.count("INJ-9")
		c.drops.count("INJ-9")
		c.session.take() // the message, and the question whether it has arrived
		c.rest(49 * time.Hour)
		got := map[string]string{}
		for _, f := range c.stepOf(c.orders(bossJID+"/x", "stats", "", "")).Child(form.NS, "x").Children(form.NS, "field") {
			var values []string
			for _, v := range f.Children(form.NS, "value") {
				values = append(values, v.Text())
			}
			got[f.Attr("var")] = strings.Join(values, ", ")
		}
		for name, want := range map[string]string{"uptime": "2 days", "peers": "2", "colleagues": "1", "outbox": "1 (", "commands": "1", "memory": " MiB", "refused": "INJ-9: 2"} {
			if !strings.Contains(got[name], want) {
				t.Errorf("%s: %q, want %q", name, got[name], want)
			}
		}
	})
}

func TestHowLong(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "a few seconds", 59 * time.Second: "a few seconds", time.Minute: "a minute", 119 * time.Second: "a minute", 2 * time.Minute: "2 minutes",
		119 * time.Minute: "119 minutes", 2 * time.Hour: "2 hours", 47 * time.Hour: "47 hours", 48 * time.Hour: "2 days",
	} {
		if got := howLong(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
