package stanza

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// charData reads character data up to and with the next '<' (XML 1.0 section 2.4).
func (r *Reader) charData() {
	brackets := 0 // how many ']' in a row: "]]>" may not stand in text
	for r.err == nil {
		if r.plain() {
			brackets = 0
		}
		b := r.next()
		switch {
		case r.err != nil:
		case b == '<':
			return
		case b == ']':
			brackets++
			r.keep(']')
			continue
		case b == '>' && brackets >= 2:
			r.refuse("not-well-formed", "]]> in text")
		case b == '&':
			r.keep(r.reference())
		case b == '\r':
			r.newline()
		default:
			r.keep(r.rune(b))
		}
		brackets = 0
	}
}

// plain takes at once what needs no second look: most of what people write.
func (r *Reader) plain() bool {
	if !r.fill() {
		return false
	}
	i := r.pos
	for i < r.end && plainText(r.buf[i]) {
		i++
	}
	run := r.buf[r.pos:i]
	r.pos = i
	r.spend(len(run))
	if r.over == "" {
		r.scratch = append(r.scratch, run...)
	}
	return len(run) > 0
}

func plainText(b byte) bool {
	return b >= ' ' && b < utf8.RuneSelf && b != '<' && b != '&' && b != ']' && b != '>' || b == '\n' || b == '\t'
}

// cdataSection reads up to and with "]]>" (XML 1.0 section 2.7).
func (r *Reader) cdataSection() {
	brackets := 0
	for r.err == nil {
		b := r.next()
		if b == ']' {
			brackets++
			continue
		}
		closing := b == '>' && brackets >= 2
		if closing {
			brackets -= 2
		}
		for ; brackets > 0; brackets-- {
			r.keep(']')
		}
		switch {
		case r.err != nil || closing:
			return
		case b == '\r':
			r.newline()
		default:
			r.keep(r.rune(b))
		}
	}
}

// newline reads what follows a carriage return: line ends become one line feed
// (XML 1.0 section 2.11).
func (r *Reader) newline() {
	if r.peek() == '\n' {
		r.next()
	}
	r.keep('\n')
}

// reference reads what follows an ampersand: one of the five entities of XML or a
// character reference (XML 1.0 section 4.1).
func (r *Reader) reference() rune {
	var name [12]byte // longest: &#x0010FFFF;
	n := 0
	for {
		b := r.next()
		if b == ';' || r.err != nil {
			break
		}
		if n == len(name) || !refChar(b) {
			r.fail("not-well-formed", "a reference without end")
			return 0
		}
		name[n] = b
		n++
	}
	if r.err != nil {
		return 0
	}
	return r.resolve(string(name[:n]))
}

func refChar(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b == '#'
}

func (r *Reader) resolve(name string) rune {
	switch name {
	case "lt":
		return '<'
	case "gt":
		return '>'
	case "amp":
		return '&'
	case "apos":
		return '\''
	case "quot":
		return '"'
	}
	digits, numeric := strings.CutPrefix(name, "#")
	if name != "" && !numeric {
		r.refuse("restricted-xml", "an entity that XML does not define")
		return 0
	}
	base := 10
	if hex, ok := strings.CutPrefix(digits, "x"); ok {
		digits, base = hex, 16
	}
	code, err := strconv.ParseUint(digits, base, 32)
	if err != nil || code > utf8.MaxRune || !isChar(rune(code)) {
		r.refuse("not-well-formed", "a reference to no character of XML")
		return 0
	}
	return rune(code)
}
