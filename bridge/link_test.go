package bridge

import (
	"strings"
	"testing"
	"time"

	"meshbridge/bridge/policy"
	"meshbridge/bridge/store"
	"meshbridge/bridge/wording"
	"meshbridge/linklocal"
	"meshbridge/upstream"
)

func upstream0() upstream.Down { return upstream.Down{} }

func TestLink(t *testing.T) {
	const account = "juliet@example.org"
	rig := func(t *testing.T) *coreRig {
		c := newCoreRig(t)
		c.up()
		c.peer(julietName, "pronto")
		c.peer(romeoName, "forza")
		return c
	}
	ask := func(c *coreRig) string {
		c.t.Helper()
		c.expectSays(julietName, "link "+account, "I have sent a code to "+account)
		list := c.lettersTo(account)
		if len(list) != 1 || codeIn(list[0]) == "" || !strings.Contains(list[0], julietName) {
			c.t.Fatalf("the account got %q", list)
		}
		return codeIn(list[0])
	}
	linked := func(c *coreRig) string { // as far as the gateway knows when she says something
		c.types(julietName, "status")
		account, _ := c.linkOf(c.seen[julietName])
		return account
	}
	synctestRun(t, "INJ-27 the right code links, in whatever form, and that survives a restart", func(t *testing.T) {
		c := rig(t)
		code := ask(c)
		c.expectSays(julietName, " "+strings.ToLower(wording.ShowCode(code))+" ", account+" is yours")
		if linked(c) != account {
			t.Errorf("linked to %q", linked(c))
		}
		c.expectSays(julietName, "status", "You have proved that the account "+account+" is yours")
		c.expectSays(julietName, wording.ShowCode(code), "I do not expect a code of you")
		c.expectSays(julietName, "link "+account, "linked to you already")
		again := newCoreRig(t)
		again.recall(c.store.copy())
		again.up()
		again.peer(julietName, "pronto")
		if linked(again) != account {
			t.Error("forgotten over the restart")
		}
		again.expectSays(julietName, "unlink", "not linked to you any more")
		again.expectSays(julietName, "unlink", "No account is linked")
		if linked(again) != "" || len(again.store.Facts[store.Links]) != 0 {
			t.Error("still linked")
		}
	})
	synctestRun(t, "INJ-27 five tries: after them the right code is worth nothing", func(t *testing.T) {
		c := rig(t)
		code := ask(c)
		wrong := strings.Map(func(r rune) rune {
			if r == 'A' {
				return 'B'
			}
			return 'A'
		}, code)
		for _, want := range []string{"4 more times", "3 more times", "2 more times", "1 more time.", "it was the last try"} {
			c.expectSays(julietName, wrong, want)
		}
		c.expectSays(julietName, wording.ShowCode(code), "I do not expect a code of you")
		if linked(c) != "" {
			t.Error("linked")
		}
		if n := c.drops.of("INJ-27"); n != 6 {
			t.Errorf("counted %d times", n)
		}
		c.rest(time.Minute)
		c.expectSays(julietName, ask(c), "is yours") // the 6th needs a new code
	})
	synctestRun(t, "INJ-27 a code lives ten minutes", func(t *testing.T) {
		c := rig(t)
		code := ask(c)
		c.rest(10*time.Minute - time.Second)
		c.expectSays(julietName, "AAAA-AAAA", "That is not the code")
		c.rest(time.Second)
		c.expectSays(julietName, code, "not valid any more")
		if linked(c) != "" {
			t.Error("linked")
		}
	})
	synctestRun(t, "INJ-27 another instance that types the code is refused, and so is one that took the name", func(t *testing.T) {
		c := rig(t)
		code := ask(c)
		c.expectSays(romeoName, wording.ShowCode(code), "I do not expect a code of you")
		c.expectSays(romeoName, "together", "understand a few words")
		c.peerGone(julietName, "")
		c.peer(julietName, "intruder")
		c.expectSays(julietName, code, "not valid any more")
		if len(c.store.Facts[store.Links]) != 0 {
			t.Errorf("linked: %v", c.store.Facts[store.Links])
		}
	})
	synctestRun(t, "INJ-27 a link is the machine's that proved it", func(t *testing.T) {
		c := rig(t)
		c.expectSays(julietName, ask(c), "is yours")
		c.peerGone(julietName, "")
		c.peer(julietName, "intruder")
		if linked(c) != "" {
			t.Error("inherited")
		}
		c.expectSays(julietName, "status", "from another machine than yours")
		c.expectSays(julietName, "unlink", "No account is linked")
		c.peer(julietName, "Pronto")
		if linked(c) != account {
			t.Error("lost by the one who has it")
		}
	})
	synctestRun(t, "INJ-27 ten requests within a minute: one message, by whomever", func(t *testing.T) {
		c := rig(t)
		for range 5 {
			c.types(julietName, "link "+account)
			c.types(romeoName, "link "+account)
		}
		if n := len(c.lettersTo(account)); n != 1 {
			t.Errorf("%d messages", n)
		}
		c.rest(time.Minute)
		c.expectSays(romeoName, "link "+account, "I have sent a code")
	})
	synctestRun(t, "INJ-27 only an account somewhere else gets a code", func(t *testing.T) {
		c := rig(t)
		for typed, want := range map[string]string{
			"": "Say which account", "juliet": "no address of an XMPP account", "example.org": "no address of an XMPP account",
			"x@" + component: "an address of mine", "juliet@pronto": "no XMPP server of that name",
			"root@10.2.1.1": "no XMPP server of that name", "x@[::1]": "no ", "x@printer.local": "no XMPP server of that name",
		} {
			c.rest(10 * time.Second)
			c.expectSays(julietName, "link "+typed, want)
		}
		if got := messagesIn(c.session.take()); len(got) != 0 {
			t.Errorf("sent: %v", got)
		}
		c.down(upstream0())
		c.expectSays(julietName, "link "+account, "cannot be reached")
		if c.seen[julietName].dialogue.code != nil {
			t.Error("a code that nobody got is waited for")
		}
	})
	synctestRun(t, "INJ-27 the key jid of a record neither starts nor shortens it", func(t *testing.T) {
		c := rig(t)
		c.peerChanged(linklocal.Peer{Instance: julietName, Host: "pronto", Profile: linklocal.Profile{Status: linklocal.Available, JIDs: []string{account}}})
		c.rest(time.Minute)
		if n := len(c.lettersTo(account)); n != 0 || linked(c) != "" {
			t.Errorf("%d messages, linked to %q", n, linked(c))
		}
		ask(c)
		if linked(c) != "" {
			t.Error("linked without a code")
		}
	})
	synctestRun(t, "INJ-27 a link never lets the gateway speak as that account", func(t *testing.T) {
		c := rig(t)
		c.expectSays(julietName, ask(c), "is yours")
		c.fromMesh(linklocal.Received{Peer: julietName, Proxy: aliceJID, Stanza: chat("", "m", "hello")})
		got := messagesIn(c.session.take())
		if len(got) != 1 || got[0].From != julietJID {
			t.Errorf("%+v", got)
		}
	})
	t.Run("INJ-27 SEC-2 whatever level the office asks for, a bound peer may talk to the gateway to get there", func(t *testing.T) {
		for _, level := range []policy.Level{policy.Bound, policy.Approved, policy.Linked, policy.Authenticated} {
			v := policy.FromMesh(policy.Case{Stanza: chat("", "", "link x@example.org"), Target: policy.Gateway, Peer: policy.Peer{Level: policy.Bound}}, policy.Policy{Mesh: level})
			if v.Action != policy.Answer {
				t.Errorf("level %d: %+v", level, v)
			}
		}
		if v := policy.FromMesh(policy.Case{Stanza: chat("", "", "help"), Target: policy.Gateway}, policy.Policy{}); v.Action != policy.Drop || v.Rule != "INJ-4" {
			t.Errorf("unbound: %+v", v)
		}
	})
	synctestRun(t, "no two codes are alike", func(t *testing.T) {
		seen := map[string]bool{}
		for range 1000 {
			code := newCode()
			if read, ok := wording.ReadCode(wording.ShowCode(code)); !ok || read != code || seen[code] {
				t.Fatal(code)
			}
			seen[code] = true
		}
	})
}
