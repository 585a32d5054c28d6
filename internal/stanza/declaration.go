package stanza

import "strings"

// maxDeclaration bounds the XML declaration in bytes.
const maxDeclaration = 128

// encoding refuses what is UTF-16 or UTF-32 by its first octets (XML 1.0 appendix F).
// The byte order mark of UTF-8 is no mark in XMPP but a character (RFC 6120 section
// 11.6), which has no place before the header.
func (r *Reader) encoding() {
	switch r.peek() {
	case 0x00, 0xFE, 0xFF:
		if r.err == nil {
			r.fail("unsupported-encoding", "UTF-8 only")
		}
	case '<':
		if r.ahead("<\x00") {
			r.fail("unsupported-encoding", "UTF-8 only")
		}
	}
}

// declaration reads the XML declaration if the stream begins with one (XML 1.0
// section 2.8). XMPP is UTF-8 only (RFC 6120 section 11.6).
func (r *Reader) declaration() {
	if r.peek() != '<' {
		return
	}
	if !r.ahead("<?xml") {
		return
	}
	var b strings.Builder
	for !strings.HasSuffix(b.String(), "?>") && r.err == nil {
		c := r.next()
		if c >= 0x80 || b.Len() > maxDeclaration {
			r.fail("not-well-formed", "a malformed XML declaration")
		}
		b.WriteByte(c)
	}
	if r.err == nil {
		r.checkDeclaration(strings.TrimSuffix(strings.TrimPrefix(b.String(), "<?xml"), "?>"))
	}
}

// ahead reports whether the stream goes on with s, which is not taken. It is used at
// the beginning only, where the buffer is empty but for what has just come in.
func (r *Reader) ahead(s string) bool {
	for r.err == nil && r.end-r.pos < len(s) {
		have := r.end - r.pos
		if string(r.buf[r.pos:r.end]) != s[:have] {
			return false
		}
		n, err := r.src.Read(r.buf[r.end:])
		r.end += n
		if err != nil && n == 0 {
			return false // fill meets the error again
		}
	}
	return strings.HasPrefix(string(r.buf[r.pos:r.end]), s)
}

func (r *Reader) checkDeclaration(attrs string) {
	if attrs == "" || !isSpace(attrs[0]) {
		r.fail("not-well-formed", "a malformed XML declaration")
	}
	seen := ""
	for rest := strings.TrimSpace(attrs); rest != "" && r.err == nil; rest = strings.TrimSpace(rest) {
		name, value, after, ok := pseudoAttr(rest)
		rest = after
		switch {
		case !ok:
			r.fail("not-well-formed", "a malformed XML declaration")
		case seen == "" && name == "version":
			if value != "1.0" {
				r.fail("not-well-formed", "XML 1.0 only")
			}
		case seen == "version" && name == "encoding":
			if !strings.EqualFold(value, "UTF-8") {
				r.fail("unsupported-encoding", "UTF-8 only")
			}
		case (seen == "version" || seen == "encoding") && name == "standalone" && (value == "yes" || value == "no"):
		default:
			r.fail("not-well-formed", "a malformed XML declaration")
		}
		seen = name
	}
	if seen == "" {
		r.fail("not-well-formed", "a malformed XML declaration")
	}
}

// pseudoAttr splits name="value" off the front of s.
func pseudoAttr(s string) (name, value, rest string, ok bool) {
	name, s, ok = strings.Cut(s, "=")
	name, s = strings.TrimSpace(name), strings.TrimSpace(s)
	if !ok || s == "" || s[0] != '\'' && s[0] != '"' {
		return "", "", "", false
	}
	value, rest, ok = strings.Cut(s[1:], s[:1])
	if ok && rest != "" && !isSpace(rest[0]) {
		return "", "", "", false
	}
	return name, value, rest, ok
}
