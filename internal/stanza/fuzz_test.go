package stanza

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"meshbridge/internal/stanza/hostile"
)

// FuzzReader feeds a stranger's bytes to the reader. Whatever it accepts must read
// the same in small pieces, must be accepted by encoding/xml too, and must come
// through our writer unchanged.
func FuzzReader(f *testing.F) {
	for _, s := range []string{
		`<message from='a@b' to='c' id='1' type='chat'><body>x &lt;b&gt; &#65;</body><html xmlns='http://www.w3.org/1999/xhtml'><body><font>x</font></body></html></message>`,
		`<iq type='get' id='2'><ping xmlns='urn:xmpp:ping'/></iq></stream:stream>`,
		`<presence xml:lang="de"><x:y xmlns:x='u' x:z='1'><![CDATA[<]]]]></x:y></presence>`,
		`<message><!-- --></message>`, "<a b='\r\n\t'>\r</a>", `<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>`,
		`<a xmlns=''><b xmlns='jabber:client'/></a>`, "<a>]]></a>", "<a>&#xD800;</a>",
	} {
		f.Add(s)
	}
	for _, in := range hostile.Inputs() {
		if len(in.Text) < 1<<10 {
			f.Add(hostile.Fill(in.Text, me, you))
		}
	}
	for _, p := range hostile.Passes() {
		f.Add(hostile.Fill(p.Text, me, you))
	}
	f.Fuzz(func(t *testing.T, in string) {
		whole, err := readAll(strings.NewReader(clientHeader + in))
		pieces, err2 := readAll(iotest.OneByteReader(strings.NewReader(clientHeader + in)))
		if d := diff(whole, pieces); d != "" || !same(err, err2) {
			t.Fatalf("one byte at a time differs: %v, %v\n%s", err, err2, d)
		}
		out := AppendHeader(nil, Client, Header{})
		for _, e := range whole {
			out = AppendElement(out, Client, e)
		}
		again, err := readAll(bytes.NewReader(AppendClose(out)))
		if d := diff(whole, again); d != "" || err != ErrClosed {
			t.Fatalf("what was written reads differently: %v\n%s\n%s", err, d, out)
		}
		for _, e := range whole {
			judge(t, e)
		}
	})
}

// FuzzSkip feeds the same to a reader that skips what it can. It must read the same
// in small pieces, and at least what the strict one reads.
func FuzzSkip(f *testing.F) {
	for _, s := range []string{
		`<message id='m'><x:a/></message><message id='n'/>`,
		`<message id='m' a='1' a='2' from='x'><b xmlns:p=' '/></message></stream:stream>`,
		"<message>\xff&nbsp;&#1;]]></message><iq/>",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		strict, _ := readAll(strings.NewReader(clientHeader + in))
		whole, err := readSkipping(strings.NewReader(clientHeader + in))
		pieces, err2 := readSkipping(iotest.OneByteReader(strings.NewReader(clientHeader + in)))
		if d := diff(whole, pieces); d != "" || !same(err, err2) {
			t.Fatalf("one byte at a time differs: %v, %v\n%s", err, err2, d)
		}
		if len(whole) < len(strict) {
			t.Fatalf("the strict reader took %d elements, the skipping one %d", len(strict), len(whole))
		}
		for i := range strict {
			if d := diff(strict[i], whole[i]); d != "" {
				t.Fatal(d)
			}
		}
	})
}

// readAll returns all elements up to the error that ends the stream.
func readAll(r io.Reader) ([]*Element, error) { return read(r, false) }

// readSkipping returns all elements that are not skipped.
func readSkipping(r io.Reader) ([]*Element, error) { return read(r, true) }

func read(r io.Reader, skip bool) (list []*Element, err error) {
	rd := NewReader(r, Client, Limits{Stanza: 1 << 16, Depth: 64, Attrs: 32, Skip: skip})
	if _, err := rd.Header(); err != nil {
		return nil, err
	}
	rd.Trust()
	for {
		e, err := rd.Next()
		var skipped *Skipped
		switch {
		case errors.As(err, &skipped):
		case err != nil:
			return list, err
		default:
			list = append(list, e)
		}
	}
}

func same(a, b error) bool {
	var x, y *StreamError
	if errors.As(a, &x) && errors.As(b, &y) {
		return *x == *y
	}
	return a == b
}

// judge lets encoding/xml read what our writer wrote: it must be one element, with
// the names, attributes and texts of ours.
func judge(t *testing.T, e *Element) {
	out := AppendElement(nil, Client, e)
	for _, c := range out {
		if c >= 0x80 {
			return // names beyond ASCII: encoding/xml knows an older edition of XML
		}
	}
	if e.Name.Space == NSStream || bytes.Contains(out, []byte("<stream:")) {
		return // the prefix is declared by the header
	}
	dec := xml.NewDecoder(bytes.NewReader(out))
	dec.DefaultSpace = string(Client)
	depth, tops, text := 0, 0, ""
	for {
		tok, err := dec.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("encoding/xml refuses what we wrote: %v\n%s", err, out)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			if depth == 0 {
				tops++
				if tok.Name.Local != e.Name.Local {
					t.Fatalf("encoding/xml read %v from %s", tok.Name, out)
				}
			}
			depth++
		case xml.EndElement:
			depth--
		case xml.CharData:
			text += string(tok)
		default:
			t.Fatalf("%T in %s", tok, out)
		}
	}
	if tops != 1 || text != allText(e) {
		t.Fatalf("encoding/xml read %d elements and %q, want one and %q\n%s", tops, text, allText(e), out)
	}
}

func allText(e *Element) string {
	var b strings.Builder
	for _, n := range e.Nodes {
		b.WriteString(n.Text)
		if n.Element != nil {
			b.WriteString(allText(n.Element))
		}
	}
	return b.String()
}

func BenchmarkReadWrite(b *testing.B) {
	one := `<message to='romeo@forza' from='juliet@pronto' type='chat'><body>art thou &lt;b&gt;R&lt;/b&gt; &amp; &quot;co&quot; é</body><html xmlns='http://www.w3.org/1999/xhtml'><body><font>art thou &lt;b&gt;R&lt;/b&gt; &amp; &quot;co&quot; é</font></body></html><x xmlns='jabber:x:event'><composing/></x></message>`
	b.Run("strict reader and writer", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(one)))
		rd := NewReader(&endless{head: clientHeader, body: one}, Client, MeshLimits())
		if _, err := rd.Header(); err != nil {
			b.Fatal(err)
		}
		rd.Trust()
		var out []byte
		for b.Loop() {
			e, err := rd.Next()
			if err != nil {
				b.Fatal(err)
			}
			out = AppendElement(out[:0], Component, e)
		}
	})
	b.Run("encoding/xml tokens alone", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(one)))
		dec := xml.NewDecoder(&endless{head: clientHeader, body: one})
		for b.Loop() {
			for depth := 0; ; {
				tok, err := dec.Token()
				if err != nil {
					b.Fatal(err)
				}
				if _, ok := tok.(xml.StartElement); ok {
					depth++
				}
				if end, ok := tok.(xml.EndElement); ok {
					if depth--; end.Name.Local == "message" {
						break
					}
				}
			}
		}
	})
}

// endless is a stream that never ends.
type endless struct {
	head, body string
	rest       string
}

func (e *endless) Read(p []byte) (int, error) {
	if e.rest == "" {
		e.rest, e.head = e.head+e.body, ""
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

// diff is cmp.Diff for trees that are nearly always equal: of two deep ones that is
// work without end.
func diff(a, b any) string {
	if reflect.DeepEqual(a, b) {
		return ""
	}
	return cmp.Diff(a, b)
}
