package bridge

import (
	"strings"
	"testing"
	"time"

	"meshbridge/internal/stanza"
)

// tells writes a message to the gateway, and returns the bodies of the answers.
func (c *coreRig) tells(who, text string) (bodies []string) {
	c.hears(stanza.Stanza{Kind: stanza.Message, Type: "chat", From: who, To: component, Payload: []*stanza.Element{stanza.New("", "body").AddText(text)}})
	c.rest(time.Second)
	for _, s := range messagesIn(c.session.take()) {
		if s.Type == "error" {
			e, _ := stanza.ErrorOf(s)
			bodies = append(bodies, e.Condition)
			continue
		}
		if s.From != component || s.To != who || s.Type != "chat" {
			c.t.Errorf("%+v", s)
		}
		bodies = append(bodies, bodyOf(s))
	}
	return bodies
}

func TestWords(t *testing.T) {
	const desk, admin = aliceJID + "/desk", bossJID + "/x"
	people := "Juliet Capulet (juliet@pronto): away (Lunch), for a few seconds, " + julietJID + "\nromeo@forza: available, for a few seconds, " + romeoJID
	synctestRun(t, "MAP-M13 GW-20 what is written to the gateway is done, and answered once", func(t *testing.T) {
		c, d := commanded(t), &zone{ttl: time.Minute}
		c.lookups.ask = d.ask
		for _, row := range [][3]string{
			{desk, "who", people},
			{desk, " Who?\n", people},
			{admin, "who", people},
			{desk, "find juliet", "Add the address to your contacts.\nJuliet Capulet, " + julietJID},
			{desk, "find", "Write the name behind it, as juliet@pronto."},
			{desk, "block romeo@forza.", "romeo@forza is blocked."},
			{desk, "block “juliet capulet”", "juliet@pronto is blocked."},
			{desk, "unblock romeo", "romeo@forza is not blocked any more."},
			{desk, "unblock romeo", "romeo@forza is not blocked."},
			{desk, "block rome", "Nobody is called rome. Do you mean romeo?"},
			{desk, "unblock Juliet Capulet", "juliet@pronto is not blocked any more."},
			{desk, "resolve xmpp:example.net", "You may not do that. Ask the administrator of the bridge."},
			{desk, "STATS", "You may not do that. Ask the administrator of the bridge."},
			{admin, "block romeo", "You may not do that. Ask the administrator of the bridge."},
			{admin, "resolve xmpp:example.net.", "starttls, 192.0.2.1:5222, x.example.net\nstarttls, 192.0.2.2:5222, y.example.net"},
			{desk, "unblok romeo", "Do you mean unblock? Write help to see what I understand."},
			{desk, "good morning", "This is the bridge to the people on the local network. Write help to see what I understand."},
			{eve + "/x", "who", no},
		} {
			wantWords(t, row[0]+" "+row[1], c.tells(row[0], row[1]), row[2])
			c.turns = newRecent[turn](turnPause, maxNoticed)
		}
		if n := len(c.blockedOf(aliceJID)); n != 0 {
			t.Errorf("%d are blocked", n)
		}
	})
	synctestRun(t, "MAP-M13 help lists what one may", func(t *testing.T) {
		c := commanded(t)
		got := c.tells(desk, "help")
		if len(got) != 1 || !strings.Contains(got[0], "block NAME: ") || !strings.Contains(got[0], julietJID) || strings.Contains(got[0], "stats") {
			t.Errorf("%q", got)
		}
		got = c.tells(admin, "help")
		if len(got) != 1 || !strings.Contains(got[0], "stats: ") || strings.Contains(got[0], "block") {
			t.Errorf("%q", got)
		}
		if got := c.tells(admin, "stats"); len(got) != 1 || !strings.Contains(got[0], "People on the LAN: 2") {
			t.Errorf("%q", got)
		}
	})
	synctestRun(t, "MAP-M13 two robots fall silent, and people do not wait long for it", func(t *testing.T) {
		c := commanded(t)
		said := 0
		for range 50 {
			c.hears(stanza.Stanza{Kind: stanza.Message, Type: "chat", From: desk, To: component, Payload: []*stanza.Element{stanza.New("", "body").AddText("I am away.")}})
			said += len(c.session.take())
		}
		if said != maxTurns || c.drops.of("MAP-M13") != 50-maxTurns {
			t.Errorf("%d answers, %d counted", said, c.drops.of("MAP-M13"))
		}
		if got := c.tells(admin, "who"); len(got) != 1 {
			t.Errorf("somebody else gets %q", got)
		}
		c.rest(turnPause)
		if got := c.tells(desk, "who"); len(got) != 1 {
			t.Errorf("later she gets %q", got)
		}
	})
}

func TestPromptByName(t *testing.T) {
	synctestRun(t, "GW-13 who may know who is here need not type the whole name; others learn nothing", func(t *testing.T) {
		c := commanded(t)
		ask := func(who, typed string) string {
			c.hears(stanza.Stanza{Kind: stanza.IQ, Type: "set", ID: "q", From: who, To: component, Payload: []*stanza.Element{
				query(stanza.NSGateway).Add(stanza.New(stanza.NSGateway, "prompt").AddText(typed))}})
			list := c.session.take()
			if len(list) != 1 || list[0].Type != "result" {
				t.Fatalf("%+v", list)
			}
			return list[0].Payload[0].Child(stanza.NSGateway, "jid").Text()
		}
		for _, row := range [][3]string{
			{aliceJID + "/desk", "juliet@pronto", julietJID}, {aliceJID + "/desk", "Juliet", julietJID}, {aliceJID + "/desk", "juliet capulet", julietJID},
			{aliceJID + "/desk", "tybalt@pc", proxyOf("tybalt@pc")}, {aliceJID + "/desk", "Tybalt", proxyOf("Tybalt")},
			{eve + "/x", "juliet@pronto", julietJID}, {eve + "/x", "juliet", proxyOf("juliet")},
		} {
			if got := ask(row[0], row[1]); got != row[2] {
				t.Errorf("%s types %s: %s, want %s", row[0], row[1], got, row[2])
			}
		}
	})
}
