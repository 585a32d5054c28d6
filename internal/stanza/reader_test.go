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

func TestHostileXML(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"undeclared", `<message xmlns='jabber:client'><vcard-temp:vCard/></message>`, "not-well-formed"},
		{"dup", `<message from='a' from='b'/>`, "not-well-formed"},
		{"dup-ns", `<message xmlns:p='u' xmlns:q='u' p:x='1' q:x='2'/>`, "not-well-formed"},
		{"doctype", `<!DOCTYPE x [<!ENTITY a 'b'>]>`, "restricted-xml"},
		{"comment", `<message><!-- c --></message>`, "restricted-xml"},
		{"pi", `<message><?foo bar?></message>`, "restricted-xml"},
		{"entity", `<message><body>&nbsp;</body></message>`, "restricted-xml"},
		{"surrogate", `<message><body>&#xD800;</body></message>`, "not-well-formed"},
		{"control", `<message><body>&#1;</body></message>`, "not-well-formed"},
		{"raw control", "<message><body>\x01</body></message>", "not-well-formed"},
		{"nul", "<message><body>\x00</body></message>", "not-well-formed"},
		{"bad-utf8", "<message><body>\xff</body></message>", "not-well-formed"},
		{"overlong", "<message><body>\xc0\xbc</body></message>", "not-well-formed"},
		{"cut utf8", "<message><body>\xe2\x82<b/></body></message>", "not-well-formed"},
		{"surrogate utf8", "<message><body>\xed\xa0\x80</body></message>", "not-well-formed"},
		{"noncharacter", "<message><body>\uFFFE</body></message>", "not-well-formed"},
		{"lead-colon", `<:message/>`, "not-well-formed"},
		{"two colons", `<a:b:c xmlns:a='u'/>`, "not-well-formed"},
		{"xmlns-element", `<xmlns:message/>`, "not-well-formed"},
		{"rebind-xml", `<message xmlns:xml='evil' xml:lang='en'/>`, "not-well-formed"},
		{"bind xml namespace", `<message xmlns:p='http://www.w3.org/XML/1998/namespace'/>`, "not-well-formed"},
		{"default xml namespace", `<message xmlns='http://www.w3.org/XML/1998/namespace'/>`, "not-well-formed"},
		{"declare xmlns", `<message xmlns:xmlns='u'/>`, "not-well-formed"},
		{"empty-prefix", `<p:message xmlns:p=''/>`, "not-well-formed"},
		{"blank prefix", `<p:message xmlns:p=' '/>`, "not-well-formed"},
		{"end-prefix", `<a:message xmlns:a='u' xmlns:b='u'></b:message>`, "not-well-formed"},
		{"wrong end", `<message><body></message></body>`, "not-well-formed"},
		{"undeclared attribute prefix", `<message p:x='1'/>`, "not-well-formed"},
		{"text-between", `zzz`, "bad-format"},
		{"cdata between", `<![CDATA[x]]>`, "bad-format"},
		{"no quotes", `<message from=a/>`, "not-well-formed"},
		{"no value", `<message from/>`, "not-well-formed"},
		{"attributes glued", `<message from='a'to='b'/>`, "not-well-formed"},
		{"less-than in value", `<message from='<'/>`, "not-well-formed"},
		{"cdata end in text", `<message><body>]]></body></message>`, "not-well-formed"},
		{"bare ampersand", `<message><body>a & b</body></message>`, "not-well-formed"},
		{"endless reference", `<message><body>&#00000000000000000065;</body></message>`, "not-well-formed"},
		{"reference beyond unicode", `<message><body>&#x110000;</body></message>`, "not-well-formed"},
		{"hex in decimal", `<message><body>&#6f;</body></message>`, "not-well-formed"},
		{"upper-case X", `<message><body>&#X41;</body></message>`, "not-well-formed"},
		{"name with space", `< message/>`, "not-well-formed"},
		{"digit name", `<1message/>`, "not-well-formed"},
		{"stray end", `</message>`, "not-well-formed"},
		{"slash inside", `<message / >`, "not-well-formed"},
		{"comment between", `<!-- c -->`, "restricted-xml"},
		{"pi between", `<?xml version='1.0'?>`, "restricted-xml"},
		{"big", `<message><body>` + strings.Repeat("x", 1<<20+1) + `</body></message>`, "policy-violation"},
		{"big tree", `<message>` + strings.Repeat("<a/>", 1<<14) + `</message>`, "policy-violation"},
		{"big attribute", `<message x='` + strings.Repeat("x", 1<<20) + `'/>`, "policy-violation"},
		{"big white space", `<message ` + strings.Repeat(" ", 1<<20) + `/>`, "policy-violation"},
		{"long name", `<` + strings.Repeat("m", 300) + `/>`, "policy-violation"},
		{"deep", strings.Repeat("<a>", 65), "policy-violation"},
		{"attrs", `<message` + manyAttrs(33) + `/>`, "policy-violation"},
	} {
		t.Run("V-12 LL-STR-23 LL-STR-24 "+tt.name, func(t *testing.T) {
			for way, as := range ways {
				in := clientHeader + tt.in + `<message id='behind'/>`
				rd := open(t, as(strings.NewReader(in)), Client, MeshLimits())
				_, err := rd.Next()
				var se *StreamError
				if !errors.As(err, &se) || se.Condition != tt.want {
					t.Errorf("%s: got %v, want stream error %s", way, err, tt.want)
				}
				if e, again := rd.Next(); e != nil || again != err {
					t.Errorf("%s: the stream went on after the error: %v, %v", way, e, again)
				}
			}
		})
	}
}

func manyAttrs(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(" a" + strings.Repeat("b", i) + "=''")
	}
	return b.String()
}

func TestHostileHeader(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"LL-STR-1 stanza before the header", `<message xmlns='jabber:client'/>`, "bad-format"},
		{"LL-STR-3 wrong stream namespace", `<stream:stream xmlns='jabber:client' xmlns:stream='urn:x'>`, "invalid-namespace"},
		{"LL-STR-3 wrong content namespace", `<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'>`, "invalid-namespace"},
		{"LL-STR-3 V-12 encoding", `<?xml version='1.0' encoding='UTF-16'?>` + clientHeader, "unsupported-encoding"},
		{"LL-STR-3 latin 1", `<?xml version='1.0' encoding='ISO-8859-1'?>` + clientHeader, "unsupported-encoding"},
		{"XML 1.1", `<?xml version='1.1'?>` + clientHeader, "not-well-formed"},
		{"declaration twice", `<?xml version='1.0'?>` + clientHeader, "restricted-xml"},
		{"declaration without white space", `<?xmlversion='1.0'?>`, "not-well-formed"},
		{"declaration without end", `<?xml ` + strings.Repeat("x", 500), "not-well-formed"},
		{"declaration of nonsense", `<?xml version='1.0' evil='1'?>`, "not-well-formed"},
		{"doctype first", `<!DOCTYPE x><stream:stream>`, "restricted-xml"},
		{"text first", `GET / HTTP/1.1`, "not-well-formed"},
		{"LL-STR-25 17 KiB before binding", `<stream:stream x='` + strings.Repeat("x", 17<<10), "policy-violation"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for way, as := range ways {
				rd := NewReader(as(strings.NewReader(tt.in)), Client, MeshLimits())
				_, err := rd.Header()
				var se *StreamError
				if !errors.As(err, &se) || se.Condition != tt.want {
					t.Errorf("%s: got %v, want stream error %s", way, err, tt.want)
				}
			}
		})
	}
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
