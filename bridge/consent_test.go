package bridge

import (
	"fmt"
	"strings"
	"testing"

	"meshbridge/bridge/config"
	"meshbridge/bridge/policy"
	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
)

func TestConsent(t *testing.T) {
	start := func(t *testing.T, level config.Mesh) *coreRig {
		c := newCoreRig(t, asks(level), func(cfg *config.Config) { cfg.Access.Admins = []string{bossJID} })
		c.up()
		c.peer(julietName, "pronto")
		c.hears(pres(aliceJID+"/r", component, ""))
		c.speaks(prontoAt, aliceJID, "hello")
		c.session.take()
		return c
	}
	// tells writes to the gateway and returns its answer.
	tells := func(c *coreRig, who, text string) string {
		c.hears(stanza.Stanza{Kind: stanza.Message, From: who + "/r", To: component, ID: newID(), Type: "chat",
			Payload: []*stanza.Element{stanza.New("", "body").AddText(text)}})
		list, _ := c.wrote()
		return strings.TrimPrefix(strings.Join(list, "|"), "gateway > "+who+"/r: ")
	}
	crosses := func(c *coreRig, to string) bool {
		c.speaks(prontoAt, to, newID())
		_, crossed := c.wrote()
		return crossed == 1
	}
	for _, tt := range []struct {
		who, text, answer string
		alice, bob        bool // whether Juliet's messages cross then
	}{
		{aliceJID, "approve juliet@pronto", "juliet@pronto is approved, for you.", true, false},
		{aliceJID, "Approve: JULIET@pronto.", "juliet@pronto is approved, for you.", true, false},
		{aliceJID, "approve " + julietJID, "juliet@pronto is approved, for you.", true, false},
		{aliceJID, "approve Juliet", "Write the whole name", false, false},
		{aliceJID, "approve julio", "Nobody is called julio.", false, false},
		{bossJID, "approve juliet@pronto", "juliet@pronto is approved, for everybody.", true, true},
		{aliceJID, "deny juliet@pronto", "juliet@pronto is denied, for you.", false, false},
		{bossJID, "deny juliet@pronto", "juliet@pronto is denied, for everybody.", false, false},
		{aliceJID, "approve", "Write the name behind it", false, false},
		{"who@else.example", "approve juliet@pronto", "", false, false},
	} {
		synctestRun(t, fmt.Sprintf("MAP-M13 GW-20 SEC-2 %s writes %q", tt.who, tt.text), func(t *testing.T) {
			c := start(t, config.Approved)
			got := tells(c, tt.who, tt.text)
			if !strings.HasPrefix(got, tt.answer) {
				t.Errorf("answered %q", got)
			}
			if alice, bob := crosses(c, aliceJID), crosses(c, "bob@example.org"); alice != tt.alice || bob != tt.bob {
				t.Errorf("crosses to Alice: %v, to Bob: %v", alice, bob)
			}
		})
	}
	synctestRun(t, "GW-20 SEC-2 by command: who waits is listed, chosen and approved, for oneself", func(t *testing.T) {
		c := start(t, config.Approved)
		shown := c.stepOf(c.orders(aliceJID, "approve", "", ""))
		text := string(stanza.AppendElement(nil, stanza.Component, shown))
		if !strings.Contains(text, "juliet@pronto: has not been approved (computer pronto, address 10.2.1.187)") {
			t.Errorf("shown %s", text)
		}
		step := c.stepOf(c.orders(aliceJID, "approve", shown.Attr("sessionid"), "complete", "person", c.theJuliet().local, "answer", "yes"))
		if note := noteOf(step); note != "info: juliet@pronto is approved, for you." {
			t.Errorf("answered %q", note)
		}
		if !crosses(c, aliceJID) || crosses(c, "bob@example.org") {
			t.Error("not for Alice alone")
		}
	})
	synctestRun(t, "GW-20 SEC-2 by command: an admin sees what waits for others, and approves for everybody", func(t *testing.T) {
		c := start(t, config.Approved)
		if note := noteOf(c.stepOf(c.fills(bossJID, "approve", "person", c.theJuliet().local, "answer", "yes"))); note != "info: juliet@pronto is approved, for everybody." {
			t.Errorf("answered %q", note)
		}
		if !crosses(c, aliceJID) || !crosses(c, "bob@example.org") {
			t.Error("not for everybody")
		}
	})
	synctestRun(t, "GW-20 a colleague does not see who waits for others", func(t *testing.T) {
		c := start(t, config.Approved)
		if o := c.undecided("bob@example.org"); len(o) != 0 {
			t.Errorf("Bob sees %+v", o)
		}
		if text := tells(c, aliceJID, "help"); !strings.Contains(text, "Who waits for a yes:\njuliet@pronto: has not been approved") {
			t.Errorf("Alice is told %q", text)
		}
	})
	synctestRun(t, "SEC-2 a name that nobody has had yet is approved for the first that comes with it", func(t *testing.T) {
		c := start(t, config.Approved)
		if got := tells(c, aliceJID, "approve "+romeoName); got != "romeo@forza is approved, for you." {
			t.Errorf("answered %q", got)
		}
		c.peer(romeoName, "forza")
		for _, m := range []linklocal.Machine{at("forza", "10.2.1.188", "cc:cc"), at("forza", "10.2.1.66", "ee:ee")} {
			c.fromMesh(linklocal.Received{Peer: romeoName, Proxy: aliceJID, Machine: &m, Stanza: chat("", newID(), "hello")})
		}
		if _, crossed := c.wrote(); crossed != 1 {
			t.Errorf("%d crossed", crossed)
		}
	})
	synctestRun(t, "SEC-2 under bound a yes says who is the same, and a no leads to block", func(t *testing.T) {
		c := start(t, config.Bound)
		if got := tells(c, aliceJID, "deny juliet@pronto"); !strings.Contains(got, "Write block juliet@pronto") || len(c.store.Facts["approvals"]) != 0 {
			t.Errorf("answered %q", got)
		}
		if c.policy.Mesh != policy.Bound {
			t.Error("not bound")
		}
	})
}
