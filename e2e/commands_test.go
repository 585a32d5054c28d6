//go:build linux

package e2e

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A commander is a client with a menu (commands.py).
type commander struct{ *client }

// commands starts a session that can do more than chat, on a device of its own.
func (o *office) commands(t testing.TB, name string) commander {
	t.Helper()
	a := commander{&client{events: newJournal[clientEvent]()}}
	a.process = o.srv.start(t, o.logs, command{
		name: name + "'s menu",
		argv: []string{"/usr/bin/python3", filepath.Join(filepath.Dir(tools.alice), "commands.py"), account(name) + "/menu", password, "127.0.0.1", "5222"},
		line: a.file,
	})
	a.events.start().await(t, 20*time.Second, name+" is online", func(e clientEvent) bool { return e.Ev == "online" })
	return a
}

// runs has a command run, each of its forms filled in by the next of fill, and returns
// what came of it.
func (a commander) runs(t testing.TB, node string, fill ...map[string]any) string {
	t.Helper()
	return a.performs(t, map[string]any{"do": "command", "to": domain, "node": node, "fill": fill})
}

// performs has the client do something that ends, and returns what came of it.
func (a commander) performs(t testing.TB, c map[string]any) string {
	t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	events := a.events.now()
	a.write(t, string(text))
	did := func(e clientEvent) bool { return e.Ev == "did" && e.ID == c["do"] }
	return events.await(t, later, "the end of "+string(text), did).Text
}

// writes has the client write to the gateway, and returns the answer.
func (a commander) writes(t testing.TB, text string) string {
	t.Helper()
	events := a.events.now()
	a.do(t, "message", "to", domain, "body", text)
	return events.await(t, soon, "the answer to "+text, func(e clientEvent) bool { return e.Ev == "message" && e.From == domain && e.Body != "" }).Body
}

// A counter is an office with an admin, and a nameserver on its router.
type counter struct {
	*scene
	names      *nameserver
	menu, boss commander
}

const netSRV = `
_xmpp-client._tcp.example.net. 60 IN SRV 10 0 5222 one.example.net.
one.example.net. 60 IN A 192.0.2.7
`

// TestCommands has clients that share no code with the bridge run its commands.
func TestCommands(t *testing.T) {
	c := &counter{}
	c.scene = newScene(t, both, racing, func(t testing.TB, o *office) (server, setup) {
		c.names = o.router.asks(t, netSRV)
		s, way := onProsody(t, o)
		way.more = "access:\n  admins: [\"xmpp:" + account("bob") + "\"]\n"
		return s, way
	})
	c.menu, c.boss = c.commands(t, "alice"), c.commands(t, "bob")
	t.Run("GW-20 a colleague and an admin are shown what they may", c.testMenu)
	t.Run("GW-20 who is on the LAN, and where somebody is found", c.testWho)
	t.Run("GW-20 a colleague blocks somebody by a form, and unblocks by a word", c.testBlock)
	t.Run("GW-20 PRIV-4 an admin resolves an address, which is asked for once; others may not", c.testResolve)
	t.Run("MAP-M13 the same in words", c.testWords)
	t.Run("PRIV-6 nothing of it is in the log", func(t *testing.T) {
		for _, l := range c.bridge.lines.all() {
			for _, word := range []string{"unblock", "example.net", "hear me"} {
				if strings.Contains(l.text, word) {
					t.Errorf("%q stands in the log: %s", word, l.text)
				}
			}
		}
	})
}

func (c *counter) testMenu(t *testing.T) {
	colleague := "approve: Approve or deny people\nblock: Block or unblock people\nfind: Find somebody by name\nwho: Who is on the LAN"
	admin := "approve: Approve or deny people\nfind: Find somebody by name\nresolve: Resolve an address\nstats: Statistics\nwho: Who is on the LAN"
	for who, want := range map[commander]string{c.menu: colleague, c.boss: admin} {
		if got := who.performs(t, map[string]any{"do": "commands", "to": domain}); got != want {
			t.Errorf("%s is shown\n%s\nwant\n%s", who.name, got, want)
		}
	}
}

func (c *counter) testWho(t *testing.T) {
	for _, who := range []commander{c.menu, c.boss} {
		got := who.runs(t, "who")
		if !strings.HasPrefix(got, "completed\n") || !strings.Contains(got, julietJID+" | available | ") {
			t.Errorf("%s is told %q", who.name, got)
		}
	}
	if got := c.menu.runs(t, "find", map[string]any{"name": "juliet"}); got != "completed\nAdd the address to your contacts.\nJuliet Capulet | "+julietJID {
		t.Errorf("found %q", got)
	}
	if got := c.menu.performs(t, map[string]any{"do": "prompt", "to": domain, "name": "juliet@pronto"}); got != julietJID {
		t.Errorf("GW-13: the prompt gives %q", got)
	}
	stats := c.boss.runs(t, "stats")
	for _, want := range []string{"completed\n", "peers: 1\n", "colleagues: 1\n", "uptime: ", " MiB\n"} {
		if !strings.Contains(stats, want) {
			t.Errorf("%q is missing in %q", want, stats)
		}
	}
	if got := c.menu.runs(t, "stats"); got != "forbidden" {
		t.Errorf("a colleague is told %q", got)
	}
}

func (c *counter) testBlock(t *testing.T) {
	const local = `juliet\40pronto`
	presences, juliets := c.alice.events.now(), c.juliet.events.now()
	if got := c.menu.runs(t, "block", map[string]any{"blocked": []string{local}}); got != "completed\njuliet@pronto is blocked." {
		t.Fatalf("told %q", got)
	}
	presences.await(t, soon, "Juliet is away for Alice", presence(julietJID, "unavailable"))
	c.juliet.send(t, aliceInstance, "can you hear me?")
	juliets.await(t, soon, "Juliet is told", func(e bonjourEvent) bool {
		return e.Ev == "message" && strings.Contains(e.Seen, "was not delivered: they cannot receive it now")
	})
	c.alice.do(t, "message", "to", julietJID, "body", "hello", "id", "blocked-1")
	presences.await(t, soon, "Alice is told", func(e clientEvent) bool {
		return e.Ev == "message" && e.Type == "error" && e.ID == "blocked-1" && strings.Contains(e.XML, "<not-acceptable")
	})
	if got := c.menu.writes(t, "unblock juliet"); got != "juliet@pronto is not blocked any more." {
		t.Fatalf("told %q", got)
	}
	presences.await(t, soon, "Juliet is back for Alice", presence(julietJID, ""))
	c.bothTalk(t, "again")
	for _, text := range c.alice.received(julietJID) {
		if text == "can you hear me?" {
			t.Error("Alice got what Juliet wrote while she was blocked")
		}
	}
}

func (c *counter) testResolve(t *testing.T) {
	if got := c.menu.runs(t, "resolve", map[string]any{"uri": "xmpp:example.net"}); got != "forbidden" {
		t.Errorf("a colleague is told %q", got)
	}
	if n := len(c.names.asked.all()); n != 0 {
		t.Errorf("%d questions unasked", n)
	}
	const want = "completed\nstarttls | 192.0.2.7:5222 | one.example.net"
	if got := c.boss.runs(t, "resolve", map[string]any{"uri": "xmpp:carol@example.net"}); got != want {
		t.Errorf("resolved %q", got)
	}
	n := len(c.names.asked.all())
	if got := c.boss.runs(t, "resolve", map[string]any{"uri": "xmpp:example.net"}); got != want {
		t.Errorf("resolved %q", got)
	}
	if again := len(c.names.asked.all()); n == 0 || again != n {
		t.Errorf("%d questions, and then %d", n, again-n)
	}
	if got := c.boss.runs(t, "resolve", map[string]any{"uri": "xmpp:nowhere.example.net"}); !strings.HasPrefix(got, "completed\nxmpp:nowhere.example.net: no records") {
		t.Errorf("told %q", got)
	}
}

func (c *counter) testWords(t *testing.T) {
	for _, row := range []struct {
		who        commander
		text, want string
	}{
		{c.menu, "help", "block NAME: "},
		{c.menu, "who", "Juliet Capulet (juliet@pronto): available, for "},
		{c.menu, "stats", "You may not do that."},
		{c.boss, "stats", "People on the LAN: 1\n"},
		{c.boss, "resolve xmpp:example.net", "starttls, 192.0.2.7:5222, one.example.net"},
		{c.menu, "good morning", "Write help to see what I understand."},
	} {
		if got := row.who.writes(t, row.text); !strings.Contains(got, row.want) {
			t.Errorf("%s writes %q and is told %q", row.who.name, row.text, got)
		}
	}
}
