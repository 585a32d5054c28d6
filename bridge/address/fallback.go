package address

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"meshbridge/internal/xep0106"
)

// Rule says how a name was translated.
type Rule string

const (
	// Plain: the name fits into the other world and can be read back.
	Plain Rule = "plain"
	// Fallback: a readable skeleton and a hash; only a table leads back.
	Fallback Rule = "fallback"
)

const (
	// hashDigits hex digits of SHA-256 end every fallback name.
	hashDigits = 10
	// tailLen is the length of "~" and the digits, in octets.
	tailLen = 1 + hashDigits
	// maxSkeleton bounds the readable part of a fallback local part, in octets:
	// what 63 octets of "@" grow to. The whole stays far below RFC 7622's 1023.
	maxSkeleton = 3 * MaxInstance
)

// LooksFallback reports whether name ends as every fallback name does: "~" and
// ten lower-case hex digits.
func LooksFallback(name string) bool {
	if len(name) < tailLen || name[len(name)-tailLen] != '~' {
		return false
	}
	for _, c := range []byte(name[len(name)-hashDigits:]) {
		if (c < '0' || '9' < c) && (c < 'a' || 'f' < c) {
			return false
		}
	}
	return true
}

// tail returns the end of the fallback name of original.
func tail(original string) string {
	sum := sha256.Sum256([]byte(original))
	return "~" + hex.EncodeToString(sum[:hashDigits/2])
}

// skeleton returns what can be read of an instance inside a local part: composed
// (NFC), in lower case, "@" escaped, and "_" for everything that is not allowed
// or not stable there.
func skeleton(instance string) string {
	var b strings.Builder
	for _, r := range norm.NFC.String(instance) {
		switch r = unicode.ToLower(r); {
		case r == '@':
			b.WriteString(xep0106.Code('@'))
		case allowed(r):
			b.WriteRune(r)
		default:
			b.WriteByte('_')
		}
	}
	return cut(b.String(), maxSkeleton)
}

// allowed reports whether r may stand in a skeleton as it is. A backslash may
// not: with what follows it could read as an escape sequence.
func allowed(r rune) bool {
	if r < utf8.RuneSelf {
		return ' ' < r && r < 0x7f && xep0106.Code(byte(r)) == ""
	}
	return oldStable(string(r)) && legal(string(r))
}

// asciiOnly replaces every character outside ASCII by "_".
func asciiOnly(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= utf8.RuneSelf {
			return '_'
		}
		return r
	}, s)
}

// cut shortens s to at most room octets, on a code point boundary and never
// inside an escape sequence (LL-3-17, MAPJ-12).
func cut(s string, room int) string {
	if room <= 0 {
		return ""
	}
	if len(s) <= room {
		return s
	}
	end := room
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	for i := max(0, end-xep0106.Len+1); i < end; i++ {
		if _, ok := xep0106.At(s, i); ok && i+xep0106.Len > end {
			return s[:i]
		}
	}
	return s[:end]
}
