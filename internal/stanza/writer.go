package stanza

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// AppendHeader appends an XML declaration and the opening tag of a stream of
// content namespace c. Empty fields are left out.
func AppendHeader(dst []byte, c Content, h Header) []byte {
	dst = append(dst, "<?xml version='1.0'?><stream:stream xmlns='"...)
	dst = append(dst, c...)
	dst = append(dst, "' xmlns:stream='"+NSStream+"'"...)
	for _, a := range [...]struct{ name, value string }{
		{"from", h.From}, {"to", h.To}, {"id", h.ID}, {"version", h.Version}, {"xml:lang", h.Lang},
	} {
		if a.value != "" {
			dst = appendAttr(dst, a.name, a.value)
		}
	}
	return append(dst, '>')
}

// AppendClose appends the closing tag of a stream.
func AppendClose(dst []byte) []byte { return append(dst, "</stream:stream>"...) }

// Append appends a stanza as it is written on a stream of content namespace c: the
// same octets as of its Element, without the detour.
func Append(dst []byte, c Content, s Stanza) []byte {
	dst = append(dst, '<')
	dst = append(dst, s.Kind...)
	for _, a := range [...]struct{ name, value string }{
		{"from", s.From}, {"to", s.To}, {"type", s.Type}, {"id", s.ID}, {"xml:lang", s.Lang},
	} {
		if a.value != "" {
			dst = appendAttr(dst, a.name, a.value)
		}
	}
	if len(s.Payload) == 0 {
		return append(dst, "/>"...)
	}
	dst = append(dst, '>')
	for _, e := range s.Payload {
		dst = appendElement(dst, string(c), string(c), e)
	}
	dst = append(dst, "</"...)
	dst = append(dst, s.Kind...)
	return append(dst, '>')
}

// AppendElement appends a top-level element of a stream of content namespace c.
// Elements of the stream namespace get the prefix that [AppendHeader] declares;
// every other namespace is declared where it begins. Characters that XML does not
// allow are dropped and malformed UTF-8 becomes U+FFFD, so the output is
// well-formed whatever texts and attribute values the tree holds.
func AppendElement(dst []byte, c Content, e *Element) []byte {
	return appendElement(dst, string(c), string(c), e)
}

// appendElement writes e where inherited is the default namespace in force.
func appendElement(dst []byte, content, inherited string, e *Element) []byte {
	tag, space := e.Name.Local, uri(content, e.Name.Space)
	switch space {
	case NSStream:
		tag, space = "stream:"+tag, inherited
	case NSXML: // may not be declared as default (Namespaces in XML 1.0 section 3)
		tag, space = "xml:"+tag, inherited
	}
	dst = append(dst, '<')
	dst = append(dst, tag...)
	if space != inherited {
		dst = appendAttr(dst, "xmlns", space)
	}
	dst = appendAttrs(dst, e.Attrs)
	if len(e.Nodes) == 0 {
		return append(dst, "/>"...)
	}
	dst = append(dst, '>')
	for _, n := range e.Nodes {
		if n.Element != nil {
			dst = appendElement(dst, content, space, n.Element)
		} else {
			dst = appendText(dst, n.Text)
		}
	}
	dst = append(dst, "</"...)
	dst = append(dst, tag...)
	return append(dst, '>')
}

func uri(content, space string) string {
	switch space {
	case "":
		return content
	case NoNamespace:
		return ""
	}
	return space
}

// appendAttrs writes attributes; a namespace other than xml's gets a prefix of its
// own, declared on the spot.
func appendAttrs(dst []byte, attrs []Attr) []byte {
	for i, a := range attrs {
		switch a.Name.Space {
		case "":
			dst = appendAttr(dst, a.Name.Local, a.Value)
		case NSXML:
			dst = appendAttr(dst, "xml:"+a.Name.Local, a.Value)
		default:
			prefix := "a" + strconv.Itoa(i)
			dst = appendAttr(dst, "xmlns:"+prefix, a.Name.Space)
			dst = appendAttr(dst, prefix+":"+a.Name.Local, a.Value)
		}
	}
	return dst
}

func appendAttr(dst []byte, name, value string) []byte {
	dst = append(dst, ' ')
	dst = append(dst, name...)
	dst = append(dst, "='"...)
	dst = escape(dst, value, attrEscapes)
	return append(dst, '\'')
}

func appendText(dst []byte, text string) []byte { return escape(dst, text, textEscapes) }

// attrEscapes also keeps white space from being normalised away by the reader
// (XML 1.0 section 3.3.3).
func attrEscapes(b byte) string {
	switch b {
	case '\'':
		return "&apos;"
	case '"':
		return "&quot;"
	case '\t':
		return "&#9;"
	case '\n':
		return "&#10;"
	}
	return textEscapes(b)
}

func textEscapes(b byte) string {
	switch b {
	case '&':
		return "&amp;"
	case '<':
		return "&lt;"
	case '>':
		return "&gt;"
	case '\r':
		return "&#13;"
	}
	return ""
}

// escape appends s with the escapes of its place, dropping what XML forbids.
func escape(dst []byte, s string, escapes func(byte) string) []byte {
	for i := 0; i < len(s); {
		if b := s[i]; b < utf8.RuneSelf {
			i++
			if e := escapes(b); e != "" {
				dst = append(dst, e...)
			} else if isChar(rune(b)) {
				dst = append(dst, b)
			}
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		i += size
		if isChar(r) {
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst
}

// Clean returns s as [Append] would let it through: without the characters that
// XML forbids, malformed UTF-8 replaced by U+FFFD.
func Clean(s string) string {
	return strings.Map(func(r rune) rune { // a malformed octet comes as U+FFFD
		if isChar(r) {
			return r
		}
		return -1
	}, s)
}
