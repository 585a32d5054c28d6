package linklocal_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
	"meshbridge/linklocal/meshtest"
)

// TestDisclosure is about capabilities in stream features, as XEP-0174 section 10 has
// them.
func TestDisclosure(t *testing.T) {
	const version = ` version="1.0"`
	answer := func(node string) *stanza.Element {
		return stanza.New(stanza.NSDiscoInfo, "query").With("node", node).
			Add(stanza.New(stanza.NSDiscoInfo, "feature").With("var", "urn:x"))
	}
	features := func(o *office, header string) string {
		o.t.Helper()
		s := o.dial(o.clients[0], nurse)
		o.say(s, "%s", header)
		o.wait(time.Second)
		_, after, _ := strings.Cut(got(s), "xml:lang='en'>")
		return after
	}
	modern := func(from, to string) string {
		return strings.Replace(meshtest.Header(from, to), "<stream:stream", "<stream:stream"+version, 1)
	}
	inOffice(t, "LL-STR-13 the features of a stream say what the instance can, as it was last published", func(t *testing.T, o *office) {
		o.mesh.Publish(linklocal.Proxy{Key: nurseJ, Instance: nurse, Disco: answer("a#1")})
		o.client("pronto", juliet, julietAt)
		o.wait(4 * time.Second)
		const want = `<stream:features><query xmlns='http://jabber.org/protocol/disco#info' node='a#1'><feature var='urn:x'/></query></stream:features>`
		if text := features(o, modern(juliet, nurse)); text != want {
			t.Errorf("got  %q\nwant %q", text, want)
		}
		o.mesh.Publish(linklocal.Proxy{Key: nurseJ, Instance: nurse, Disco: answer("a#2")})
		if text := features(o, modern(juliet, nurse)); text != strings.Replace(want, "a#1", "a#2", 1) {
			t.Errorf("changed: %q", text)
		}
		for what, header := range map[string]string{"to nobody": modern(juliet, ""), "without a version": meshtest.Header(juliet, nurse)} {
			if text := features(o, header); strings.Contains(text, "query") {
				t.Errorf("%s: %q", what, text)
			}
		}
	})
	disclosed := func(o *office) (list []string) {
		for _, d := range of[linklocal.Disclosed](o) {
			list = append(list, d.Peer+" "+d.Query.Attr("node"))
		}
		return list
	}
	const says = `<stream:features><query xmlns='http://jabber.org/protocol/disco#info' node='psi#x'/></stream:features>`
	inOffice(t, "LL-STR-14 what a peer's features say is told, once, and nothing that somebody says who called us", func(t *testing.T, o *office) {
		j, r := o.staff()
		o.send(juliet, 1, "hello")
		s, err := j.AcceptWithin(5 * time.Second)
		if err != nil {
			t.Fatal(err)
		}
		o.hears(s.Start(), ">")
		o.say(s, "%s%s%s", modern(juliet, nurse), says, says)
		o.hears(s, "<body>hello</body>")
		o.say(o.call(r, nurse), "%s", says)
		o.wait(time.Second)
		if list := disclosed(o); !slices.Equal(list, []string{juliet + " psi#x"}) {
			t.Errorf("told: %q", list)
		}
	})
}

// TestDismiss is about streams that were opened to ask something.
func TestDismiss(t *testing.T) {
	ask := func(o *office) {
		o.mesh.Send(linklocal.Delivery{Proxy: nurseJ, Peer: juliet, Token: 7, Stanza: stanza.Stanza{
			Kind: stanza.IQ, Type: "get", ID: "q", Payload: []*stanza.Element{stanza.New(stanza.NSDiscoInfo, "query")},
		}})
	}
	const reply = `<iq type='result' id='q' from='` + juliet + `' to='` + nurse + `'/>`
	asked := func(o *office) (*meshtest.Client, *meshtest.Stream) {
		o.t.Helper()
		j, _ := o.staff()
		ask(o)
		s := o.answer(j)
		o.hears(s, "disco#info")
		return j, s
	}
	closed := func(s *meshtest.Stream) bool { return strings.Contains(got(s), "</stream:stream>") }
	inOffice(t, "LL-STR-15 a stream opened for a question is closed at once, and the question counts as delivered, once", func(t *testing.T, o *office) {
		_, s := asked(o)
		o.say(s, "%s", reply)
		o.mesh.Dismiss(nurseJ, juliet)
		o.wait(100 * time.Millisecond)
		if !closed(s) {
			t.Fatal("it is open")
		}
		o.say(s, "</stream:stream>")
		o.closes(s, time.Second)
		o.wait(time.Minute)
		if delivered, returned := o.tokens(); !slices.Equal(delivered, []uint64{7}) || returned != nil || len(o.Dialled()) != 1 {
			t.Errorf("delivered %d, returned %d, %d connections", delivered, returned, len(o.Dialled()))
		}
	})
	for name, talks := range map[string]func(o *office, s *meshtest.Stream){
		"the colleague has written on it": func(o *office, s *meshtest.Stream) { o.send(juliet, 8, "hello") },
		"the peer has written on it": func(o *office, s *meshtest.Stream) {
			o.say(s, "<message from='%s' to='%s'><body>me</body></message>", juliet, nurse)
		},
		"the colleague's typing was shown on it": func(o *office, s *meshtest.Stream) {
			o.mesh.Send(linklocal.Delivery{Proxy: nurseJ, Peer: juliet, Stanza: stanza.Stanza{Kind: stanza.Message}})
		},
	} {
		inOffice(t, "LL-STR-15 it stays when "+name, func(t *testing.T, o *office) {
			_, s := asked(o)
			talks(o, s)
			o.wait(time.Second)
			o.say(s, "%s", reply)
			o.mesh.Dismiss(nurseJ, juliet)
			if o.wait(time.Minute); closed(s) {
				t.Error("it was closed")
			}
		})
	}
	inOffice(t, "LL-STR-15 a stream that the peer opened stays", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		ask(o)
		o.hears(s, "disco#info")
		o.say(s, "%s", reply)
		o.mesh.Dismiss(nurseJ, juliet)
		if o.wait(time.Minute); closed(s) {
			t.Error("it was closed")
		}
	})
	inOffice(t, "LL-STR-15 LL-STR-21 LL-STR-22 words that meet its end arrive: hers on it, ours on another", func(t *testing.T, o *office) {
		j, s := asked(o)
		o.mesh.Dismiss(nurseJ, juliet)
		o.send(juliet, 8, "hello")
		o.say(s, "<message from='%s' to='%s'><body>me</body></message></stream:stream>", juliet, nurse)
		again := o.answer(j)
		o.hears(again, "<body>hello</body>")
		if list := o.received(); !slices.Equal(list, []string{juliet + ">" + nurseJ + ": me"}) {
			t.Errorf("received %q", list)
		}
	})
}
