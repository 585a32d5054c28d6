package linklocal_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meshbridge/internal/stanza"
	"meshbridge/internal/stanza/hostile"
	"meshbridge/linklocal"
	"meshbridge/linklocal/meshtest"
)

// behind is a message that would be good on a living stream.
const behind = "<message><body>behind</body></message>"

// fromJuliet is what the mesh tells of messages from Juliet to the nurse with these bodies.
func fromJuliet(bodies ...string) (list []string) {
	for _, b := range bodies {
		list = append(list, juliet+">"+nurseJ+": "+b)
	}
	return list
}

func TestHostile(t *testing.T) {
	for _, tt := range hostile.Inputs() {
		inOffice(t, "LL-STR-23 LL-STR-24 V-12 "+tt.Name, func(t *testing.T, o *office) {
			text := hostile.Fill(tt.Text, juliet, nurse)
			if len(text) > 1<<16 {
				o.SetChunk(0) // a million reads show nothing that a few do not
			}
			j, _ := o.staff()
			s := o.dial(j, nurse)
			if !tt.First {
				o.say(s, "%s", meshtest.Header(juliet, nurse))
				o.hears(s, "<stream:stream ")
			}
			s.Say(text + behind) // the end may not be read
			var want []string
			if tt.Lives() {
				o.wait(time.Second)
				want = fromJuliet("behind")
			}
			o.judge(s, tt)
			next := o.call(j, nurse)
			o.say(next, "<message><body>next</body></message>")
			for _, r := range of[linklocal.Received](o) {
				if r.Stanza.Kind == stanza.Presence { // told of, and dropped by the policy
					want = append([]string{juliet + ">" + nurseJ + ": "}, want...)
				}
			}
			if d := cmp.Diff(append(want, fromJuliet("next")...), o.received()); d != "" {
				t.Error(d)
			}
		})
	}
}

// judge looks at what became of a stream that said something hostile.
func (o *office) judge(s *meshtest.Stream, in hostile.Input) {
	o.t.Helper()
	switch in.By {
	case hostile.Reader, hostile.Stream:
		o.closes(s, 12*time.Second)
		refusedWith(o.t, s, in.Want)
	case hostile.Stanza:
		o.hears(s, "<error type='cancel'><"+in.Want+" xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>")
	case hostile.Silence:
		if text, closed := s.Got(); closed || strings.Contains(text, "error") {
			o.t.Errorf("answered %q (closed: %v)", text, closed)
		}
	case hostile.Closing:
		o.hears(s, endTag)
		s.Close()
		o.wait(time.Second)
	}
}

func TestLegal(t *testing.T) {
	for _, tt := range hostile.Passes() {
		inOffice(t, "V-9 "+tt.Name, func(t *testing.T, o *office) {
			j, _ := o.staff()
			s := o.dial(j, nurse)
			head := meshtest.Header(juliet, nurse)
			if tt.Header != "" {
				head = hostile.Fill(tt.Header, juliet, nurse)
			}
			o.say(s, "%s", head)
			o.hears(s, "<stream:stream ")
			o.say(s, "%s", hostile.Fill(tt.Text, juliet, nurse))
			if d := cmp.Diff(fromJuliet(tt.Arrives(juliet, nurse)...), o.received()); d != "" {
				t.Error(d)
			}
			for _, r := range of[linklocal.Received](o) {
				if r.Stanza.From != juliet {
					t.Errorf("INJ-5 told of %q", r.Stanza.From)
				}
			}
		})
	}
}

func TestStanzas(t *testing.T) {
	inOffice(t, "two stanzas in one segment, and white space between", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		o.say(s, " \n<message><body>one</body></message> <message><body>two</body></message>\n")
		want := []string{juliet + ">" + nurseJ + ": one", juliet + ">" + nurseJ + ": two"}
		if d := cmp.Diff(want, o.received()); d != "" {
			t.Error(d)
		}
	})
	inOffice(t, "header and stanza in one segment", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.dial(j, nurse)
		o.say(s, "%s<message><body>two</body></message>", line(juliet, nurse, juliet, nurse))
		o.wait(time.Second) // her address is looked up
		want := []string{juliet + ">" + nurseJ + ": hello", juliet + ">" + nurseJ + ": two"}
		if d := cmp.Diff(want, o.received()); d != "" {
			t.Error(d)
		}
	})
	inOffice(t, "LL-STR-26 white space keeps a stream, and is nothing", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		for range 10 {
			o.say(s, " ")
			o.wait(30 * time.Second)
		}
		o.say(s, "<message><body>still here</body></message>")
		if len(o.received()) != 1 {
			t.Errorf("told of %q", o.received())
		}
	})
	inOffice(t, "LL-STR-26 a stream on which nothing is said gets a space every five minutes, until it is idle for too long", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		before := got(s)
		o.wait(4*time.Minute + 57*time.Second)
		if got(s) != before {
			t.Errorf("said %q", got(s)[len(before):])
		}
		o.wait(6 * time.Second)
		if got(s) != before+" " {
			t.Errorf("said %q", got(s)[len(before):])
		}
		o.say(s, "<message><body>kept</body></message>")
		o.wait(9*time.Minute + 55*time.Second)
		if text, closed := s.Got(); closed || strings.Trim(text[len(before):], " ") != "" || len(text) < len(before)+2 {
			t.Errorf("said %q (closed: %v)", text[len(before):], closed)
		}
		o.wait(10 * time.Second)
		o.hears(s, endTag)
		s.Close()
	})
	inOffice(t, "LL-STR-28 a presence does not end the stream", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		before := got(s)
		o.say(s, "<presence/><presence type='subscribed' to='%s'/><message><body>on</body></message>", nurse)
		if _, closed := s.Got(); closed || got(s) != before {
			t.Errorf("answered %q", got(s)[len(before):])
		}
		if list := o.received(); len(list) == 0 || list[len(list)-1] != juliet+">"+nurseJ+": on" {
			t.Errorf("told of %q", list)
		}
	})
	inOffice(t, "LL-STR-17 LL-STR-16 answers and messages go out on the stream that is there", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		o.send(juliet, 7, "reply")
		o.hears(s, "<message from='"+nurse+"' to='"+juliet+"' type='chat' id='id-reply'><body>reply</body></message>")
		o.send(juliet, 0, "answer")
		o.hears(s, "<body>answer</body>")
		o.wait(3 * time.Second)
		if n := len(o.Dialled()); n != 1 {
			t.Errorf("%d connections", n)
		}
	})
	inOffice(t, "LL-STR-17 an answer without a stream is counted and gone", func(t *testing.T, o *office) {
		o.staff()
		o.send(juliet, 0, "answer")
		o.wait(3 * time.Second)
		if len(o.Dialled()) > 0 || o.count("mesh-answer") != 1 {
			t.Errorf("dialled %v, counted %d", o.Dialled(), o.count("mesh-answer"))
		}
	})
	inOffice(t, "LL-STR-23 what is neither stanza nor features ends the stream", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		o.say(s, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
		o.closes(s, 2*time.Second)
		refusedWith(t, s, "unsupported-stanza-type")
	})
	inOffice(t, "LL-STR-23 a peer's stream error is not answered with one", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		before := len(got(s))
		o.say(s, "<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>")
		o.hears(s, "</stream:stream>")
		if text := got(s)[before:]; text != "</stream:stream>" {
			t.Errorf("answered %q", text)
		}
		s.Close()
	})
	inOffice(t, "LL-STR-23 INJ-6 the first element of an unnamed stream is a stanza", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.dial(j, nurse)
		o.say(s, "%s<x xmlns='urn:x'/>", line("", "", "", ""))
		o.closes(s, 2*time.Second)
		refusedWith(t, s, "not-authorized")
		if len(of[linklocal.Received](o)) > 0 {
			t.Error("told of it")
		}
	})
}
