package terminal

import (
	"sort"
	"strings"
	"unicode"
)

// wide lists, first and last, the runes that take two columns of a terminal: those of
// East Asian writing and most emoji (Unicode Standard Annex 11, W and F). It is as fine
// as a column of names needs: a symbol that is not on it shifts its own line by one.
var wide = [...][2]rune{
	{0x1100, 0x115f}, {0x231a, 0x231b}, {0x23e9, 0x23ec}, {0x25fd, 0x25fe}, {0x2614, 0x2615}, {0x2648, 0x2653},
	{0x26aa, 0x26ab}, {0x26bd, 0x26be}, {0x26c4, 0x26c5}, {0x2705, 0x2705}, {0x270a, 0x270b}, {0x2728, 0x2728},
	{0x274c, 0x274c}, {0x2753, 0x2757}, {0x2795, 0x2797}, {0x2b1b, 0x2b1c}, {0x2b50, 0x2b50}, {0x2e80, 0x303e},
	{0x3041, 0x3247}, {0x3250, 0x4dbf}, {0x4e00, 0xa4cf}, {0xa960, 0xa97f}, {0xac00, 0xd7a3}, {0xf900, 0xfaff},
	{0xfe10, 0xfe19}, {0xfe30, 0xfe6f}, {0xff01, 0xff60}, {0xffe0, 0xffe6}, {0x16fe0, 0x18dff}, {0x1aff0, 0x1b2ff},
	{0x1f18e, 0x1f19a}, {0x1f200, 0x1f320}, {0x1f32d, 0x1f393}, {0x1f3a0, 0x1f3ca}, {0x1f3e0, 0x1f4fc},
	{0x1f4ff, 0x1f53d}, {0x1f5fb, 0x1f64f}, {0x1f680, 0x1f6c5}, {0x1f6d0, 0x1f6df}, {0x1f6eb, 0x1f6fc},
	{0x1f7e0, 0x1f7f0}, {0x1f90c, 0x1f9ff}, {0x1fa70, 0x1faff}, {0x20000, 0x3fffd},
}

// Width is how many columns of a terminal a printable text takes.
func Width(s string) (columns int) {
	for _, r := range s {
		columns += runeWidth(r)
	}
	return columns
}

func runeWidth(r rune) int {
	if r < 0x300 {
		return 1
	}
	k := sort.Search(len(wide), func(k int) bool { return r <= wide[k][1] })
	switch {
	case k < len(wide) && r >= wide[k][0]:
		return 2
	case unicode.Is(unicode.Mn, r), unicode.Is(unicode.Me, r), r >= 0x1160 && r <= 0x11ff: // stand on or in the rune before
		return 0
	}
	return 1
}

// Cut is the beginning of a printable text that takes at most so many columns, and is
// whole or ends with three points.
func Cut(s string, columns int) string {
	const points = "..."
	if Width(s) <= columns {
		return s
	}
	room := columns - len(points)
	for at, r := range s {
		if room -= runeWidth(r); room < 0 {
			return s[:at] + points[:min(len(points), max(0, columns))]
		}
	}
	return s
}

// Row is a line of columns. A text that is wider than its column moves the next one to
// the right, and the one after that stands where it should again if there is room.
type Row struct {
	line  strings.Builder
	width int
}

// Put adds a printable text in the column that begins after start columns, or a blank
// after what stands there already.
func (r *Row) Put(start int, text string) {
	if text == "" {
		return
	}
	gap := start - r.width
	if r.width > 0 {
		gap = max(1, gap)
	}
	r.line.WriteString(strings.Repeat(" ", max(0, gap)))
	r.line.WriteString(text)
	r.width += max(0, gap) + Width(text)
}

// Width is how many columns the line takes as yet.
func (r *Row) Width() int { return r.width }

func (r *Row) String() string { return r.line.String() }
