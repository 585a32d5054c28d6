package xep0106

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestEscapeVectors(t *testing.T) {
	for _, v := range []struct{ source, escaped string }{
		{`space cadet`, `space\20cadet`},
		{`call me "ishmael"`, `call\20me\20\22ishmael\22`},
		{`at&t guy`, `at\26t\20guy`},
		{`d'artagnan`, `d\27artagnan`},
		{`/.fanboy`, `\2f.fanboy`},
		{`::foo::`, `\3a\3afoo\3a\3a`},
		{`<foo>`, `\3cfoo\3e`},
		{`user@host`, `user\40host`},
		{`c:\net`, `c\3a\net`},
		{`c:\\net`, `c\3a\\net`},
		{`c:\cool stuff`, `c\3a\cool\20stuff`},
		{`\2plus\2is\4`, `\2plus\2is\4`},
		{`foo\bar`, `foo\bar`},
		{`foob\41r`, `foob\41r`},
		{`here's_a_wild_&_/cr%zy/_address`, `here\27s_a_wild_\26_\2fcr%zy\2f_address`},
		{`here's_a_wild_&_/cr%zy/_address_for:<wv>("IMPS")`, `here\27s_a_wild_\26_\2fcr%zy\2f_address_for\3a\3cwv\3e(\22IMPS\22)`},
		{`\5c`, `\5c5c`},
		{`\5c5c`, `\5c5c5c`},
		{`\20`, `\5c20`},
		{`a\`, `a\`},
		{`a\2`, `a\2`},
		{`\2F`, `\2F`},
		{`\5C`, `\5C`},
	} {
		t.Run("MAPJ-1 MAPJ-2 V-4b "+v.source, func(t *testing.T) {
			if got := Escape(v.source); got != v.escaped {
				t.Errorf("Escape = %q, want %q", got, v.escaped)
			}
			if got := Unescape(v.escaped); got != v.source {
				t.Errorf("Unescape = %q, want %q", got, v.source)
			}
		})
	}
}

func TestNeverUnescaped(t *testing.T) {
	for _, s := range []string{`\2plus`, `\2F`, `\5C`, `\41`, `\bar`, `a\`, `a\2`} {
		t.Run("MAPJ-3 V-4b "+s, func(t *testing.T) {
			if got := Unescape(s); got != s {
				t.Errorf("Unescape = %q, want it unchanged", got)
			}
		})
	}
}

func TestEscapeProperties(t *testing.T) {
	t.Run("MAPJ-2 MAPJ-3 round trip, nothing raw left", rapid.MakeCheck(func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.StringOf(rapid.SampledFrom([]rune("\\ \"&'/:<>@234560acef")))).Draw(t, "s")
		escaped := Escape(s)
		if Unescape(escaped) != s {
			t.Fatalf("%q became %q became %q", s, escaped, Unescape(escaped))
		}
		if strings.ContainsAny(escaped, ` "&'/:<>@`) {
			t.Fatalf("%q has a character that needs escaping", escaped)
		}
	}))
}
