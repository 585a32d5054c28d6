//go:build linux

package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// A bonjour is a person on the LAN with a libpurple client (purple/driver.c).
type bonjour struct {
	*process
	events *journal[bonjourEvent]
}

// A bonjourEvent is one line of the driver.
type bonjourEvent struct {
	at                           time.Time
	Ev                           string
	Name, Alias, Status, Message string // of a buddy
	From, Raw, Seen              string // of a message
	Sum                          string // SHA-1 of a picture
}

// newBonjour signs a person on at the host and waits until the client says so.
func (h *host) newBonjour(t testing.TB, user, first, last string) *bonjour {
	t.Helper()
	b := &bonjour{events: newJournal[bonjourEvent]()}
	home := h.path(fmt.Sprintf("purple-%s-%d", user, time.Now().UnixNano()))
	mkdir(t, home)
	b.process = h.run(t, user, b.file, tools.driver, home, user, first, last)
	b.events.start().await(t, 15*time.Second, user+" has signed on", func(e bonjourEvent) bool { return e.Ev == "online" })
	return b
}

// file keeps one line of the driver; what is no JSON is in the log only.
func (b *bonjour) file(text string) {
	e := bonjourEvent{at: time.Now()}
	if json.Unmarshal([]byte(text), &e) == nil {
		b.events.add(e)
	}
}

// setStatus publishes avail, away or dnd with a text.
func (b *bonjour) setStatus(t testing.TB, word, text string) {
	t.Helper()
	b.write(t, "status "+word+" "+oneLine(text))
}

// send types a text into the conversation with buddy.
func (b *bonjour) send(t testing.TB, buddy, text string) {
	t.Helper()
	b.write(t, "send "+buddy+" "+oneLine(text))
}

func oneLine(text string) string {
	return strings.NewReplacer(`\`, `\\`, "\n", `\n`).Replace(text)
}

// list asks who is in the buddy list now.
func (b *bonjour) list(t testing.TB) []bonjourEvent {
	t.Helper()
	c := b.events.now()
	b.write(t, "buddies")
	var listed []bonjourEvent
	for {
		e, ok := c.find(5*time.Second, func(e bonjourEvent) bool { return e.Ev == "listed" || e.Ev == "end" })
		if !ok {
			t.Fatal("the client does not list its buddies")
		}
		if e.Ev == "end" {
			return listed
		}
		listed = append(listed, e)
	}
}

// sees reports whether name is in the buddy list now.
func (b *bonjour) sees(t testing.TB, name string) bool {
	t.Helper()
	for _, e := range b.list(t) {
		if e.Name == name {
			return true
		}
	}
	return false
}

// signedOn, signedOff, showsStatus and gets match events of the driver.
func signedOn(name string) func(bonjourEvent) bool {
	return func(e bonjourEvent) bool { return e.Ev == "signed-on" && e.Name == name }
}

func signedOff(name string) func(bonjourEvent) bool {
	return func(e bonjourEvent) bool { return e.Ev == "signed-off" && e.Name == name }
}

func showsStatus(name, status, message string) func(bonjourEvent) bool {
	return func(e bonjourEvent) bool {
		return (e.Ev == "changed" || e.Ev == "signed-on" || e.Ev == "listed") &&
			e.Name == name && e.Status == status && e.Message == message
	}
}

func gets(from, seen string) func(bonjourEvent) bool {
	return func(e bonjourEvent) bool { return e.Ev == "message" && e.From == from && e.Seen == seen }
}

// received returns what the screen showed of messages from a buddy, in order, without
// what the gateway says in the conversation.
func (b *bonjour) received(from string) []string {
	var seen []string
	for _, text := range b.shown(from) {
		if !strings.HasPrefix(text, aside) {
			seen = append(seen, text)
		}
	}
	return seen
}

// aside begins what the gateway itself says in a conversation with somebody else.
const aside = "[gateway] "

// shown returns all that the screen showed of messages from a buddy, in order.
func (b *bonjour) shown(from string) []string {
	var seen []string
	for _, e := range b.events.all() {
		if e.Ev == "message" && e.From == from {
			seen = append(seen, e.Seen)
		}
	}
	return seen
}
