package stanza

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

const (
	clientHeader    = `<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' from='juliet@pronto' to='romeo@forza' version='1.0'>`
	componentHeader = `<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' from='lan.example.org' id='a&amp;b'>`
)

// ways are the ways in which the same bytes may arrive.
var ways = map[string]func(io.Reader) io.Reader{
	"whole":    func(r io.Reader) io.Reader { return r },
	"one byte": iotest.OneByteReader,
}

func open(t *testing.T, r io.Reader, c Content, l Limits) *Reader {
	t.Helper()
	rd := NewReader(r, c, l)
	if _, err := rd.Header(); err != nil {
		t.Fatalf("header: %v", err)
	}
	rd.Trust()
	return rd
}

func manyAttrs(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(" a" + strings.Repeat("b", i) + "=''")
	}
	return b.String()
}

func TestHeader(t *testing.T) {
	purple := `<?xml version="1.0" encoding="UTF-8" ?>` + "\n" + `<stream:stream xmlns="jabber:client" xmlns:stream="http://etherx.jabber.org/streams" from="juliet@pronto" to="romeo@forza">`
	for _, tt := range []struct {
		name, in string
		content  Content
		want     Header
	}{
		{"as libpurple writes it", purple, Client, Header{From: "juliet@pronto", To: "romeo@forza"}},
		{"as XEP-0174 shows it", clientHeader, Client, Header{From: "juliet@pronto", To: "romeo@forza", Version: "1.0"}},
		{"COMP-2 id unescaped", componentHeader, Component, Header{From: "lan.example.org", ID: "a&b"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for way, as := range ways {
				got, err := NewReader(as(strings.NewReader(tt.in)), tt.content, MeshLimits()).Header()
				if err != nil || got != tt.want {
					t.Errorf("%s: got %+v, %v, want %+v", way, got, err, tt.want)
				}
			}
		})
	}
}

func TestUnboundBudget(t *testing.T) {
	t.Run("LL-STR-25 16 KiB in all until bound, a stanza's budget after", func(t *testing.T) {
		in := clientHeader + strings.Repeat(`<message><body>0123456789</body></message>`, 1000)
		rd := NewReader(strings.NewReader(in), Client, MeshLimits())
		if _, err := rd.Header(); err != nil {
			t.Fatal(err)
		}
		var err error
		n := 0
		for ; err == nil; n++ {
			_, err = rd.Next()
		}
		var se *StreamError
		if !errors.As(err, &se) || se.Condition != "policy-violation" || n > 400 {
			t.Errorf("read %d stanzas unbound, then %v", n, err)
		}
		rd = open(t, strings.NewReader(in), Client, MeshLimits())
		for range 1000 {
			if _, err := rd.Next(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestClaim(t *testing.T) {
	t.Run("LL-STR-25 X2 what a stanza takes beyond 16 KiB is claimed, its tree too", func(t *testing.T) {
		for _, tt := range []struct {
			in   string
			want int
		}{
			{`<message><body>` + strings.Repeat("x", 15<<10) + `</body></message>`, 0},
			{`<message><body>` + strings.Repeat("x", 40<<10) + `</body></message>`, 2},
			{`<message>` + strings.Repeat("<a/>", 1000) + `</message>`, 6},
		} {
			for way, as := range ways {
				claims, l := 0, MeshLimits()
				l.Claim = func() bool { claims++; return true }
				rd := open(t, as(strings.NewReader(clientHeader+strings.Repeat(" ", 20<<10)+tt.in+tt.in)), Client, l)
				for n := 1; n <= 2; n++ {
					if _, err := rd.Next(); err != nil || claims != n*tt.want {
						t.Errorf("%s: %d claims, want %d (%v)", way, claims, n*tt.want, err)
					}
				}
			}
		}
	})
	t.Run("LL-STR-25 X2 a claim that is turned down ends the stream", func(t *testing.T) {
		l := MeshLimits()
		l.Claim = func() bool { return false }
		rd := open(t, strings.NewReader(clientHeader+`<message/><message><body>`+strings.Repeat("x", 40<<10)), Client, l)
		_, first := rd.Next()
		_, err := rd.Next()
		var se *StreamError
		if first != nil || !errors.As(err, &se) || se.Condition != "resource-constraint" {
			t.Errorf("got %v, %v", first, err)
		}
	})
}

func TestEnds(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     error
	}{
		{"closed, later bytes ignored (V-12 second-root)", `</stream:stream><message/>`, ErrClosed},
		{"closed with white space", " \n</stream:stream >", ErrClosed},
		{"connection ends between stanzas", " ", io.EOF},
		{"connection ends in a tag", "<messa", io.ErrUnexpectedEOF},
		{"connection ends in a stanza", "<message><body>", io.ErrUnexpectedEOF},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for way, as := range ways {
				rd := open(t, as(strings.NewReader(clientHeader+tt.in)), Client, MeshLimits())
				for range 2 {
					if _, err := rd.Next(); err != tt.want {
						t.Errorf("%s: got %v, want %v", way, err, tt.want)
					}
				}
			}
		})
	}
	t.Run("a header that closes itself", func(t *testing.T) {
		in := `<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'/>`
		rd := open(t, strings.NewReader(in), Client, MeshLimits())
		if _, err := rd.Next(); err != ErrClosed {
			t.Errorf("got %v, want ErrClosed", err)
		}
	})
}

func TestTree(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     *Element
	}{
		{"references and white space", "<message from='a&#10;b\tc'><body>&lt;&#65;&#x42;&amp;\r\nx\ry</body></message>",
			New("", "message").With("from", "a\nb c").Add(New("", "body").AddText("<AB&\nx\ny"))},
		{"cdata is text", `<message><body>a<![CDATA[<b>]]]]>c]]</body></message>`,
			New("", "message").Add(New("", "body").AddText("a<b>]]c]]"))},
		{"prefixes are resolved", `<c:message xmlns:c='jabber:client'><x:y xmlns:x='u' x:a='1' b='2'/></c:message>`,
			New("", "message").Add(&Element{Name: Name{"u", "y"}, Attrs: []Attr{{Name{"u", "a"}, "1"}, {Name{"", "b"}, "2"}}})},
		{"no namespace is not the content namespace", `<message><body xmlns=''/></message>`,
			New("", "message").Add(New(NoNamespace, "body"))},
		{"a declaration ends with its element", `<message><a xmlns='u'/><b/></message>`,
			New("", "message").Add(New("u", "a"), New("", "b"))},
		{"xml:lang", `<message xml:lang='de'/>`, New("", "message").SetLang("de")},
		{"emoji", `<message><body>😀é</body></message>`, New("", "message").Add(New("", "body").AddText("😀é"))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for way, as := range ways {
				rd := open(t, as(strings.NewReader(clientHeader+tt.in)), Client, MeshLimits())
				got, err := rd.Next()
				if err != nil {
					t.Fatalf("%s: %v", way, err)
				}
				if d := cmp.Diff(tt.want, got); d != "" {
					t.Errorf("%s: %s", way, d)
				}
			}
		})
	}
}

func TestDepthOne(t *testing.T) {
	// The four inputs of V-9, and what must be read from them.
	const head = `<message xmlns="jabber:component:accept" from="a@b" to="c@d">`
	for _, tt := range []struct {
		name, in string
		bodies   []string
	}{
		{"html beside", head + `<body>good</body><html xmlns="http://jabber.org/protocol/xhtml-im"><body xmlns="http://www.w3.org/1999/xhtml"><p>xhtml</p></body></html></message>`, []string{"good"}},
		{"unknown wrapper", head + `<body>good</body><x xmlns="urn:unknown"><body>EVIL</body><subject>s</subject></x></message>`, []string{"good"}},
		{"two languages", head + `<x xmlns="urn:unknown">foo</x><body>good</body><body xml:lang="de">gut</body></message>`, []string{"good", "gut"}},
		{"nested message", head + `<f xmlns="urn:u"><message xmlns="jabber:component:accept" from="x@y"><body>nested</body></message></f><body>outer</body></message>`, []string{"outer"}},
		{"the other content namespace is foreign", head + `<body xmlns="jabber:client">EVIL</body><body>good</body></message>`, []string{"good"}},
	} {
		t.Run("INJ-15 V-9 "+tt.name, func(t *testing.T) {
			rd := open(t, strings.NewReader(componentHeader+tt.in+`<message id='next'/>`), Component, MeshLimits())
			e, err := rd.Next()
			if err != nil {
				t.Fatal(err)
			}
			s, ok := Parse(e)
			if !ok {
				t.Fatal("no stanza")
			}
			var got []string
			for _, b := range s.Children("", "body") {
				got = append(got, b.Text())
			}
			if d := cmp.Diff(tt.bodies, got); d != "" {
				t.Error(d)
			}
			if s.Child("", "subject") != nil {
				t.Error("a nested subject was taken for the message's")
			}
			if e, err = rd.Next(); err != nil || e.Attr("id") != "next" {
				t.Errorf("the stream is not usable after it: %v", err)
			}
		})
	}
}

func TestSkip(t *testing.T) {
	limits := UpstreamLimits(4 << 10)
	for _, tt := range []struct{ name, in, id string }{
		{"body", `<message id='m' from='a@b' to='c@d'><body>` + strings.Repeat("x", 1<<20) + `</body><y/></message>`, "m"},
		{"depth", `<message id='m'>` + strings.Repeat("<a>", 200) + strings.Repeat("</a>", 200) + `</message>`, "m"},
		{"attributes below", `<message id='m'><x` + manyAttrs(40) + `/></message>`, "m"},
		{"attributes of the stanza itself", `<message id='m'` + manyAttrs(40) + `/>`, "m"},
		{"attribute value", `<message id='m'><x y='` + strings.Repeat("y", 1<<16) + `'/></message>`, "m"},
		{"own attribute value", `<message y='` + strings.Repeat("y", 1<<16) + `' id='m'/>`, "m"},
		{"own id", `<message id='` + strings.Repeat("y", 1<<16) + `' from='a@b'/>`, ""},
		{"sender behind many attributes", `<message` + manyAttrs(40) + ` id='m' from='a@b'/>`, "m"},
		{"a prefix of its own, declared late", `<c:message` + manyAttrs(40) + ` id='m' xmlns:c='jabber:component:accept'/>`, "m"},
		{"long name", `<message id='m'><` + strings.Repeat("n", 1000) + ` xmlns='x'/></message>`, "m"},
		{"long names in what is skipped", `<message id='m'>` + strings.Repeat("<a>", 200) + strings.Repeat("</"+strings.Repeat("n", 1000)+">", 200) + `</message>`, "m"},
		// Prosody lets its users say these (util.xmppstream, 0.12).
		{"the namespace of xml under another prefix", `<message id='m'><body xmlns:ns1='http://www.w3.org/XML/1998/namespace' ns1:foo='1'/></message>`, "m"},
		{"the namespace of xml as default", `<message id='m'><a xmlns='http://www.w3.org/XML/1998/namespace'>h</a></message>`, "m"},
		{"a blank namespace", `<message id='m'><a xmlns='x' xmlns:ns1=' ' ns1:a='1'/></message>`, "m"},
		{"an undeclared prefix", `<message id='m'><x:a/></message>`, "m"},
		{"an attribute twice", `<message id='m'><a b='1' b='2'/></message>`, "m"},
		{"a control character", `<message id='m'><body>&#1;</body></message>`, "m"},
		{"malformed UTF-8", "<message id='m'><body>\xff</body></message>", "m"},
		{"an entity", `<message id='m'><body>&nbsp;</body></message>`, "m"},
		{"white space", `<message id='m'><x ` + strings.Repeat(" ", 1<<16) + `/></message>`, "m"},
		{"cdata", `<message id='m'><![CDATA[` + strings.Repeat("]", 1<<16) + `]]></message>`, "m"},
		{"children", `<message id='m'>` + strings.Repeat("<a b:x='' xmlns:b='u'/>", 1000) + `</message>`, "m"},
	} {
		t.Run("COMP-19 over the limit: "+tt.name, func(t *testing.T) {
			for way, as := range ways {
				rd := open(t, as(strings.NewReader(componentHeader+tt.in+`<message id='next'/>`)), Component, limits)
				_, err := rd.Next()
				var skipped *Skipped
				if !errors.As(err, &skipped) || skipped.Head.ID != tt.id || skipped.Head.Payload != nil {
					t.Fatalf("%s: got %v, want the stanza skipped, with id %q", way, err, tt.id)
				}
				if e, err := rd.Next(); err != nil || e.Attr("id") != "next" {
					t.Fatalf("%s: the stream did not go on: %v", way, err)
				}
				if len(rd.spaces) != 2 {
					t.Errorf("%s: namespace bindings are left over: %v", way, rd.spaces)
				}
			}
		})
	}
}
