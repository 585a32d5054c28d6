package terminal

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestPrintable(t *testing.T) {
	raw := regexp.MustCompile(`[\x00-\x1f\x7f-\x9f\x{200b}-\x{200f}\x{202a}-\x{202e}\x{2060}-\x{2069}\x{feff}]`)
	t.Run("O2 nothing that moves a cursor or turns the writing", rapid.MakeCheck(func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })).Draw(t, "s")
		if got := Printable(s); raw.MatchString(got) {
			t.Fatalf("%q became %q", s, got)
		}
		var line bytes.Buffer
		if err := WriteJSON(&line, s); err != nil || raw.MatchString(strings.TrimSuffix(line.String(), "\n")) {
			t.Fatalf("%q became %q, %v", s, line.String(), err)
		}
		var back string
		if err := json.Unmarshal(line.Bytes(), &back); err != nil || utf8.ValidString(s) && back != s {
			t.Fatalf("%q came back as %q, %v", s, back, err)
		}
	}))
	for s, want := range map[string]string{
		`alice\40example.com@office`: `alice\40example.com@office`, "a\tb": `a\tb`, "\xff": `\xff`, "\u202ex": `\u202ex`, "é 漢": "é 漢",
		"\x1b[2J": `\x1b[2J`, "\U000e0041": `\U000e0041`,
	} {
		if got := Printable(s); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
}
