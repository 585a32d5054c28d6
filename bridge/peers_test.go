package bridge

import (
	"strings"
	"testing"
	"time"

	"meshbridge/internal/stanza"
)

func TestPeerShown(t *testing.T) {
	scene(t, "LL-5-2 GW-11 GW-12 a change is one presence to each subscriber, from the bare JID; a repetition is none", func(o *office) {
		alice, juliet := o.together()
		bob := o.friend("bob@example.org")
		bob.Available("", "")
		bob.subscribes(julietJID)
		o.pass(6 * time.Second)
		bob.got()
		juliet.says("status=dnd", "msg=Rehearsal")
		o.pass(5 * time.Second)
		for _, f := range []*friend{alice, bob} {
			o.expect(f.JID()+" sees", f.presences(), julietJID+" dnd Rehearsal")
		}
		for range 5 {
			juliet.says("msg=Rehearsal", "status=dnd") // another record that says the same
			o.pass(3 * time.Second)
			juliet.says("status=dnd", "msg=Rehearsal")
			o.pass(3 * time.Second)
		}
		o.expect("Alice sees", alice.presences())
		for _, s := range o.upstreamSaw() {
			if strings.Contains(s.From, "/") {
				o.Errorf("from has a resource: %s", s.From)
			}
		}
	}, func(o *office) { o.list("bob@example.org", "Bob") })
	scene(t, "GW-19 MAP-P12 a goodbye is one unavailable after the window, and the return one available", func(o *office) {
		alice, juliet := o.together()
		left := time.Now()
		juliet.signOff()
		o.pass(1900 * time.Millisecond)
		o.expect("Alice sees", alice.presences())
		o.pass(time.Second)
		o.expect("Alice sees", alice.presences(), julietJID+" unavailable")
		if time.Since(left) < 2*time.Second {
			o.Fatal("too early")
		}
		juliet.signOn("txtvers=1", "status=avail")
		o.pass(5 * time.Second)
		o.expect("Alice sees", alice.presences(), julietJID+" available")
		o.pass(time.Hour)
		o.expect("Alice sees", alice.presences())
	})
	scene(t, "GW-19 who is back within the window was never away", func(o *office) {
		alice, juliet := o.together()
		juliet.signOff()
		o.pass(500 * time.Millisecond)
		juliet.signOn("txtvers=1", "status=avail")
		o.pass(10 * time.Second)
		o.expect("Alice sees", alice.presences())
	})
	scene(t, "LL-4-8 a new nick changes the name that is shown, and not the JID", func(o *office) {
		alice, juliet := o.together()
		juliet.says("status=avail", "nick=JuliC")
		o.pass(5 * time.Second)
		o.expect("Alice sees", alice.presences(), julietJID+" available")
		alice.Write(iq("get", "q", julietJID, stanza.New(stanza.NSDiscoInfo, "query")))
		o.pass(10 * time.Second) // for her program, which does not answer
		got := alice.got()
		if len(got) != 1 || got[0].Payload[0].Child(stanza.NSDiscoInfo, "identity").Attr("name") != "JuliC" {
			o.Errorf("got %+v", got)
		}
	})
	scene(t, "MAPJ-13 a peer that was renamed is somebody else", func(o *office) {
		alice, juliet := o.together()
		juliet.signOff()
		o.joins("juliet-1@pronto", "pronto-2", "10.2.1.191/24", "txtvers=1")
		o.pass(6 * time.Second)
		o.expect("Alice sees", alice.presences(), julietJID+" unavailable") // and nobody else unasked
		alice.subscribes(proxyOf("juliet-1@pronto"))
		o.pass(time.Second)
		alice.expectSees(`juliet-1\40pronto@`+component, "available")
	})
	scene(t, "MAPJ-10 any spelling of a proxy JID that PRECIS folds is the same peer", func(o *office) {
		alice, juliet := o.together()
		alice.writes(`JULIET\40PRONTO@`+component, "hello")
		o.pass(3 * time.Second)
		o.expect("Juliet reads", juliet.reads(), aliceInstance+": hello")
		alice.writes(`nobody\40nowhere@`+component, "hello")
		o.expect("Alice is told", errorsIn(alice.got()), `nobody\40nowhere@`+component+" item-not-found")
	})
}
