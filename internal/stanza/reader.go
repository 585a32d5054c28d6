package stanza

import (
	"io"
	"slices"
)

// Limits bounds what one stream may make us hold in memory. A zero field means no
// limit of that kind, which is for tests only.
type Limits struct {
	Unbound int // bytes in all until Trust is called, header included
	Stanza  int // bytes of one stanza as it stands on the wire, and what its tree costs beside
	Depth   int // open elements of one stanza, itself included
	Attrs   int // attributes of one element, namespace declarations included

	// Claim is asked before a stanza takes more than ClaimStep bytes, and for each
	// further step, so that many streams can share what large stanzas take. When it
	// says no the stream ends with resource-constraint. May be nil.
	Claim func() bool

	// Skip makes the reader pass over a stanza that breaks a limit, or a rule behind
	// which the end of the stanza can still be found, and report it as *Skipped.
	// Otherwise it ends the stream.
	Skip bool
}

// ClaimStep is how many bytes of a stanza are free, and how many each [Limits.Claim]
// is for. Nearly all that people write has less.
const ClaimStep = 16 << 10

// MeshLimits are the limits for people on the LAN (RFC 6120 section 13.12). A chat
// line of 60 kB of "<" is 480 kB as libpurple writes it, once in each of two forms
// and escaped.
func MeshLimits() Limits {
	return Limits{Unbound: 16 << 10, Stanza: 1 << 20, Depth: 64, Attrs: 32}
}

// UpstreamLimits are the limits for what our own server routes to us: a stanza of
// some stranger that is over them must not end the one stream everybody shares.
func UpstreamLimits(maxStanza int) Limits {
	return Limits{Unbound: 16 << 10, Stanza: maxStanza, Depth: 64, Attrs: 32, Skip: true}
}

// Header is the opening tag of a stream (RFC 6120 section 4.7).
type Header struct{ From, To, ID, Version, Lang string }

// Reader reads one XML stream from the outside. It is strict where XMPP is
// (RFC 6120 section 11.1): no DTD, comment, processing instruction or undeclared
// entity; and where parsers are known to disagree: characters, names, namespaces,
// duplicate attributes. After an error other than *Skipped it reads no further.
//
// A Reader is for one goroutine.
type Reader struct {
	scanner
	content Content
	root    qname
	closed  bool // the header was an empty-element tag
	spaces  namespaces
	open    []openElement
}

type openElement struct {
	name    qname
	spaces  int // how many namespace bindings to go back to at its end
	element *Element
}

// NewReader returns a reader of one stream whose stanzas live in c.
func NewReader(r io.Reader, c Content, l Limits) *Reader {
	return &Reader{scanner: newScanner(r, l), content: c}
}

// Trust tells that the other side is known now: bound on the mesh, authenticated
// upstream. From here on each stanza has a budget of its own.
func (r *Reader) Trust() {
	r.trusted = true
	r.budget = unlimited(r.limits.Stanza)
}

// Header reads the XML declaration, if there is one, and the opening tag. It must
// be called once, before Next. Errors are as for Next.
func (r *Reader) Header() (Header, error) {
	r.encoding()
	r.declaration()
	for r.err == nil {
		if b := r.next(); b == '<' {
			break
		} else if !isSpace(b) {
			r.fail("not-well-formed", "text before the stream header")
		}
	}
	switch b := r.peek(); {
	case r.err != nil:
	case b == '!' || b == '?':
		r.fail("restricted-xml", "no DTD, comment or processing instruction")
	}
	tag := r.startTag()
	r.checkHeader(&tag)
	if r.err != nil {
		return Header{}, r.err
	}
	r.root, r.closed = tag.name, tag.empty
	e := Element{Attrs: tag.attrs}
	return Header{e.Attr("from"), e.Attr("to"), e.Attr("id"), e.Attr("version"), e.Lang()}, nil
}

func (r *Reader) checkHeader(tag *tag) {
	switch {
	case r.err != nil:
	case tag.name.local != "stream":
		r.fail("bad-format", "a stream header is expected first")
	case tag.space != NSStream:
		r.fail("invalid-namespace", "the stream namespace is "+NSStream)
	case r.spaces.lookup("") != string(r.content):
		r.fail("invalid-namespace", "the content namespace is "+string(r.content))
	}
}

// Next reads the next element directly under the stream: a stanza, a stream error,
// features. White space between them is passed over.
//
// It returns [ErrClosed] when the other side closed the stream, io.EOF when the
// connection ended between stanzas and io.ErrUnexpectedEOF inside one, a
// *[StreamError] for input that must be answered with one, a *[Skipped] under
// [Limits.Skip], and the connection's own error otherwise.
func (r *Reader) Next() (*Element, error) {
	if r.err == nil && r.closed {
		r.err = ErrClosed
	}
	r.over = ""
	if r.trusted {
		r.budget = unlimited(r.limits.Stanza)
		r.mark = r.budget - ClaimStep
	}
	r.untilTag()
	if r.err != nil {
		return nil, r.err
	}
	top := r.element()
	if r.err != nil {
		return nil, r.err
	}
	if r.over != "" {
		head, _ := Parse(top)
		head.Payload = nil
		return nil, &Skipped{head, r.over}
	}
	return top, nil
}

// untilTag reads past the white space between stanzas, up to and with the next '<'.
func (r *Reader) untilTag() {
	for r.err == nil {
		b := r.next()
		switch {
		case r.err == io.ErrUnexpectedEOF:
			r.err = io.EOF // nothing was cut: the connection ended between stanzas
		case r.err != nil:
		case b == '<':
			return
		case !isSpace(b):
			r.fail("bad-format", "text between stanzas")
		case r.trusted:
			r.budget++ // a keep-alive is no part of the next stanza
		}
	}
}

// element reads one whole top-level element whose '<' has been read.
func (r *Reader) element() (top *Element) {
	r.open = r.open[:0]
	for r.err == nil {
		switch b := r.peek(); {
		case r.err != nil:
		case b == '/':
			r.endTag()
		case b == '!':
			r.cdata()
		case b == '?':
			r.fail("restricted-xml", "no processing instruction")
		default:
			if e := r.startElement(); top == nil {
				top = e
			}
		}
		if r.depth == 0 {
			break
		}
		r.charData()
	}
	return top
}

// startElement reads an opening tag and hangs the element onto its parent.
func (r *Reader) startElement() *Element {
	r.hangText()
	mark := len(r.spaces)
	tag := r.startTag()
	r.depth++
	r.spend(elementCost + attrCost*len(tag.attrs))
	if r.limits.Depth > 0 && r.depth > r.limits.Depth {
		r.refuse("policy-violation", "elements nested too deeply")
	}
	if r.depth == 1 && tag.space == NSStream && tag.name.local == "stream" {
		r.fail("bad-format", "a stream inside the stream")
	}
	if r.err != nil {
		return nil
	}
	var e *Element
	if r.over == "" || r.depth == 1 {
		e = &Element{Name: r.expand(tag.space, tag.name.local), Attrs: tag.attrs}
		r.hang(Node{Element: e})
		r.open = append(r.open, openElement{tag.name, mark, e})
	}
	if tag.empty {
		r.closeElement()
	}
	return e
}

// What an element and an attribute cost in memory, in bytes beyond those on the
// wire. Without it a mebibyte of "<a/>" would become thirty of tree.
const (
	elementCost = 96
	attrCost    = 48
)

// closeElement leaves the innermost open element. Of a stanza that is skipped only
// the depth is known, and its top. What is left is cleared: behind the end of a slice it
// would live until another stanza comes, which may be never.
func (r *Reader) closeElement() {
	r.depth--
	if r.over == "" || r.depth == 0 {
		spaces := r.open[r.depth].spaces
		clear(r.spaces[spaces:])
		r.spaces = r.spaces[:spaces]
		clear(r.open[r.depth:])
		r.open = r.open[:r.depth]
	}
	if r.depth == 0 && cap(r.spaces) > maxSpaces {
		r.spaces = slices.Clone(r.spaces)
	}
}

// maxSpaces is for how many namespace bindings a stream keeps room between stanzas.
const maxSpaces = 64

// endTag reads a closing tag; the '<' has been read.
func (r *Reader) endTag() {
	r.hangText()
	r.next() // the slash
	name := r.qname()
	r.skipSpace()
	if r.next() != '>' {
		r.fail("not-well-formed", "closing tag without >")
	}
	switch {
	case r.err != nil:
	case r.depth == 0 && name == r.root:
		r.err = ErrClosed
	case r.depth == 0:
		r.fail("not-well-formed", "closing tag of an element that is not open")
	case r.over == "" && name != r.open[r.depth-1].name:
		r.fail("not-well-formed", "closing tag of another element")
	default:
		r.closeElement()
	}
}

// cdata reads a CDATA section. Any other declaration is refused.
func (r *Reader) cdata() {
	const begin = "![CDATA["
	for i := range len(begin) {
		if r.next() != begin[i] {
			r.fail("restricted-xml", "no DTD and no comment")
			return
		}
	}
	if r.depth == 0 {
		r.fail("bad-format", "text between stanzas")
		return
	}
	r.cdataSection()
}

// hangText hangs the character data read so far onto the innermost open element.
func (r *Reader) hangText() {
	if text := r.take(); text != "" {
		r.hang(Node{Text: text})
	}
}

func (r *Reader) hang(n Node) {
	if len(r.open) > 0 && r.over == "" {
		e := r.open[len(r.open)-1].element
		e.Nodes = append(e.Nodes, n)
	}
}

func (r *Reader) expand(space, local string) Name {
	switch space {
	case string(r.content):
		return Name{"", local}
	case "":
		return Name{NoNamespace, local}
	}
	return Name{space, local}
}
