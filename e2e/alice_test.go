//go:build linux

package e2e

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// A client is a person with an XMPP client (alice.py) on the server's side.
type client struct {
	*process
	events *journal[clientEvent]
}

// A clientEvent is one line of alice.py: a stanza that came in, or news of the
// session itself.
type clientEvent struct {
	at   time.Time
	Ev   string // online, offline, failed, message, presence, iq
	From string
	To   string
	Type string
	ID   string
	Show string

	Status, Body, XML, Text string
}

// people have accounts on every server, all with one password.
var people = []string{"alice", "bob"}

const password = "wonderland"

// account is the bare JID of one of them.
func account(name string) string { return name + "@example.org" }

// login starts a session on the server in the srv namespace and waits until the
// server has accepted it.
func (o *office) login(t testing.TB, name string, flags ...string) *client {
	t.Helper()
	return o.loginAt(t, o.srv, name, flags...)
}

// loginAt is login in the namespace of any server.
func (o *office) loginAt(t testing.TB, place *namespace, name string, flags ...string) *client {
	t.Helper()
	return o.loginWith(t, place, name, "phone", flags...)
}

// loginWith is loginAt with a device of any name.
func (o *office) loginWith(t testing.TB, place *namespace, name, device string, flags ...string) *client {
	t.Helper()
	a := &client{events: newJournal[clientEvent]()}
	a.process = place.start(t, o.logs, command{
		name: name,
		argv: append([]string{"/usr/bin/python3", tools.alice, account(name) + "/" + device, password, "127.0.0.1", "5222"}, flags...),
		line: a.file,
	})
	a.events.start().await(t, 20*time.Second, name+" is online", func(e clientEvent) bool { return e.Ev == "online" })
	return a
}

func (a *client) file(text string) {
	e := clientEvent{at: time.Now()}
	if json.Unmarshal([]byte(text), &e) == nil {
		a.events.add(e)
	}
}

// do sends a command made of pairs of key and value.
func (a *client) do(t testing.TB, what string, pairs ...string) {
	t.Helper()
	c := map[string]string{"do": what}
	for i := 0; i+1 < len(pairs); i += 2 {
		c[pairs[i]] = pairs[i+1]
	}
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	a.write(t, string(text))
}

// asks has the client do something that ends with an answer, and returns that.
func (a *client) asks(t testing.TB, what string, pairs ...string) string {
	t.Helper()
	events := a.events.now()
	a.do(t, what, pairs...)
	return events.await(t, soon, "the end of "+what, func(e clientEvent) bool { return e.Ev == "done" && e.ID == what }).Text
}

// logout ends the session in good order.
func (a *client) logout(t testing.TB) {
	t.Helper()
	a.do(t, "quit")
	a.awaitEnd(t, 10*time.Second)
}

// bare cuts the resource from a JID.
func bare(jid string) string {
	b, _, _ := strings.Cut(jid, "/")
	return b
}

// presence matches presence of a type ("" is available) from a bare JID.
func presence(from, kind string) func(clientEvent) bool {
	return func(e clientEvent) bool { return e.Ev == "presence" && bare(e.From) == from && e.Type == kind }
}

// status matches available presence with this show and text.
func status(from, show, text string) func(clientEvent) bool {
	return func(e clientEvent) bool { return presence(from, "")(e) && e.Show == show && e.Status == text }
}

// body matches a message with this text.
func body(from, text string) func(clientEvent) bool {
	return func(e clientEvent) bool { return e.Ev == "message" && bare(e.From) == from && e.Body == text }
}

// last returns the latest available or unavailable presence of a bare JID;
// false when there was none.
func (a *client) last(from string) (clientEvent, bool) {
	var found clientEvent
	ok := false
	for _, e := range a.events.all() {
		if presence(from, "")(e) || presence(from, "unavailable")(e) {
			found, ok = e, true
		}
	}
	return found, ok
}

// received returns the bodies of the messages from a bare JID, in order.
func (a *client) received(from string) []string {
	var bodies []string
	for _, e := range a.events.all() {
		if e.Ev == "message" && bare(e.From) == from && e.Body != "" {
			bodies = append(bodies, e.Body)
		}
	}
	return bodies
}
