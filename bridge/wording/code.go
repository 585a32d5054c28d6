package wording

import "strings"

// CodeLength is how many characters a code has, of 32 each: 40 bits.
const CodeLength = 8

// ShowCode writes a code as it is easiest to read and type: in two groups.
func ShowCode(code string) string { return code[:CodeLength/2] + "-" + code[CodeLength/2:] }

// ReadCode reads a code that somebody typed: in either case, with or without what
// stands between the groups. It reports false for what can be no code at all. The
// digits that look like letters are none of a code's (RFC 4648 section 6), and read
// as those.
func ReadCode(text string) (code string, ok bool) {
	if len(text) > maxRequest {
		return "", false
	}
	code = strings.Map(func(r rune) rune {
		switch {
		case 'A' <= r && r <= 'Z', '2' <= r && r <= '7':
			return r
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		case r == '0':
			return 'O'
		case r == '1':
			return 'I'
		case r == '8':
			return 'B'
		case strings.ContainsRune(" -–—.\"'“”\t\r\n", r):
			return -1
		}
		return '?'
	}, text)
	return code, len(code) == CodeLength && !strings.Contains(code, "?")
}
