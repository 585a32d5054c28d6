package embedded

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"meshbridge/internal/stanza"
	"meshbridge/upstream"
)

func TestHandshake(t *testing.T) {
	inBubble(t, "a right digest", func(t *testing.T) {
		s := office(t)
		c := login(t, s)
		if h := c.head(); h.From != lan || h.Version != "" || len(h.ID) < 20 {
			t.Errorf("header %+v", h)
		}
		if !s.Connected(lan) {
			t.Error("not connected")
		}
		other := connect(t, s)
		other.say(strings.Replace(header, "lan.", "other.", 1))
		if other.head().ID == c.head().ID {
			t.Error("two streams have one id")
		}
	})
	for name, c := range map[string]struct{ header, then, want string }{
		"a wrong digest":                   {header, "<handshake>b09ea9b3b7f586be8a08d0a3dd7466f110aeb136</handshake>", "not-authorized"},
		"no digest":                        {header, "<handshake/>", "not-authorized"},
		"a stanza instead of the digest":   {header, "<message from='a@lan.example.org' to='alice@example.org'/>", "not-authorized"},
		"an unknown domain":                {strings.Replace(header, "lan.", "wan.", 1), "", "host-unknown"},
		"no domain":                        {strings.Replace(header, " to='lan.example.org'", "", 1), "", "host-unknown"},
		"a client":                         {strings.Replace(header, "jabber:component:accept", "jabber:client", 1), "", "invalid-namespace"},
		"bad XML":                          {header, "<!-- -->", "restricted-xml"},
		"a header that is too long":        {strings.Replace(header, "lan.", strings.Repeat("x", 20000), 1), "", "policy-violation"},
		"a digest that is too long":        {header, "<handshake>" + strings.Repeat("0", 20000), "policy-violation"},
		"a component that gives up itself": {header, "</stream:stream>", "closed"},
	} {
		inBubble(t, name+" gets "+c.want, func(t *testing.T) {
			s := office(t)
			alice := s.Account("alice@example.org")
			alice.Available("", "")
			k := connect(t, s)
			k.say(c.header)
			k.say(c.then)
			if got := k.ended(); got != c.want {
				t.Errorf("got %q", got)
			}
			if s.Connected(lan) || len(inbox(alice)) != 0 {
				t.Error("it got through")
			}
		})
	}
	inBubble(t, "a second connection gets conflict, the first stays", func(t *testing.T) {
		s := office(t)
		first := login(t, s)
		second := connect(t, s)
		second.say(header)
		second.say("<handshake>" + upstream.Digest(second.head().ID, secret) + "</handshake>")
		if got := second.ended(); got != "conflict" || first.ended() != "" {
			t.Errorf("second %q, first %q", got, first.ended())
		}
	})
	inBubble(t, "who says nothing is cut off after 10 s", func(t *testing.T) {
		s := office(t)
		silent, half := connect(t, s), connect(t, s)
		half.say(header)
		pass(openTimeout)
		if silent.ended() == "" || half.ended() == "" {
			t.Errorf("ended %q and %q", silent.ended(), half.ended())
		}
	})
	inBubble(t, "the handshake can be made slow", func(t *testing.T) {
		s := office(t, func(c *Config) { c.HandshakeDelay = 5 * time.Second })
		c := connect(t, s)
		c.say(header)
		c.say("<handshake>" + upstream.Digest(c.head().ID, secret) + "</handshake>")
		pass(5*time.Second - 1)
		if got := c.take(); len(got) != 0 || s.Connected(lan) {
			t.Errorf("answered %v too early", got)
		}
		pass(1)
		if got := c.take(); len(got) != 1 {
			t.Errorf("answered %v", got)
		}
	})
	inBubble(t, "a domain is the same in every spelling", func(t *testing.T) {
		s := office(t)
		s.SetSecret("LAN.Example.Org", "another")
		c := connect(t, s)
		c.say(header)
		c.say("<handshake>" + upstream.Digest(c.head().ID, "another") + "</handshake>")
		c.take()
		if !s.Connected(lan) || !s.Connected("Lan.EXAMPLE.org") {
			t.Errorf("connected: %v and %v", s.Connected(lan), s.Connected("Lan.EXAMPLE.org"))
		}
	})
	inBubble(t, "connections are bounded in number", func(t *testing.T) {
		s := office(t)
		for range maxConnections {
			connect(t, s)
		}
		if _, err := s.Dial(t.Context(), "tcp", ""); !errors.Is(err, ErrStopped) {
			t.Errorf("one more: %v", err)
		}
	})
}

func TestStreamErrors(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"a foreign from":   {`<message from='alice@example.org' to='bob@example.org'/>`, "invalid-from"},
		"no from":          {`<message to='bob@example.org'/>`, "invalid-from"},
		"no stanza":        {`<x xmlns='urn:x'/>`, "unsupported-stanza-type"},
		"a stanza too big": {`<message from='a@lan.example.org' to='b@example.org'><body>` + strings.Repeat("x", maxStanza) + `</body></message>`, "policy-violation"},
		"bad XML":          {`<message></iq>`, "not-well-formed"},
	} {
		inBubble(t, name+" ends the stream with "+c.want, func(t *testing.T) {
			s := office(t)
			k := login(t, s)
			k.say(c.in)
			if got := k.ended(); got != c.want || s.Connected(lan) {
				t.Errorf("got %q", got)
			}
		})
	}
	inBubble(t, "a component that does not read loses its own stream", func(t *testing.T) {
		s := office(t)
		conn, err := s.Dial(t.Context(), "tcp", "")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.Write([]byte(header))
		r := stanza.NewReader(conn, stanza.Component, stanza.Limits{})
		h, err := r.Header()
		if err != nil {
			t.Fatal(err)
		}
		conn.Write([]byte("<handshake>" + upstream.Digest(h.ID, secret) + "</handshake>"))
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		alice := s.Account("alice@example.org")
		body := strings.Repeat("x", 100<<10)
		for range 2 * outboxBytes / len(body) {
			alice.Send("a@lan.example.org", body)
		}
		synctest.Wait()
		if s.Connected(lan) {
			t.Error("still connected")
		}
	})
	inBubble(t, "a fault of the test's choice", func(t *testing.T) {
		s := office(t)
		k := login(t, s)
		s.Fail("system-shutdown", "maintenance")
		if got := k.ended(); got != "system-shutdown" {
			t.Errorf("got %q", got)
		}
	})
}

func TestStopAndStart(t *testing.T) {
	inBubble(t, "a stopped server breaks every connection and takes none", func(t *testing.T) {
		s := office(t)
		k := login(t, s)
		s.Account("alice@example.org").Available("", "")
		s.Account("alice@example.org").Subscribe("a@lan.example.org")
		k.say(`<presence type='subscribe' from='a@lan.example.org' to='alice@example.org'/>`)
		k.take()
		s.Stop()
		if k.ended() != "closed" || len(k.take()) != 0 {
			t.Errorf("ended %q, and said something", k.ended())
		}
		if _, err := s.Dial(t.Context(), "tcp", ""); !errors.Is(err, ErrStopped) {
			t.Errorf("Dial: %v", err)
		}
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
		k = login(t, s)
		s.Account("alice@example.org").Available("away", "back")
		if got := k.texts(); !slices.Contains(got, "presence  alice@example.org/client -> a@lan.example.org away back") {
			t.Errorf("the roster is lost: %q", got)
		}
	})
	t.Run("the port stays the same", func(t *testing.T) {
		s, err := Listen(Config{Host: "example.org", Components: map[string]string{lan: secret}})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		address := s.Addr()
		if !strings.HasPrefix(address, "127.0.0.1:") {
			t.Errorf("listens on %s", address)
		}
		s.Stop()
		s.Stop()
		if err := s.Start(); err != nil || s.Addr() != address {
			t.Errorf("Start: %v, on %s", err, s.Addr())
		}
	})
	t.Run("names that are none are refused", func(t *testing.T) {
		for _, c := range []Config{{}, {Host: "example.org", Components: map[string]string{"": "x"}}} {
			if s, err := New(c); err == nil {
				s.Close()
				t.Errorf("%+v accepted", c)
			}
		}
		if s, err := Listen(Config{Host: "example.org", Address: "nowhere:x"}); err == nil {
			s.Close()
			t.Error("an address that is none is listened to")
		}
	})
}
