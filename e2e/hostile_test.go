//go:build linux

package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// hostile are the inputs of V-12: what an XML reader of Go's library accepts
// and a gateway must not. Each stands in an open, bound stream, in a message
// that would cross if it were taken. ME and YOU are replaced.
var hostile = []struct {
	name, input string
	want        string // the stream errors that are right, any of them
}{
	{"undeclared", `<message from='ME' to='YOU'><body>smuggled</body><vcard-temp:vCard/></message>`, "not-well-formed bad-namespace-prefix"},
	{"dup", `<message from='ME' from='a@b' to='YOU'><body>smuggled</body></message>`, "not-well-formed"},
	{"dup-ns", `<message from='ME' to='YOU' xmlns:p='u' xmlns:q='u' p:x='1' q:x='2'><body>smuggled</body></message>`, "not-well-formed"},
	{"doctype", `<!DOCTYPE x [<!ENTITY a 'b'>]>`, "restricted-xml"},
	{"comment", `<message from='ME' to='YOU'><!-- c --><body>smuggled</body></message>`, "restricted-xml"},
	{"pi", `<message from='ME' to='YOU'><?foo bar?><body>smuggled</body></message>`, "restricted-xml"},
	{"entity", `<message from='ME' to='YOU'><body>smuggled&nbsp;</body></message>`, "restricted-xml"},
	{"surrogate", `<message from='ME' to='YOU'><body>smuggled&#xD800;</body></message>`, "not-well-formed"},
	{"control", `<message from='ME' to='YOU'><body>smuggled&#1;</body></message>`, "not-well-formed"},
	{"bad-utf8", "<message from='ME' to='YOU'><body>smuggled\xff</body></message>", "not-well-formed unsupported-encoding"},
	{"overlong", "<message from='ME' to='YOU'><body>smuggled\xc0\xbc</body></message>", "not-well-formed"},
	{"lead-colon", `<:message from='ME' to='YOU'><body>smuggled</body></:message>`, "not-well-formed"},
	{"xmlns-element", `<xmlns:message from='ME' to='YOU'><body>smuggled</body></xmlns:message>`, "not-well-formed"},
	{"rebind-xml", `<message from='ME' to='YOU' xmlns:xml='evil' xml:lang='en'><body>smuggled</body></message>`, "not-well-formed"},
	{"empty-prefix", `<p:message xmlns:p='' from='ME' to='YOU'><body>smuggled</body></p:message>`, "not-well-formed"},
	{"end-prefix", `<a:message xmlns:a='jabber:client' xmlns:b='jabber:client' from='ME' to='YOU'><a:body>smuggled</a:body></b:message>`, "not-well-formed"},
	{"text-between", `zzz`, "bad-format not-well-formed"},
	{"big", `<message from='ME' to='YOU'><body>smuggled` + strings.Repeat("x", 1<<20+1) + `</body></message>`, "policy-violation"},
	{"deep", `<message from='ME' to='YOU'><body>smuggled</body>` + strings.Repeat("<a>", 65) + strings.Repeat("</a>", 65) + `</message>`, "policy-violation"},
	{"attrs", `<message from='ME' to='YOU'` + attributes(33) + `><body>smuggled</body></message>`, "policy-violation"},
}

func attributes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, " a%d='v'", i)
	}
	return b.String()
}

// testHostile feeds every V-12 input to the program over a stream of its own,
// each followed by a message that would be good on a living stream. Then a
// message on the next stream must cross, and nothing else may have.
func (m *mesh) testHostile(t *testing.T) {
	for _, c := range hostile {
		t.Run("LL-STR-23 V-12 "+c.name, func(t *testing.T) {
			crossed, s := m.server.stanzas.now(), m.open(t)
			input := strings.NewReplacer("ME", m.juliet.instance, "YOU", quoted(aliceInstance)).Replace(c.input)
			s.say("%s%s", input, chat(m.juliet.instance, aliceInstance, "smuggled after "+c.name))
			said := s.end(t, soon)
			if got := streamError(said); got == "" || !strings.Contains(" "+c.want+" ", " "+got+" ") {
				t.Errorf("the stream error is %q, want %s; it said %q", got, c.want, said)
			}
			if !strings.HasSuffix(strings.TrimSpace(said), "</stream:stream>") {
				t.Errorf("the stream was not closed: %q", said)
			}
			m.onlyThisCrosses(t, crossed, "after "+c.name)
		})
	}
	t.Run("V-12 second-root: what follows the end is ignored", func(t *testing.T) {
		crossed, s := m.server.stanzas.now(), m.open(t)
		s.say("</stream:stream>%s", chat(m.juliet.instance, aliceInstance, "smuggled after the end"))
		if said := s.end(t, soon); !strings.HasSuffix(strings.TrimSpace(said), "</stream:stream>") {
			t.Errorf("the end was not answered: %q", said)
		}
		m.onlyThisCrosses(t, crossed, "after the second root")
	})
	t.Run("LL-STR-3 V-12 encoding: UTF-16 in the header", func(t *testing.T) {
		crossed, s := m.server.stanzas.now(), m.juliet.call(t)
		s.say("%s", strings.Replace(header(m.juliet.instance, aliceInstance), "UTF-8", "UTF-16", 1))
		s.say("%s", chat(m.juliet.instance, aliceInstance, "smuggled in UTF-16"))
		if got := streamError(s.end(t, soon)); got != "unsupported-encoding" {
			t.Errorf("the stream error is %q", got)
		}
		m.onlyThisCrosses(t, crossed, "after UTF-16")
	})
	t.Run("LL-STR-1 a stanza instead of a header", func(t *testing.T) {
		crossed, s := m.server.stanzas.now(), m.juliet.call(t)
		s.say("%s", chat(m.juliet.instance, aliceInstance, "smuggled without a header"))
		if said := s.end(t, soon); streamError(said) == "" {
			t.Errorf("no stream error: %q", said)
		}
		m.onlyThisCrosses(t, crossed, "after the headless one")
	})
}
