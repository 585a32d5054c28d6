//go:build linux

package e2e

import (
	"encoding/xml"
	"strings"
	"testing"
	"time"
)

// TestWrongSecret: Prosody refuses the component, so nobody on either side may
// learn of the other.
func TestWrongSecret(t *testing.T) {
	if _, err := racing(); err != nil {
		t.Fatal(err)
	}
	o := newOffice(t, both)
	onProsody(t, o)
	alice := o.login(t, "alice")
	juliet := o.newHost(t, "pronto").newBonjour(t, "juliet", "Juliet", "Capulet")
	alices, heard := alice.events.now(), o.tap.heard.now()
	wrong := ordinary
	wrong.secret = "not-" + secret
	b := o.newBridge(t, racing, wrong)

	t.Run("COMP-5 the refusal stands in the log as an error", func(t *testing.T) {
		b.lines.start().await(t, soon, "the refusal", has("not-authorized", "level=ERROR"))
	})
	t.Run("INJ-1 nothing is announced and nothing crosses", func(t *testing.T) {
		heard.absent(t, 5*time.Second, "a proxy instance on the LAN", about("@office"))
		for _, e := range alices.rest() {
			if strings.HasSuffix(bare(e.From), domain) {
				t.Errorf("Alice got %s", e.XML)
			}
		}
		if list := juliet.list(t); len(list) != 0 {
			t.Errorf("Juliet sees %+v", list)
		}
		if count(b.lines.all(), has("msg=ready")) > 0 {
			t.Error("the bridge calls itself ready")
		}
	})
	t.Run("the program goes on and the secret is not in its log", func(t *testing.T) {
		if !b.alive() {
			t.Error("the bridge has ended")
		}
		if count(b.lines.all(), has(secret)) > 0 {
			t.Error("the secret stands in the log")
		}
	})
}

// TestHandshake: a recording server keeps the component waiting, says too much
// too early, and refuses it, while Juliet writes.
func TestHandshake(t *testing.T) {
	if _, err := racing(); err != nil {
		t.Fatal(err)
	}
	h := &handshakes{office: newOffice(t, both)}
	h.server = h.newRecorder(t, accepts, dawdles, mute, refuses)
	h.juliet = h.newHost(t, "pronto").newBonjour(t, "juliet", "Juliet", "Capulet")
	h.bridge = h.newBridge(t, racing, ordinary)
	h.bridge.ready(t)
	h.streams = h.server.streams.start()
	h.streams.await(t, soon, "the first connection", stream(1))
	h.juliet.events.start().await(t, soon, "Juliet sees Alice", signedOn(aliceInstance))
	h.juliet.send(t, aliceInstance, "first connection")
	h.server.stanzas.start().await(t, soon, "her message", message("first connection"))

	t.Run("COMP-1 COMP-2 header and digest", h.testHeader)
	t.Run("INJ-1 INJ-2 handshake delayed 5 s with messages waiting", h.testDelayed)
	t.Run("INJ-30 COMP-3 a stanza before the handshake", h.testPremature)
	t.Run("INJ-2 COMP-12 refused on reconnect", h.testRefused)
}

type handshakes struct {
	*office
	server  *recorder
	streams *cursor[*componentStream]
	juliet  *bonjour
	bridge  *bridge
}

func (h *handshakes) testHeader(t *testing.T) {
	first := h.server.current(t)
	said := first.before(first.welcomed(t, soon))
	if !onlyHandshake.MatchString(said) {
		t.Errorf("before the handshake was answered came %q", said)
	}
	start, err := nextStart(xml.NewDecoder(strings.NewReader(said)))
	if err != nil {
		t.Fatal(err)
	}
	n := node{Attrs: start.Attr}
	if n.attr("to") != domain || n.attr("xmlns") != "jabber:component:accept" ||
		start.Name != (xml.Name{Space: streamNS, Local: "stream"}) {
		t.Errorf("the header is %+v", start)
	}
	if n.attr("from") != "" || n.attr("version") != "" {
		t.Errorf("the header says from or version: %+v", start)
	}
}

func (h *handshakes) testDelayed(t *testing.T) {
	stanzas := h.server.stanzas.now()
	h.server.current(t).conn.Close()
	second := h.streams.await(t, later, "the second connection", stream(2))
	second.await(t, soon, "</handshake>")
	for _, text := range []string{"one", "two", "three"} {
		h.juliet.send(t, aliceInstance, text)
	}
	at := second.welcomed(t, soon)
	if said := second.before(at); !onlyHandshake.MatchString(said) {
		t.Errorf("stanza bytes before <handshake/>: %q", said)
	}
	asked, _ := second.when("</handshake>")
	t.Logf("MEASURED %d bytes of header and handshake, then silence for %v", len(second.before(at)), at.Sub(asked))
	for _, text := range []string{"one", "two", "three"} {
		stanzas.await(t, soon, text, message(text))
	}
}

func (h *handshakes) testPremature(t *testing.T) {
	juliets := h.juliet.events.now()
	h.server.current(t).conn.Close()
	third := h.streams.await(t, later, "the third connection", stream(3))
	third.await(t, soon, "</handshake>")
	h.juliet.send(t, aliceInstance, "while nobody answers")
	third.write(`<message from="%s/phone" to="%s" type="chat"><body>premature</body></message>`, aliceJID, julietJID)
	if said := third.end(t, soon); !onlyHandshake.MatchString(strings.TrimSuffix(said, "</stream:stream>")) {
		t.Errorf("on a connection without handshake came %q", said)
	}
	juliets.absent(t, time.Second, "Juliet was shown", func(e bonjourEvent) bool { return e.Ev == "message" })
}

func (h *handshakes) testRefused(t *testing.T) {
	heard := h.tap.heard.now()
	fourth := h.streams.await(t, later, "the fourth connection", stream(4))
	if said := fourth.end(t, soon); !onlyHandshake.MatchString(strings.TrimSuffix(said, "</stream:stream>")) {
		t.Errorf("on a refused connection came %q", said)
	}
	heard.await(t, soon, "Alice is withdrawn at once", withdraws(aliceInstance))
	if s, ok := h.streams.find(5*time.Second, stream(5)); ok {
		t.Errorf("COMP-5: connection %d came without the long pause", s.number)
	}
}
