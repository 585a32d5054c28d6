package translate

import (
	"cmp"
	"strings"
	"unicode"

	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
)

// maxDisplayName bounds a name shown upstream, in characters.
const maxDisplayName = 64

// DisplayName returns what to call a peer upstream: the nick of its record, else
// the given and family name, else the instance. The name is a claim for the eye
// only. Control characters and those that turn the direction of writing are taken
// out, so that it cannot pass for another name, and it is cut at 64 characters.
func DisplayName(p linklocal.Profile, instance string) string {
	return cmp.Or(Nickname(p), tameName(instance))
}

// Nickname returns the name that a peer's record claims, fit to be shown, or "".
func Nickname(p linklocal.Profile) string {
	return cmp.Or(tameName(p.Nick), tameName(p.First+" "+p.Last))
}

// Tame makes a stranger's words fit to be shown as a name.
func Tame(s string) string { return tameName(s) }

// tameName takes out of a stranger's text what could mislead the reader.
func tameName(s string) string { return tame(s, maxDisplayName) }

// tame makes one line of a stranger's text, of at most that many characters, without
// any that steer the display.
func tame(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, stanza.Clean(s))
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > limit {
		s = strings.TrimSpace(string(r[:limit]))
	}
	return s
}
