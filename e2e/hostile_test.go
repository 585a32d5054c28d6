//go:build linux

package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"meshbridge/internal/stanza/hostile"
)

// longest is how long an input may be that is fed byte by byte too: a mebibyte in a
// million packets shows nothing that a few do not.
const longest = 4 << 10

// testHostile feeds the table of hostile inputs to the program, each over a stream
// of its own and followed by a message that would be good on a living stream. Then a
// message on the next stream must cross, and nothing else may have.
func (m *mesh) testHostile(t *testing.T) {
	for _, in := range hostile.Inputs() {
		t.Run("LL-STR-23 V-12 "+in.Name, func(t *testing.T) {
			m.feed(t, in, (*meshStream).say)
			if len(in.Text) < longest {
				m.feed(t, in, (*meshStream).spell)
			}
		})
	}
	for _, p := range hostile.Passes() {
		t.Run("INJ-14 V-9 "+p.Name, func(t *testing.T) {
			since, s := m.server.stanzas.now(), m.juliet.call(t)
			if p.Header == "" {
				s.header(m.juliet.instance, aliceInstance)
			}
			s.spell("%s", m.fill(p.Header+p.Text))
			for _, text := range p.Arrives(m.juliet.instance, aliceInstance) {
				n := since.await(t, soon, text, message(text))
				if n.attr("from") != julietJID || n.attr("to") != aliceJID {
					t.Errorf("INJ-3 it crossed as %s", n.raw)
				}
			}
			s.hangUp()
			m.crossed(t, since)
		})
	}
}

func (m *mesh) fill(text string) string {
	return hostile.Fill(text, m.juliet.instance, aliceInstance)
}

// spell is say, an octet at a time.
func (s *meshStream) spell(format string, args ...any) {
	for _, b := range []byte(fmt.Sprintf(format, args...)) {
		if _, err := s.conn.Write([]byte{b}); err != nil {
			return // closed already
		}
	}
}

// feed says one input, and looks at the answer and at what crossed.
func (m *mesh) feed(t *testing.T, in hostile.Input, say func(*meshStream, string, ...any)) {
	t.Helper()
	since, s := m.server.stanzas.now(), m.juliet.call(t)
	if !in.First {
		s.header(m.juliet.instance, aliceInstance)
		s.await(t, soon, "<stream:stream")
	}
	last := "behind " + in.Name
	say(s, "%s", m.fill(in.Text)+chat(m.juliet.instance, aliceInstance, last))
	if in.Lives() {
		since.await(t, soon, last, message(last))
		if in.By == hostile.Stanza {
			s.await(t, soon, "<"+in.Want+" ")
		}
		s.say("</stream:stream>")
	}
	if in.Want == "" || in.Lives() { // in good order: it is for us to end the connection
		s.await(t, soon, "</stream:stream>")
		s.conn.Close()
	}
	said := s.end(t, soon)
	want := in.Want
	if in.Lives() {
		want = ""
	}
	if got := streamError(said); got != want {
		t.Errorf("the stream error is %q, want %q; it said %q", got, want, said)
	}
	if !strings.HasSuffix(strings.TrimSpace(said), "</stream:stream>") {
		t.Errorf("the stream was not closed: %q", said)
	}
	m.crossed(t, since)
}

// crossed sends a message on a new stream, waits for it at the server, and fails if
// a message or an iq of a peer came between.
func (m *mesh) crossed(t *testing.T, since *cursor[stanzaIn]) {
	t.Helper()
	all := *since
	m.onlyThisCrosses(t, since, "next")
	if texts := bodies(all.rest()); !slices.Equal(texts, []string{"next"}) {
		t.Errorf("these crossed: %q", texts)
	}
}

// bodies are those of all messages among stanzas.
func bodies(list []stanzaIn) (texts []string) {
	for _, n := range list {
		if n.XMLName.Local == "message" {
			texts = append(texts, n.text("body"))
		}
	}
	return texts
}
