package wording

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestRead(t *testing.T) {
	for _, c := range []struct {
		text string
		want Request
	}{
		{"help", Request{Verb: Help}},
		{"HELP!", Request{Verb: Help}},
		{"  Help me, please\n", Request{Verb: Help, Object: "me, please"}},
		{"?", Request{Verb: Help}},
		{"/help", Request{Verb: Help}},
		{`"help"`, Request{Verb: Help}},
		{"“Who”", Request{Verb: Who}},
		{"who is on?", Request{Verb: Who, Object: "is on"}},
		{"status?", Request{Verb: Status}},
		{"block Alice", Request{Verb: Block, Object: "Alice"}},
		{"Block   \"Alice  B.\"", Request{Verb: Block, Object: "Alice B"}},
		{"unblock <alice@example.org>", Request{Verb: Unblock, Object: "alice@example.org"}},
		{"link\talice@example.org.", Request{Verb: Link, Object: "alice@example.org"}},
		{"link", Request{Verb: Link}},
		{"unlink", Request{Verb: Unlink}},
		{"invite xmpp:bob@example.org?message", Request{Verb: Invite, Object: "xmpp:bob@example.org?message"}},
		{"h\u200belp", Request{Verb: Help}},
		{"hepl", Request{Meant: Help}},
		{"stauts", Request{Meant: Status}},
		{"good morning", Request{}},
		{"ok", Request{}},
		{"", Request{}},
		{"help" + strings.Repeat(" ", maxRequest), Request{}},
	} {
		if got := Read(c.text); got != c.want {
			t.Errorf("%.40q is read as %+v, want %+v", c.text, got, c.want)
		}
	}
}

func TestCode(t *testing.T) {
	for text, want := range map[string]string{
		"ABCDEFG7": "ABCDEFG7", "abcd-efg7": "ABCDEFG7", " abcd efg7 \n": "ABCDEFG7", "ABCD–EFG7.": "ABCDEFG7",
		"a0c1-efg8": "AOCIEFGB", // as they look
		"ABCDEFG":   "", "ABCDEFG77": "", "ABCD_EFG7": "", "": "", "unblock bob": "", "ÄBCDEFG": "", "9BCDEFG7": "",
	} {
		if got, ok := ReadCode(text); ok != (want != "") || ok && got != want {
			t.Errorf("%q is read as %q, %v; want %q", text, got, ok, want)
		}
	}
	if got := ShowCode("ABCDEFG7"); got != "ABCD-EFG7" {
		t.Errorf("shown as %q", got)
	}
}

func TestUntil(t *testing.T) {
	now := time.Date(2026, time.December, 7, 14, 0, 0, 0, time.Local) // a Monday
	for _, c := range []struct {
		wait time.Duration
		want string
	}{
		{10 * time.Minute, "until 14:10"},
		{9*time.Hour + 59*time.Minute, "until 23:59"},
		{10 * time.Hour, "until Tuesday 00:00"},
		{72 * time.Hour, "until Thursday 14:00"},
		{168 * time.Hour, "until Monday 14 December"}, // not today
	} {
		if got := Until(now, c.wait, true); got != c.want {
			t.Errorf("%v: %q, want %q", c.wait, got, c.want)
		}
	}
	t.Run("GW-24 without a clock there is no day", func(t *testing.T) {
		for wait, want := range map[time.Duration]string{
			168 * time.Hour: "for up to 7 days", 24 * time.Hour: "for up to 24 hours", 90 * time.Minute: "for up to 2 hours",
			10 * time.Minute: "for up to 10 minutes", time.Minute: "for up to 1 minute", time.Millisecond: "for up to 1 second",
		} {
			if got := Until(now, wait, false); got != want {
				t.Errorf("%v: %q, want %q", wait, got, want)
			}
		}
	})
}

func TestList(t *testing.T) {
	for want, items := range map[string][]string{
		"nobody": nil, "Alice": {"Alice"}, "Alice and Bob": {"Alice", "Bob"}, "a, b and c": {"a", "b", "c"},
	} {
		if got := List(items); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// FuzzRead holds that whatever somebody types is read as one clean line, and that what
// is read as a code is one.
func FuzzRead(f *testing.F) {
	for _, s := range []string{"help", "block \"Alice\"", "link alice@example.org", "abcd-efg7", "\xff\xfe", "who\u202e"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := Read(text)
		if strings.ContainsAny(r.Object, "\r\n\t\x00") || !utf8.ValidString(r.Object) || r.Verb != "" && r.Meant != "" {
			t.Errorf("%q is read as %+v", text, r)
		}
		if again := Read(string(r.Verb) + " " + r.Object); r.Verb != "" && again != r {
			t.Errorf("%q is read as %+v, and that as %+v", text, r, again)
		}
		code, ok := ReadCode(text)
		if !ok {
			return
		}
		if again, ok := ReadCode(ShowCode(code)); !ok || again != code {
			t.Errorf("%q is read as the code %q, and that as %q", text, code, again)
		}
	})
}
