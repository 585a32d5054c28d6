package address

import (
	"errors"
	"strings"
	"testing"
)

func TestTranslate(t *testing.T) {
	m := mustMap(t, "lan.example.org", "office")
	for _, c := range []struct {
		input         string
		as            Reading
		instance, jid string
		rule          Rule
		upstream      bool
		err           error
	}{
		{"juliet@pronto", Guess, "juliet@pronto", `juliet\40pronto@lan.example.org`, Plain, true, nil},
		{"juliet@pronto", AsJID, `juliet\40pronto@office`, "juliet@pronto", Plain, false, nil},
		{"alice@example.com", Guess, `alice\40example.com@office`, "alice@example.com", Plain, false, nil},
		{"alice@example.com", AsInstance, "alice@example.com", `alice\40example.com@lan.example.org`, Plain, true, nil},
		{"a.b/c@pronto", Guess, "a.b@office", "a.b", Plain, false, nil},
		{`juliet\40pronto@lan.example.org`, Guess, "juliet@pronto", `juliet\40pronto@lan.example.org`, Plain, false, nil},
		{`x~0123456789@lan.example.org`, Guess, "", `x~0123456789@lan.example.org`, Fallback, false, ErrOneWay},
		{`\20x@lan.example.org`, Guess, "", `\20x@lan.example.org`, "", false, ErrNobody},
	} {
		t.Run("MAPJ-10 MAPJ-12 "+c.input, func(t *testing.T) {
			got, err := m.Translate(c.input, c.as)
			want := Translation{c.input, c.instance, c.jid, c.rule, c.upstream}
			if got != want || !errors.Is(err, c.err) {
				t.Errorf("%+v %v, want %+v %v", got, err, want, c.err)
			}
		})
	}
	single := mustMap(t, "lan", "office")
	t.Run("MAPJ-10 a component domain of one label", func(t *testing.T) {
		if got, err := single.Translate(`juliet\40pronto@lan`, Guess); err != nil || got.Instance != "juliet@pronto" {
			t.Errorf("%+v %v", got, err)
		}
	})
	for _, bad := range []string{"", strings.Repeat("x", MaxInstance+1), "lan.example.org", "a b@lan.example.org"} {
		if got, err := m.Translate(bad, Guess); err == nil {
			t.Errorf("%q became %+v", bad, got)
		}
	}
}

func TestColleague(t *testing.T) {
	m := mustMap(t, "lan.example.org", "office")
	for instance, want := range map[string]string{
		`alice\40example.com@office`:         "alice@example.com",
		`ALICE\40example.com@OFFICE`:         "alice@example.com",
		`o\27hara\40example.com@office`:      `o\27hara@example.com`,
		"conference.example.com@office":      "", // nobody, or a peer
		`alice\40example.com@pronto`:         "",
		`alice\40example.com-1@office`:       "alice@example.com-1",
		`a\40b\40c@office`:                   `a\40b@c`,
		"juliet@office":                      "",
		`x~0123456789\40example.com@office`:  "x~0123456789@example.com",
		`alice\40x~0123456789@office`:        "",
		`\40example.com@office`:              "",
		`alice\40` + "\u202eexample@office":  "",
		`straße\40example.com@office`:        "straße@example.com",
		`alice\40bad domain.example@office`:  "",
		`alice\40example.com@office@nowhere`: "",
	} {
		t.Run("MAPJ-12 "+instance, func(t *testing.T) {
			got, ok := m.Colleague(instance)
			if ok != (want != "") || ok && got != want {
				t.Errorf("%q %v, want %q", got, ok, want)
			}
		})
	}
}
