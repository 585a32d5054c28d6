package embedded

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"meshbridge/internal/stanza"
)

const juliet = "a@lan.example.org"

func equal(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\ngot  %q\nwant %q", what, got, want)
	}
}

func TestRouting(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"a component's ping to itself":   {`<iq type='get' id='1' from='lan.example.org' to='lan.example.org'><ping xmlns='urn:xmpp:ping'/></iq>`, "iq get lan.example.org -> lan.example.org"},
		"a ping to the server":           {`<iq type='get' id='1' from='a@lan.example.org' to='example.org'><ping xmlns='urn:xmpp:ping'/></iq>`, "iq result example.org -> a@lan.example.org"},
		"a ping to an account":           {`<iq type='get' id='1' from='a@lan.example.org' to='alice@example.org'><ping xmlns='urn:xmpp:ping'/></iq>`, "iq result alice@example.org -> a@lan.example.org"},
		"a ping to a client":             {`<iq type='get' id='1' from='a@lan.example.org' to='alice@example.org/client'><ping xmlns='urn:xmpp:ping'/></iq>`, "iq result alice@example.org/client -> a@lan.example.org"},
		"a ping to a client that is not": {`<iq type='get' id='1' from='a@lan.example.org' to='alice@example.org/x'><ping xmlns='urn:xmpp:ping'/></iq>`, "iq error alice@example.org/x -> a@lan.example.org service-unavailable"},
		"an iq nobody understands":       {`<iq type='set' id='1' from='a@lan.example.org' to='alice@example.org'><x xmlns='urn:x'/></iq>`, "iq error alice@example.org -> a@lan.example.org service-unavailable"},
		"a message to nobody":            {`<message from='a@lan.example.org' to='nobody@example.org'><body>hi</body></message>`, "message error nobody@example.org -> a@lan.example.org service-unavailable"},
		"a message elsewhere":            {`<message from='a@lan.example.org' to='x@example.net'/>`, "message error x@example.net -> a@lan.example.org remote-server-not-found"},
		"a message to no address":        {`<message from='a@lan.example.org' to='@@'/>`, "message error @@ -> a@lan.example.org jid-malformed"},
		"a message to a component away":  {`<message from='a@lan.example.org' to='x@other.example.org'/>`, "message error x@other.example.org -> a@lan.example.org service-unavailable"},
		"a probe of nobody":              {`<presence type='probe' from='a@lan.example.org' to='nobody@example.org'/>`, "presence unsubscribed nobody@example.org -> a@lan.example.org"},
		"a probe by a stranger":          {`<presence type='probe' from='a@lan.example.org' to='alice@example.org'/>`, "presence unsubscribed alice@example.org -> a@lan.example.org"},
		"an error to nobody":             {`<message type='error' from='a@lan.example.org' to='nobody@example.org'/>`, ""},
		"presence to nobody":             {`<presence from='a@lan.example.org' to='nobody@example.org'/>`, ""},
	} {
		inBubble(t, name, func(t *testing.T) {
			s := office(t)
			s.Account("alice@example.org").Available("", "")
			k := login(t, s)
			k.say(c.in)
			if got := strings.Join(k.texts(), "\n"); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	inBubble(t, "messages both ways", func(t *testing.T) {
		s := office(t)
		alice := s.Account("Alice@Example.org/ignored")
		if alice != s.Account("alice@example.org") || alice.JID() != "alice@example.org" {
			t.Fatalf("accounts of two spellings differ: %s", alice.JID())
		}
		alice.Available("", "")
		k := login(t, s)
		k.say(`<message type='chat' from='a@lan.example.org' to='alice@example.org'><body>b &lt;b&gt;</body></message>`)
		equal(t, "Alice", inbox(alice), "message chat a@lan.example.org -> alice@example.org b <b>")
		if id := alice.Send(juliet, "hello"); id == "" || id == alice.Send(juliet, "again") {
			t.Error("ids are empty or the same")
		}
		equal(t, "Juliet", k.texts(),
			"message chat alice@example.org/client -> a@lan.example.org hello",
			"message chat alice@example.org/client -> a@lan.example.org again")
	})
	inBubble(t, "a message to somebody who is away waits", func(t *testing.T) {
		s := office(t)
		alice := s.Account("alice@example.org")
		k := login(t, s)
		for i := range offlineStanzas + 1 {
			k.say(fmt.Sprintf(`<message type='chat' from='a@lan.example.org' to='alice@example.org'><body>%d</body></message>`, i))
		}
		equal(t, "Juliet", k.texts(), "message error alice@example.org -> a@lan.example.org service-unavailable")
		if got := inbox(alice); len(got) != 0 {
			t.Errorf("delivered %q to nobody", got)
		}
		alice.Available("", "")
		if got := inbox(alice); len(got) != offlineStanzas {
			t.Errorf("%d delivered", len(got))
		}
	})
	inBubble(t, "an account that does not read loses the newest", func(t *testing.T) {
		s := office(t)
		alice := s.Account("alice@example.org")
		alice.Available("", "")
		bob := s.Account("bob@example.org")
		for range inboxStanzas + 3 {
			bob.Send("alice@example.org", "x")
		}
		if alice.Dropped() != 3 || len(inbox(alice)) != inboxStanzas {
			t.Errorf("%d dropped", alice.Dropped())
		}
	})
	inBubble(t, "a message to a component that is away comes back as an error", func(t *testing.T) {
		s := office(t)
		alice := s.Account("alice@example.org")
		alice.Available("", "")
		alice.Send(juliet, "hello")
		equal(t, "Alice", inbox(alice), "message error a@lan.example.org -> alice@example.org/client service-unavailable")
	})
	inBubble(t, "an account that answers by itself", func(t *testing.T) {
		s := office(t)
		alice := s.Account("alice@example.org")
		alice.Available("", "")
		alice.AutoReply(func(body string) string {
			if body == "quiet" {
				return ""
			}
			return "you said " + body
		})
		k := login(t, s)
		for _, body := range []string{"one", "quiet", "two"} {
			k.say(`<message type='chat' from='a@lan.example.org' to='alice@example.org'><body>` + body + `</body></message>`)
		}
		k.say(`<message type='error' from='a@lan.example.org' to='alice@example.org'><body>x</body></message>`)
		equal(t, "Juliet", k.texts(),
			"message chat alice@example.org/client -> a@lan.example.org you said one",
			"message chat alice@example.org/client -> a@lan.example.org you said two")
	})
	inBubble(t, "an iq of an account is answered to its client", func(t *testing.T) {
		s := office(t)
		alice := s.Account("alice@example.org")
		alice.Available("", "")
		k := login(t, s)
		alice.Write(stanza.Stanza{Kind: stanza.IQ, From: "forged@example.org", To: lan, ID: "v", Type: "get"})
		equal(t, "component", k.texts(), "iq get alice@example.org/client -> lan.example.org")
		k.say(`<iq type='result' id='v' from='lan.example.org' to='alice@example.org/client'/>`)
		equal(t, "Alice", inbox(alice), "iq result lan.example.org -> alice@example.org/client")
	})
}

func TestPresence(t *testing.T) {
	subscribe := `<presence type='subscribe' from='a@lan.example.org' to='alice@example.org'/>`
	inBubble(t, "a component's subscription is accepted, and followed by what is", func(t *testing.T) {
		s := office(t)
		alice := s.Account("alice@example.org")
		k := login(t, s)
		k.say(subscribe)
		equal(t, "offline", k.texts(),
			"presence subscribed alice@example.org -> a@lan.example.org",
			"presence unavailable alice@example.org -> a@lan.example.org")
		alice.Available("", "")
		alice.Available("away", "lunch")
		equal(t, "coming", k.texts(),
			"presence  alice@example.org/client -> a@lan.example.org",
			"presence  alice@example.org/client -> a@lan.example.org away lunch")
		k.say(strings.Replace(subscribe, "a@lan", "b@lan", 1))
		equal(t, "online", k.texts(),
			"presence subscribed alice@example.org -> b@lan.example.org",
			"presence  alice@example.org/client -> b@lan.example.org away lunch")
		k.say(strings.Replace(subscribe, "subscribe", "probe", 1))
		equal(t, "probed", k.texts(), "presence  alice@example.org/client -> a@lan.example.org away lunch")
		alice.Unavailable()
		alice.Unavailable()
		got := k.texts()
		slices.Sort(got)
		equal(t, "leaving", got,
			"presence unavailable alice@example.org/client -> a@lan.example.org",
			"presence unavailable alice@example.org/client -> b@lan.example.org")
	})
	inBubble(t, "unsubscribe ends it", func(t *testing.T) {
		s := office(t)
		alice := s.Account("alice@example.org")
		alice.Available("", "")
		k := login(t, s)
		k.say(subscribe)
		k.take()
		k.say(strings.Replace(subscribe, "subscribe", "unsubscribe", 1))
		equal(t, "at once", k.texts(), "presence unavailable alice@example.org/client -> a@lan.example.org")
		alice.Available("dnd", "")
		equal(t, "later", k.texts())
	})
	inBubble(t, "an account subscribes to a proxy JID", func(t *testing.T) {
		s := office(t)
		alice := s.Account("alice@example.org")
		alice.Available("", "")
		k := login(t, s)
		k.say(`<presence type='subscribed' from='a@lan.example.org' to='alice@example.org'/>`) // not asked for
		alice.Subscribe(juliet + "/ignored")
		equal(t, "asked", k.texts(), "presence subscribe alice@example.org -> a@lan.example.org")
		inbox(alice)
		k.say(`<presence type='subscribed' from='a@lan.example.org' to='alice@example.org'/><presence from='a@lan.example.org' to='alice@example.org'><show>dnd</show></presence>`)
		equal(t, "Alice", inbox(alice),
			"presence subscribed a@lan.example.org -> alice@example.org",
			"presence  a@lan.example.org -> alice@example.org dnd")
		alice.Unavailable()
		k.say(`<presence type='unavailable' from='a@lan.example.org' to='alice@example.org'/>`)
		equal(t, "Alice is away", inbox(alice))
		alice.Available("", "")
		equal(t, "login", k.texts(), "presence probe alice@example.org -> a@lan.example.org")
		alice.Unsubscribe(juliet)
		alice.Unavailable()
		alice.Available("", "")
		equal(t, "unsubscribed", k.texts(), "presence unsubscribe alice@example.org -> a@lan.example.org")
	})
	inBubble(t, "what was not asked for is not granted: no probe at login", func(t *testing.T) {
		s := office(t)
		alice := s.Account("alice@example.org")
		k := login(t, s)
		alice.Subscribe(juliet)
		k.say(`<presence type='unsubscribed' from='a@lan.example.org' to='alice@example.org'/><presence type='subscribed' from='a@lan.example.org' to='alice@example.org'/>`)
		k.take()
		alice.Available("", "")
		equal(t, "login", k.texts())
	})
	inBubble(t, "nobody is told when a component goes away", func(t *testing.T) {
		s := office(t)
		alice := s.Account("alice@example.org")
		alice.Available("", "")
		k := login(t, s)
		k.say(subscribe)
		alice.Subscribe(juliet)
		s.Disconnect()
		synctest.Wait()
		equal(t, "Alice", inbox(alice))
		if k.ended() != "closed" || s.Connected(lan) {
			t.Error("still connected")
		}
	})
	inBubble(t, "a roster is bounded", func(t *testing.T) {
		s := office(t)
		alice := s.Account("alice@example.org")
		for i := range rosterContacts {
			alice.Subscribe(fmt.Sprintf("%d@lan.example.org", i))
		}
		k := login(t, s)
		k.say(subscribe)
		equal(t, "one more", k.texts(), "presence unsubscribed alice@example.org -> a@lan.example.org")
	})
}
