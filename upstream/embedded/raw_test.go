package embedded

import (
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"meshbridge/internal/stanza"
	"meshbridge/upstream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	lan    = "lan.example.org"
	secret = "s3cret"
	header = `<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='lan.example.org'>`
)

func inBubble(t *testing.T, name string, f func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
}

// office returns a server in memory, with one component and whatever else change wants.
func office(t *testing.T, change ...func(*Config)) *Server {
	t.Helper()
	c := Config{Host: "example.org", Components: map[string]string{lan: secret, "other.example.org": secret}}
	for _, f := range change {
		f(&c)
	}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// component is a hand-written one: it writes what it is told and keeps what it gets.
type component struct {
	t    *testing.T
	conn net.Conn

	mu     sync.Mutex
	header stanza.Header
	got    []*stanza.Element
	end    error
}

// connect opens a connection and reads it until it ends.
func connect(t *testing.T, s *Server) *component {
	t.Helper()
	conn, err := s.Dial(t.Context(), "tcp", "")
	if err != nil {
		t.Fatal(err)
	}
	c := &component{t: t, conn: conn}
	t.Cleanup(func() { conn.Close() })
	go c.listen()
	return c
}

func (c *component) listen() {
	r := stanza.NewReader(c.conn, stanza.Component, stanza.Limits{})
	h, err := r.Header()
	c.mu.Lock()
	c.header = h
	c.mu.Unlock()
	for err == nil {
		var el *stanza.Element
		if el, err = r.Next(); err == nil {
			c.mu.Lock()
			c.got = append(c.got, el)
			c.mu.Unlock()
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.end = err
}

// login connects and authenticates.
func login(t *testing.T, s *Server) *component {
	t.Helper()
	c := connect(t, s)
	c.say(header)
	c.say("<handshake>" + upstream.Digest(c.head().ID, secret) + "</handshake>")
	if got := c.take(); len(got) != 1 || got[0].Name.Local != "handshake" {
		t.Fatalf("the answer to a right digest is %v", got)
	}
	return c
}

func (c *component) say(s string) {
	c.conn.SetWriteDeadline(time.Now().Add(time.Second))
	c.conn.Write([]byte(s))
	synctest.Wait()
}

func (c *component) head() stanza.Header {
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.header
}

// take returns what arrived since the last take.
func (c *component) take() []*stanza.Element {
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	got := c.got
	c.got = nil
	return got
}

// texts is take, each as "presence subscribed alice@example.org" and the like, sorted
// by nothing.
func (c *component) texts() []string {
	var list []string
	for _, el := range c.take() {
		list = append(list, describe(el))
	}
	return list
}

func describe(el *stanza.Element) string {
	parts := []string{el.Name.Local, el.Attr("type"), el.Attr("from"), "->", el.Attr("to")}
	for _, p := range []string{"show", "status", "body"} {
		if child := el.Child("", p); child != nil {
			parts = append(parts, child.Text())
		}
	}
	if st, ok := stanza.Parse(el); ok {
		if e, ok := stanza.ErrorOf(st); ok {
			parts = append(parts, e.Condition)
		}
	}
	return strings.Join(parts, " ")
}

// ended returns the condition of the stream error that ended the stream, "closed" for
// an end without one, and "" while it has not ended.
func (c *component) ended() string {
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.end == nil {
		return ""
	}
	for _, el := range c.got {
		if bad, ok := stanza.AsStreamError(el); ok {
			return bad.Condition
		}
	}
	return "closed"
}

// inbox returns what arrived for an account.
func inbox(a *Account) []string {
	synctest.Wait()
	var list []string
	for {
		select {
		case st := <-a.Received():
			list = append(list, describe(st.Element()))
		default:
			return list
		}
	}
}

// pass lets that much of the bubble's time pass.
func pass(d time.Duration) { <-time.After(d) }
