package translate

import (
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"meshbridge/internal/stanza"
)

// checkCrossed holds a translated message against what must be true of every
// one, whatever went in: only listed names at depth one, the addresses it was
// given, and one and the same stanza for two independent parsers.
func checkCrossed(t reporter, c stanza.Content, dir way, from, to string, s stanza.Stanza) {
	t.Helper()
	if s.Kind != stanza.Message || s.From != from || s.To != to || s.Type == "groupchat" {
		t.Fatalf("%+v", s)
	}
	for _, e := range s.Payload {
		own := dir == toMesh && e.Name == stanza.Name{Space: nsXHTML, Local: "html"}
		failure := s.Type == "error" && e.Name == stanza.Name{Local: "error"}
		if findRow(e.Name, dir) < 0 && !own && !failure {
			t.Fatalf("%v is not on the pass list", e.Name)
		}
	}
	wire := string(stanza.Append(nil, c, s))
	again, ok := tryRead(c, wire)
	if !ok {
		t.Fatalf("the strict reader refuses %q", wire)
	}
	want := canonical(s.Element())
	if got := canonical(again.Element()); got != want {
		t.Fatalf("strict reader:\n%s\nmeant:\n%s", got, want)
	}
	roots := foreign(t, c, wire)
	if len(roots) != 1 || canonical(roots[0]) != want {
		t.Fatalf("encoding/xml sees %d stanzas in %q", len(roots), wire)
	}
}

// foreign reads the stanzas of a stream with encoding/xml.
func foreign(t reporter, c stanza.Content, wire string) []*stanza.Element {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader("<s xmlns='" + string(c) + "'>" + wire + "</s>"))
	root := &stanza.Element{}
	open := []*stanza.Element{root}
	for {
		token, err := d.Token()
		if err == io.EOF {
			return root.Elements()[0].Elements()
		}
		if err != nil {
			t.Fatalf("encoding/xml: %v in %q", err, wire)
		}
		switch x := token.(type) {
		case xml.StartElement:
			e := stanza.New(unqualified(c, x.Name.Space), x.Name.Local)
			for _, a := range x.Attr {
				if a.Name.Space != "xmlns" && a.Name.Local != "xmlns" {
					e.Attrs = append(e.Attrs, stanza.Attr{Name: stanza.Name(a.Name), Value: a.Value})
				}
			}
			open[len(open)-1].Add(e)
			open = append(open, e)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			open[len(open)-1].AddText(string(x))
		default:
			t.Fatalf("encoding/xml: %T in %q", x, wire)
		}
	}
}

func unqualified(c stanza.Content, space string) string {
	if space == string(c) {
		return ""
	}
	return space
}

// canonical writes a tree so that equal meanings give equal texts.
func canonical(e *stanza.Element) string {
	var b strings.Builder
	fmt.Fprintf(&b, "{%s}%s", e.Name.Space, e.Name.Local)
	var attrs []string
	for _, a := range e.Attrs {
		if v := written(a.Value); v != "" { // empty means absent here
			attrs = append(attrs, fmt.Sprintf("{%s}%s=%q", a.Name.Space, a.Name.Local, v))
		}
	}
	slices.Sort(attrs)
	fmt.Fprintf(&b, "%v(", attrs)
	text := ""
	flush := func() {
		if text != "" {
			fmt.Fprintf(&b, "%q", text)
		}
		text = ""
	}
	for _, n := range e.Nodes {
		if n.Element == nil {
			text += written(n.Text)
			continue
		}
		flush()
		b.WriteString(canonical(n.Element))
	}
	flush()
	return b.String() + ")"
}

// written is a text as the writer puts it: every wrong octet becomes U+FFFD, what
// XML forbids goes.
func written(s string) string {
	return stanza.Clean(strings.Map(func(r rune) rune { return r }, s))
}

// names are what the trees of the property are made of: listed, hostile, absurd.
var names = []stanza.Name{
	{Local: "body"}, {Local: "subject"}, {Local: "thread"}, {Local: "error"}, {Local: "message"}, {Local: "show"},
	{Space: nsXHTML, Local: "html"}, {Space: nsXHTML, Local: "body"},
	{Space: stanza.NSChatStates, Local: "composing"}, {Space: nsReceipts, Local: "received"}, {Space: nsReceipts, Local: "request"},
	{Space: nsOOB, Local: "x"}, {Space: nsOOB, Local: "url"}, {Space: nsStanzaID, Local: "origin-id"}, {Space: nsStanzaID, Local: "stanza-id"},
	{Space: stanza.NSDelay, Local: "delay"}, {Space: nsCorrection, Local: "replace"}, {Space: nsMarkers, Local: "displayed"},
	{Space: "urn:xmpp:carbons:2", Local: "sent"}, {Space: stanza.NSStream, Local: "stream"}, {Space: stanza.NoNamespace, Local: "body"},
	{Space: stanza.NSStanzaErrors, Local: "gone"}, {Space: stanza.NSStanzaErrors, Local: "text"},
	{Space: "'><evil", Local: "b c='d'><e/"}, {},
}

func genElement(depth int) *rapid.Generator[*stanza.Element] {
	return rapid.Custom(func(t *rapid.T) *stanza.Element {
		name := rapid.SampledFrom(names).Draw(t, "name")
		e := stanza.New(name.Space, name.Local)
		for _, attr := range rapid.SliceOfN(rapid.SampledFrom([]string{"id", "from", "to", "type", "stamp", "parent", "code", "x y"}), 0, 3).Draw(t, "attrs") {
			e.With(attr, genText().Draw(t, attr))
		}
		e.SetLang(rapid.SampledFrom([]string{"", "de", "en", "'/>"}).Draw(t, "lang"))
		for range rapid.IntRange(0, 3).Draw(t, "nodes") {
			if depth > 0 && rapid.Bool().Draw(t, "nested") {
				e.Add(genElement(depth-1).Draw(t, "child"))
			} else {
				e.AddText(genText().Draw(t, "text"))
			}
		}
		return e
	})
}

func genText() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.String(),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 12), func(b []byte) string { return string(b) }),
		rapid.SampledFrom([]string{"</message><message to='x'>", "]]>", "&lt;&#0;", "\r\n\t ", "<!--", "a\x00b", "\xff\xfe", "\uFFFE"}),
	)
}

func genMessage() *rapid.Generator[stanza.Stanza] {
	return rapid.Custom(func(t *rapid.T) stanza.Stanza {
		return stanza.Stanza{
			Kind:    rapid.SampledFrom([]stanza.Kind{stanza.Message, stanza.Message, stanza.Message, stanza.Presence, stanza.IQ}).Draw(t, "kind"),
			From:    genText().Draw(t, "from"),
			To:      genText().Draw(t, "to"),
			ID:      genText().Draw(t, "id"),
			Type:    rapid.SampledFrom([]string{"", "chat", "normal", "headline", "groupchat", "error", "x'/>"}).Draw(t, "type"),
			Lang:    genText().Draw(t, "lang"),
			Payload: rapid.SliceOfN(genElement(2), 0, 5).Draw(t, "payload"),
		}
	})
}

func TestMessageProperty(t *testing.T) {
	t.Run("INJ-14 INJ-16 INJ-35 only listed names, one stanza for every parser, whatever goes in", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			m := genMessage().Draw(t, "message")
			checkBothWays(t, m)
		})
	})
}

func checkBothWays(t reporter, m stanza.Stanza) {
	t.Helper()
	before := canonical(m.Element())
	if s, out := MessageToMesh(m, proxyInstance, juliet, MessageOptions{Lang: "de", ChatStates: true}); out.Crosses() {
		checkCrossed(t, stanza.Client, toMesh, proxyInstance, juliet, s)
	}
	if s, out := MessageToServer(m, proxyJID, nurse, ids(), MessageOptions{}); out.Crosses() {
		checkCrossed(t, stanza.Component, toServer, proxyJID, nurse, s)
		if s.ID == "" {
			t.Fatalf("a message without id crossed: %+v", s)
		}
	}
	if after := canonical(m.Element()); after != before {
		t.Fatalf("the message was edited:\n%s\nbefore:\n%s", after, before)
	}
}

func FuzzMessage(f *testing.F) {
	for _, c := range crossings {
		f.Add("chat", "<body>good</body>"+c.payload)
	}
	for _, claim := range authority {
		f.Add("", claim)
	}
	f.Add("error", "<body>echo</body><error code='404'/>")
	f.Add("normal", "<body xml:lang='de'>a</body><body>b\r\n&#13;&lt;/message></body><message/>")
	f.Fuzz(func(t *testing.T, kind, payload string) {
		head := stanza.New("", "message").With("type", kind).With("id", "1")
		text := string(stanza.AppendElement(nil, stanza.Component, head))
		if s, ok := tryRead(stanza.Component, strings.TrimSuffix(text, "/>")+">"+payload+"</message>"); ok {
			checkBothWays(t, s)
		}
	})
}

func BenchmarkMessageToServer(b *testing.B) {
	m := read(b, stanza.Client, `<message to='`+proxyInstance+`' from='juliet@pronto' type='chat'><body>art thou not Romeo?</body>`+
		`<html xmlns='http://www.w3.org/1999/xhtml'><body><font>art thou not Romeo?</font></body></html><x xmlns='jabber:x:event'><composing/></x></message>`)
	newID := func() string { return "id" }
	b.ReportAllocs()
	for b.Loop() {
		MessageToServer(m, proxyJID, nurse, newID, MessageOptions{})
	}
}

func BenchmarkMessageToMesh(b *testing.B) {
	m := read(b, stanza.Component, `<message from='nurse@example.com/x' to='`+proxyJID+`' type='chat' id='m1'><body>two
lines</body><active xmlns='http://jabber.org/protocol/chatstates'/></message>`)
	b.ReportAllocs()
	for b.Loop() {
		MessageToMesh(m, proxyInstance, juliet, MessageOptions{})
	}
}
