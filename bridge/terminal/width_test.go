package terminal

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestWidth(t *testing.T) {
	for s, want := range map[string]int{
		"": 0, "juliet": 6, "é": 1, "e\u0301": 1, "漢字": 4, "한국": 4, "ｊｕ": 4, "😀": 2, "Ж": 1, "\U00020000": 2, "ア": 2, "ｱ": 1, "ᄒ\u1161\u11ab": 2,
	} {
		if got := Width(s); got != want {
			t.Errorf("%q takes %d columns, want %d", s, got, want)
		}
	}
	for k := 1; k < len(wide); k++ {
		if wide[k][0] <= wide[k-1][1] || wide[k][0] > wide[k][1] {
			t.Errorf("the ranges are out of order at %x", wide[k])
		}
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		s       string
		columns int
		want    string
	}{
		{"juliet", 6, "juliet"}, {"juliet", 5, "ju..."}, {"漢字漢字", 8, "漢字漢字"}, {"漢字漢字", 7, "漢字..."}, {"漢字漢字", 6, "漢..."},
		{"juliet", 2, ".."}, {"juliet", -1, ""}, {"ae\u0301iou", 5, "ae\u0301iou"}, {"e\u0301aiou", 4, "e\u0301..."},
	} {
		if got := Cut(c.s, c.columns); got != c.want {
			t.Errorf("%q in %d columns is %q, want %q", c.s, c.columns, got, c.want)
		}
	}
	t.Run("O2 no rune is cut in two, and it fits", rapid.MakeCheck(func(t *rapid.T) {
		s, columns := Printable(rapid.String().Draw(t, "s")), rapid.IntRange(0, 40).Draw(t, "columns")
		if got := Cut(s, columns); !utf8.ValidString(got) || Width(got) > columns {
			t.Fatalf("%q", got)
		}
	}))
}

func TestRow(t *testing.T) {
	for want, parts := range map[string][]string{
		"+ a  bb    c": {"+", "a", "bb", "c"},
		"+ 漢 bb    c":  {"+", "漢", "bb", "c"},
		"+ aaaaaa b c": {"+", "aaaaaa", "b", "c"}, // b is late, c is not
		"+ a        c": {"+", "a", "", "c"},
		"  a":          {"", "a"},
	} {
		var r Row
		for k, p := range parts {
			r.Put([]int{0, 2, 5, 11}[k], p)
		}
		if r.String() != want || r.Width() != Width(want) {
			t.Errorf("%q is written as %q, %d wide", strings.Join(parts, "|"), r.String(), r.Width())
		}
	}
}
