package embedded_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gosrc.io/xmpp"
	gosrc "gosrc.io/xmpp/stanza"

	"meshbridge/internal/stanza"
	"meshbridge/upstream"
	"meshbridge/upstream/embedded"
)

const (
	lan    = "lan.example.org"
	secret = "pässwörd & more"
)

// listen returns a server on loopback.
func listen(t testing.TB) *embedded.Server {
	t.Helper()
	s, err := embedded.Listen(embedded.Config{Host: "example.org", Components: map[string]string{lan: secret}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// next returns what arrives next for an account.
func next(t *testing.T, a *embedded.Account) stanza.Stanza {
	t.Helper()
	select {
	case st := <-a.Received():
		return st
	case <-time.After(10 * time.Second):
		t.Fatal("nothing arrived within 10 s")
		return stanza.Stanza{}
	}
}

// TestForeignComponent lets the component of another library, which shares no code with
// this one, talk to the server over TCP.
func TestForeignComponent(t *testing.T) {
	connect := func(t *testing.T, s *embedded.Server, secret string, got chan gosrc.Message) error {
		router := xmpp.NewRouter()
		router.HandleFunc("message", func(_ xmpp.Sender, p gosrc.Packet) {
			if m, ok := p.(gosrc.Message); ok {
				got <- m
			}
		})
		c, err := xmpp.NewComponent(xmpp.ComponentOptions{
			TransportConfiguration: xmpp.TransportConfiguration{Address: s.Addr(), Domain: lan, ConnectTimeout: 5},
			Domain:                 lan, Secret: secret,
		}, router, func(error) {})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Connect(); err != nil {
			return err
		}
		t.Cleanup(func() { c.Disconnect() })
		m := gosrc.NewMessage(gosrc.Attrs{From: "a@" + lan, To: "alice@example.org", Type: gosrc.MessageTypeChat, Id: "g1"})
		m.Body = "from gosrc <b>&"
		return c.Send(m)
	}
	t.Run("gosrc.io/xmpp authenticates and exchanges messages with an account", func(t *testing.T) {
		s := listen(t)
		alice := s.Account("alice@example.org")
		alice.Available("", "")
		got := make(chan gosrc.Message, 1)
		if err := connect(t, s, secret, got); err != nil {
			t.Fatal(err)
		}
		if st := next(t, alice); st.From != "a@"+lan || st.ID != "g1" || st.Child("", "body").Text() != "from gosrc <b>&" {
			t.Errorf("Alice got %+v", st)
		}
		id := alice.Send("a@"+lan, "to gosrc <b>&")
		select {
		case m := <-got:
			if m.Body != "to gosrc <b>&" || m.Id != id || m.From != alice.FullJID() {
				t.Errorf("gosrc got %+v", m)
			}
		case <-time.After(10 * time.Second):
			t.Error("gosrc got nothing within 10 s")
		}
	})
	t.Run("gosrc.io/xmpp with a wrong secret is refused", func(t *testing.T) {
		var refused xmpp.ConnError
		if err := connect(t, listen(t), "wrong", nil); !errors.As(err, &refused) || !refused.Permanent {
			t.Errorf("Connect: %v", err)
		}
	})
}

// link runs an upstream.Link against a server and returns its events.
func link(t testing.TB, s *embedded.Server, change func(*upstream.Config)) (events <-chan upstream.Event, stop func()) {
	t.Helper()
	c := upstream.Config{
		Domain: lan, Secret: secret,
		Targets: func(context.Context) ([]upstream.Target, error) {
			return []upstream.Target{{Address: s.Addr()}}, nil
		},
	}
	if change != nil {
		change(&c)
	}
	l, err := upstream.New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	list := make(chan upstream.Event, 10000)
	running.Go(func() { l.Run(ctx, func(e upstream.Event) { list <- e }) })
	stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	t.Cleanup(stop)
	return list, stop
}

// want returns the next event of one type, passing over others.
func want[E upstream.Event](t testing.TB, events <-chan upstream.Event) E {
	t.Helper()
	timeout := time.After(2 * time.Minute) // longer than the longest wait between attempts
	for {
		select {
		case e := <-events:
			if e, ok := e.(E); ok {
				return e
			}
		case <-timeout:
			t.Fatalf("no %T within 2 min", *new(E))
		}
	}
}

func chat(id, body string) stanza.Stanza {
	return stanza.Stanza{
		Kind: stanza.Message, From: `juliet\40pronto@` + lan, To: "alice@example.org", ID: id, Type: "chat",
		Payload: []*stanza.Element{stanza.New("", "body").AddText(body)},
	}
}

func TestLink(t *testing.T) {
	t.Run("a Link over TCP: both ways, routed, and closed in order", func(t *testing.T) {
		s := listen(t)
		alice := s.Account("alice@example.org")
		alice.Available("", "")
		events, stop := link(t, s, nil)
		session := want[upstream.Up](t, events).Session
		seq, err := session.Send(chat("1", "hello"))
		if err != nil {
			t.Fatal(err)
		}
		if st := next(t, alice); st.Child("", "body").Text() != "hello" {
			t.Errorf("Alice got %+v", st)
		}
		if got := want[upstream.Routed](t, events); got.Seq != seq {
			t.Errorf("routed up to %d, want %d", got.Seq, seq)
		}
		alice.Send(`juliet\40pronto@`+lan, "hello yourself")
		if got := want[upstream.Received](t, events); got.Stanza.Child("", "body").Text() != "hello yourself" {
			t.Errorf("received %+v", got.Stanza)
		}
		stop()
		if d := want[upstream.Down](t, events); d.Class != upstream.Stopped {
			t.Errorf("%+v", d)
		}
	})
}

// TestRestart is in virtual time, through the server's own dialler.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := embedded.New(embedded.Config{Host: "example.org", Components: map[string]string{lan: secret}})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		events, stop := link(t, s, func(c *upstream.Config) { c.Dial = s.Dial })
		defer stop()
		first := want[upstream.Up](t, events).Session
		s.Stop()
		if d := want[upstream.Down](t, events); d.Session != first {
			t.Errorf("%+v", d)
		}
		if _, err := first.Send(chat("1", "x")); !errors.Is(err, upstream.ErrClosed) {
			t.Errorf("Send to a stopped server: %v", err)
		}
		<-time.After(30 * time.Second)
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
		back := time.Now()
		want[upstream.Up](t, events)
		if wait := time.Since(back); wait > time.Minute {
			t.Errorf("back after %v", wait)
		}
		<-time.After(time.Minute) // the wait between attempts is short again
		s.SetSecret(lan, "changed")
		s.Disconnect()
		for {
			if d := want[upstream.Down](t, events); d.Session == nil {
				if d.Class != upstream.Refused {
					t.Errorf("%+v, want Refused", d)
				}
				break
			}
		}
	})
}

// BenchmarkThroughServer measures a stanza from Send through the server to an account,
// over a pipe in memory: both ends' work together.
func BenchmarkThroughServer(b *testing.B) {
	s := listen(b)
	alice := s.Account("alice@example.org")
	alice.Available("", "")
	arrived := make(chan struct{}, 1)
	n := 0
	alice.Handle(func(stanza.Stanza) {
		if n++; n%100 == 0 {
			arrived <- struct{}{}
		}
	})
	events, _ := link(b, s, nil)
	session := want[upstream.Up](b, events).Session
	st := chat("1", "a line of chat as people write them")
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := session.Send(st); err != nil {
			b.Fatal(err)
		}
		if i%100 == 99 { // the window of an outbox
			<-arrived
			for len(events) > 0 {
				<-events
			}
		}
	}
}
