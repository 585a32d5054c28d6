//go:build linux

package e2e

import (
	"fmt"
	"slices"
	"testing"

	"github.com/miekg/dns"
)

// TestInstruments shows that the office itself works, without the program
// under test: what Juliet and Alice see here is what a good day looks like.
func TestInstruments(t *testing.T) {
	i := &instruments{office: newOffice(t, both)}
	i.pronto, i.forza = i.newHost(t, "pronto"), i.newHost(t, "forza")
	i.juliet = i.pronto.newBonjour(t, "juliet", "Juliet", "Capulet")
	t.Run("two Bonjour clients find each other and chat", i.testClients)
	t.Run("a played peer is a peer like any other", i.testRawPeer)
	t.Run("the recorder is a server like any other", i.testRecorder)
	t.Run("Alice's messages come back through a component of Prosody", i.testProsody)
}

type instruments struct {
	*office
	pronto, forza *host
	juliet        *bonjour
}

func (i *instruments) testClients(t *testing.T) {
	const romeos = "romeo@forza"
	romeo := i.forza.newBonjour(t, "romeo", "Romeo", "Montague")
	i.juliet.events.start().await(t, soon, "Juliet sees Romeo", signedOn(romeos))
	romeo.events.start().await(t, soon, "Romeo sees Juliet", signedOn(julietInstance))
	want, screen := texts("J"), romeo.events.now()
	for _, text := range want {
		i.juliet.send(t, romeos, text)
	}
	screen.await(t, soon, "Juliet's last words", gets(julietInstance, want[len(want)-1]))
	compare(t, romeo.received(julietInstance), want)

	juliets := i.juliet.events.now()
	romeo.setStatus(t, "dnd", "in exile")
	juliets.await(t, soon, "Romeo's status", showsStatus(romeos, "away", "in exile"))
	wire := i.tap.heard.now()
	romeo.setStatus(t, "away", "asleep")
	wire.await(t, soon, "idle is away on the wire", func(h heard) bool {
		txt, ok := h.rr.(*dns.TXT)
		return ok && h.instance == romeos && slices.Contains(txt.Txt, "status=away") && slices.Contains(txt.Txt, "msg=asleep")
	})
	if !i.juliet.sees(t, romeos) {
		t.Error("Romeo is not in Juliet's list")
	}
	romeo.kill(t)
	wire.await(t, soon, "the goodbye of his Avahi", withdraws(romeos))
	juliets.await(t, soon, "Romeo is gone from Juliet's list", signedOff(romeos))
}

func (i *instruments) testRawPeer(t *testing.T) {
	const nurses = "nurse@forza"
	juliets := i.juliet.events.now()
	nurse := i.forza.newRawPeer(t, nurses, "status=dnd", "nick=Angelica")
	juliets.await(t, soon, "Juliet sees the nurse", func(e bonjourEvent) bool {
		return showsStatus(nurses, "away", "")(e) && e.Alias == "Angelica"
	})
	i.juliet.send(t, nurses, "what <news>?")
	nurse.hears(t, soon, "what <news>?")

	s, err := i.forza.dial(i.lineTo(t, julietInstance), i.forza.v4)
	if err != nil {
		t.Fatal(err)
	}
	s.header(nurses, julietInstance)
	s.await(t, soon, "<stream:stream")
	s.say("%s", chat(nurses, julietInstance, "none"))
	juliets.await(t, soon, "the nurse's message", gets(nurses, "none"))
	s.say("</stream:stream>")
	s.end(t, soon)
}

func (i *instruments) testRecorder(t *testing.T) {
	r := i.newRecorder(t, dawdles)
	c := i.newStandIn(t)
	s := r.current(t)
	if said := s.before(s.welcomed(t, soon)); !onlyHandshake.MatchString(said) || s.text() != said {
		t.Errorf("the record is %q", said)
	}
	fmt.Fprintf(c, `<presence from="%s" to="%s" type="subscribe"/>`, domain, aliceJID)
	for _, want := range []string{"subscribed", ""} {
		if n, err := nextNode(c.d); err != nil || n.XMLName.Local != "presence" || n.attr("type") != want {
			t.Errorf("the answer is %+v, %v, want type %q", n, err, want)
		}
	}
	c.Close()
	s.end(t, soon)
	r.close()
}

func (i *instruments) testProsody(t *testing.T) {
	onProsody(t, i.office)
	c := i.newStandIn(t)
	go c.echo()
	alice := i.login(t, "alice")
	want, screen := texts("A"), alice.events.now()
	for _, text := range want {
		alice.do(t, "message", "to", "echo@"+domain, "body", text)
	}
	screen.await(t, soon, "the last echo", body("echo@"+domain, want[len(want)-1]))
	compare(t, alice.received("echo@"+domain), want)
	alice.logout(t)
}
