package stanza

import "unicode/utf8"

// isChar reports whether XML 1.0 section 2.2 allows r in a document.
func isChar(r rune) bool {
	switch {
	case r == '\t' || r == '\n' || r == '\r':
		return true
	case r < 0x20 || r == 0xFFFE || r == 0xFFFF:
		return false
	case r >= 0xD800 && r <= 0xDFFF:
		return false
	}
	return r <= utf8.MaxRune
}

func isSpace(b byte) bool { return b == ' ' || b == '\t' || b == '\n' || b == '\r' }

// isNameStart reports whether r may begin an NCName: NameStartChar of XML 1.0
// section 2.3 without the colon.
func isNameStart(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r == '_':
		return true
	case r < 0xC0:
		return false
	}
	return within(r, nameStart[:])
}

// isNameChar reports whether r may stand inside an NCName.
func isNameChar(r rune) bool {
	switch {
	case isNameStart(r), r >= '0' && r <= '9', r == '-', r == '.', r == 0xB7:
		return true
	}
	return r >= 0x0300 && r <= 0x036F || r == 0x203F || r == 0x2040
}

// nameStart lists the ranges of NameStartChar beyond ASCII.
var nameStart = [...][2]rune{
	{0xC0, 0xD6}, {0xD8, 0xF6}, {0xF8, 0x2FF}, {0x370, 0x37D}, {0x37F, 0x1FFF},
	{0x200C, 0x200D}, {0x2070, 0x218F}, {0x2C00, 0x2FEF}, {0x3001, 0xD7FF},
	{0xF900, 0xFDCF}, {0xFDF0, 0xFFFD}, {0x10000, 0xEFFFF},
}

func within(r rune, ranges [][2]rune) bool {
	for _, x := range ranges {
		if r >= x[0] && r <= x[1] {
			return true
		}
	}
	return false
}
