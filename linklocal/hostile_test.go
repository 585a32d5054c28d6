package linklocal_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meshbridge/linklocal"
)

// hostile is the table of V-12.
var hostile = []struct{ name, in, want string }{
	{"undeclared", `<message xmlns='jabber:client'><vcard-temp:vCard/></message>`, "not-well-formed"},
	{"dup", `<message from='a' from='b'/>`, "not-well-formed"},
	{"dup-ns", `<message xmlns:p='u' xmlns:q='u' p:x='1' q:x='2'/>`, "not-well-formed"},
	{"doctype", `<!DOCTYPE x [<!ENTITY a 'b'>]>`, "restricted-xml"},
	{"comment", `<message><!-- c --></message>`, "restricted-xml"},
	{"pi", `<message><?foo bar?></message>`, "restricted-xml"},
	{"entity", `<message><body>&nbsp;</body></message>`, "restricted-xml"},
	{"surrogate", `<message><body>&#xD800;</body></message>`, "not-well-formed"},
	{"control", `<message><body>&#1;</body></message>`, "not-well-formed"},
	{"bad-utf8", "<message><body>\xff</body></message>", "not-well-formed"},
	{"overlong", "<message><body>\xc0\xbc</body></message>", "not-well-formed"},
	{"lead-colon", `<:message/>`, "not-well-formed"},
	{"xmlns-element", `<xmlns:message/>`, "not-well-formed"},
	{"rebind-xml", `<message xmlns:xml='evil' xml:lang='en'/>`, "not-well-formed"},
	{"empty-prefix", `<p:message xmlns:p=''/>`, "not-well-formed"},
	{"end-prefix", `<a:message xmlns:a='u' xmlns:b='u'></b:message>`, "not-well-formed"},
	{"text-between", `zzz`, "bad-format"},
	{"big", `<message><body>` + strings.Repeat("x", 1<<20+1) + `</body></message>`, "policy-violation"},
	{"deep", strings.Repeat("<a>", 65), "policy-violation"},
	{"attrs", `<message` + attributes(33) + `/>`, "policy-violation"},
}

func attributes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, " a%d=''", i)
	}
	return b.String()
}

func TestHostileXML(t *testing.T) {
	for _, tt := range hostile {
		inOffice(t, "LL-STR-23 LL-STR-24 V-12 "+tt.name, func(t *testing.T, o *office) {
			if tt.name == "big" {
				o.SetChunk(0) // a million reads show nothing that a few do not
			}
			j, _ := o.staff()
			s := o.call(j, nurse)
			s.Say(tt.in + `<message><body>behind</body></message>`) // the end may not be read
			o.closes(s, 2*time.Second)
			refusedWith(t, s, tt.want)
			if len(o.received()) > 0 {
				t.Errorf("told of %q", o.received())
			}
			next := o.call(j, nurse)
			o.say(next, "<message><body>next</body></message>")
			if d := cmp.Diff([]string{juliet + ">" + nurseJ + ": next"}, o.received()); d != "" {
				t.Error(d)
			}
		})
	}
	inOffice(t, "V-12 second-root: what follows the end is not read", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		s.Say(`</stream:stream><message><body>behind</body></message>`)
		o.hears(s, "</stream:stream>")
		s.Close()
		o.wait(time.Second)
		if len(o.received()) > 0 {
			t.Errorf("told of %q", o.received())
		}
	})
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
