package address

import "meshbridge/internal/xep0106"

// escapeLen is the length of every escape sequence, in octets.
const escapeLen = xep0106.Len

// Escape writes s so that it can stand in the local part of a JID (XEP-0106). A
// space at either end becomes `\20`, which is not allowed there; ProxyLocal keeps
// such names out.
func Escape(s string) string { return xep0106.Escape(s) }

// Unescape reads what Escape wrote, for people and for looking up an instance. It
// is never put on the wire as a JID (XEP-0106 section 4.1).
func Unescape(s string) string { return xep0106.Unescape(s) }

// escapeCode returns the sequence that stands for c, or "" when c needs none.
func escapeCode(c byte) string { return xep0106.Code(c) }

// escapedAt returns the character whose escape sequence starts at s[i].
func escapedAt(s string, i int) (byte, bool) { return xep0106.At(s, i) }
