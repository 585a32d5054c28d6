//go:build linux

package e2e

import (
	"encoding/xml"
	"io"
	"strings"
	"testing"
)

const streamNS = "http://etherx.jabber.org/streams"

// A node is an element read by encoding/xml: a second opinion on what the
// program under test writes.
type node struct {
	XMLName xml.Name
	Attrs   []xml.Attr `xml:",any,attr"`
	Text    string     `xml:",chardata"`
	Nodes   []node     `xml:",any"`
}

// parse reads one element.
func parse(text string) (node, error) {
	var n node
	err := xml.Unmarshal([]byte(text), &n)
	return n, err
}

// parsed is parse in a test.
func parsed(t testing.TB, text string) node {
	t.Helper()
	n, err := parse(text)
	if err != nil {
		t.Fatalf("not well-formed: %v: %q", err, text)
	}
	return n
}

// attr returns an attribute without prefix; "" when absent.
func (n node) attr(local string) string {
	for _, a := range n.Attrs {
		if a.Name.Space == "" && a.Name.Local == local {
			return a.Value
		}
	}
	return ""
}

// child returns the first direct child of that name, in any namespace.
func (n node) child(local string) (node, bool) {
	for _, c := range n.Nodes {
		if c.XMLName.Local == local {
			return c, true
		}
	}
	return node{}, false
}

// text returns the text of the first direct child of that name.
func (n node) text(local string) string {
	c, _ := n.child(local)
	return c.Text
}

// condition names the error condition of a stream:error or error element: its
// first child that is no text.
func (n node) condition() string {
	for _, c := range n.Nodes {
		if c.XMLName.Local != "text" {
			return c.XMLName.Local
		}
	}
	return ""
}

// quoted escapes text for element content and attributes.
func quoted(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;").Replace(text)
}

// nextStart reads up to the next start tag; io.EOF at the end of the stream.
func nextStart(d *xml.Decoder) (xml.StartElement, error) {
	for {
		token, err := d.Token()
		if err != nil {
			return xml.StartElement{}, err
		}
		switch token := token.(type) {
		case xml.StartElement:
			return token, nil
		case xml.EndElement:
			return xml.StartElement{}, io.EOF
		}
	}
}

// nextNode reads the next element whole.
func nextNode(d *xml.Decoder) (node, error) {
	start, err := nextStart(d)
	if err != nil {
		return node{}, err
	}
	var n node
	err = d.DecodeElement(&n, &start)
	return n, err
}
