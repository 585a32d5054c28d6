package xep0106

import "strings"

// Escape writes s so that it can stand in the local part of a JID: the ten
// characters that are not allowed there become a backslash and two lower-case
// hex digits. A backslash is escaped only where it would otherwise be taken for
// the start of such a sequence (XEP-0106 sections 3 and 4).
//
// A space at either end becomes `\20`, which XEP-0106 does not allow there;
// the caller keeps such names out.
func Escape(s string) string {
	var b strings.Builder
	done := 0
	for i := 0; i < len(s); i++ {
		code := Code(s[i])
		if code == "" {
			continue
		}
		if _, ambiguous := At(s, i); s[i] == '\\' && !ambiguous {
			continue
		}
		b.WriteString(s[done:i])
		b.WriteString(code)
		done = i + 1
	}
	if done == 0 {
		return s
	}
	b.WriteString(s[done:])
	return b.String()
}

// Unescape replaces the ten sequences of XEP-0106 section 3 by what they stand
// for and leaves everything else alone, other hex digits and upper-case ones
// included. The result is for people and for looking up an instance; it is never
// put on the wire as a JID (XEP-0106 section 4.1).
func Unescape(s string) string {
	var b strings.Builder
	done := 0
	for i := 0; i < len(s); i++ {
		c, ok := At(s, i)
		if !ok {
			continue
		}
		b.WriteString(s[done:i])
		b.WriteByte(c)
		i += Len - 1
		done = i + 1
	}
	if done == 0 {
		return s
	}
	b.WriteString(s[done:])
	return b.String()
}

// Len is the length of every escape sequence, in octets.
const Len = 3

// Code returns the sequence that stands for c, or "" when c needs none
// (table of XEP-0106 section 3).
func Code(c byte) string {
	switch c {
	case ' ':
		return `\20`
	case '"':
		return `\22`
	case '&':
		return `\26`
	case '\'':
		return `\27`
	case '/':
		return `\2f`
	case ':':
		return `\3a`
	case '<':
		return `\3c`
	case '>':
		return `\3e`
	case '@':
		return `\40`
	case '\\':
		return `\5c`
	}
	return ""
}

// At returns the character whose escape sequence starts at s[i].
func At(s string, i int) (byte, bool) {
	if s[i] != '\\' || len(s)-i < Len {
		return 0, false
	}
	switch s[i+1 : i+Len] {
	case "20":
		return ' ', true
	case "22":
		return '"', true
	case "26":
		return '&', true
	case "27":
		return '\'', true
	case "2f":
		return '/', true
	case "3a":
		return ':', true
	case "3c":
		return '<', true
	case "3e":
		return '>', true
	case "40":
		return '@', true
	case "5c":
		return '\\', true
	}
	return 0, false
}
