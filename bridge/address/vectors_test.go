package address

import (
	"strings"
	"testing"
	"unicode/utf8"

	"meshbridge/internal/xep0106"
)

// The worked values of both mappings, row by row.

func TestProxyLocalVectors(t *testing.T) {
	for _, v := range []struct {
		instance, local string
		rule            Rule
		octets          int
		unescaped       string
	}{
		{"juliet@pronto", `juliet\40pronto`, Plain, 15, "juliet@pronto"},
		{"Juliet@Pronto", `juliet\40pronto`, Plain, 15, "juliet@pronto"},
		{"john smith@front desk", `john\20smith\40front\20desk`, Plain, 27, "john smith@front desk"},
		{"John Smith@pronto", `john\20smith\40pronto`, Plain, 21, "john smith@pronto"},
		{"jürgen@pronto", `jürgen\40pronto`, Plain, 16, "jürgen@pronto"},
		{"Jürgen@pronto", `jürgen\40pronto`, Plain, 16, "jürgen@pronto"},
		{"JÜRGEN@pronto", `jürgen\40pronto~541dfdfd01`, Fallback, 27, "jürgen@pronto~541dfdfd01"},
		{"x~063137051a", `x~063137051a~eec50631c4`, Fallback, 23, "x~063137051a~eec50631c4"},
		{"ß@pronto", `_\40pronto~e65745818f`, Fallback, 21, "_@pronto~e65745818f"},
		{"ﬁ@pronto", `_\40pronto~3be88f0726`, Fallback, 21, "_@pronto~3be88f0726"},
		{"ju\u0308rgen@pronto", `jürgen\40pronto~752fcaafe7`, Fallback, 27, "jürgen@pronto~752fcaafe7"},
		{"σίσυφοσ@pronto", `σίσυφοσ\40pronto`, Plain, 23, "σίσυφοσ@pronto"},
		{"straße@pronto", `stra_e\40pronto~8c491f4c80`, Fallback, 26, "stra_e@pronto~8c491f4c80"},
		{"strasse@pronto", `strasse\40pronto`, Plain, 16, "strasse@pronto"},
		{"a.b@pronto", `a.b\40pronto`, Plain, 12, "a.b@pronto"},
		{"pronto", `pronto`, Plain, 6, "pronto"},
		{" bob@pronto", `_bob\40pronto~063137051a`, Fallback, 24, "_bob@pronto~063137051a"},
		{"bob @pronto", `bob\20\40pronto`, Plain, 15, "bob @pronto"},
		{"bob@pronto ", `bob\40pronto_~a554fe8afa`, Fallback, 24, "bob@pronto_~a554fe8afa"},
		{"king♚@pronto", `king_\40pronto~4ef750423b`, Fallback, 25, "king_@pronto~4ef750423b"},
		{"héllo😀@pronto", `héllo_\40pronto~6cee5bef6d`, Fallback, 27, "héllo_@pronto~6cee5bef6d"},
		{"Henry Ⅳ@pronto", `henry__\40pronto~0f876ba973`, Fallback, 27, "henry__@pronto~0f876ba973"},
		{"ＦＵＬＬ@pronto", `____\40pronto~1cc64cd3c3`, Fallback, 24, "____@pronto~1cc64cd3c3"},
		{"user\u00a0x@pronto", `user_x\40pronto~5a40d1da9a`, Fallback, 26, "user_x@pronto~5a40d1da9a"},
		{"rtlא@pronto", `rtl_\40pronto~82552b4709`, Fallback, 24, "rtl_@pronto~82552b4709"},
		{"אבג@pronto", `___\40pronto~2ef77ef663`, Fallback, 23, "___@pronto~2ef77ef663"},
		{"50%@pronto", `50%\40pronto`, Plain, 12, "50%@pronto"},
		{"\"x\"@pronto", `\22x\22\40pronto`, Plain, 16, "\"x\"@pronto"},
		{"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"", `\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22\22`, Plain, 189, "\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\""},
		{"漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢", `漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢`, Plain, 63, "漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢"},
		{"juliet-1@pronto", `juliet-1\40pronto`, Plain, 17, "juliet-1@pronto"},
		{"juliet@pronto-1", `juliet\40pronto-1`, Plain, 17, "juliet@pronto-1"},
		{"a/b:c<d>e&f@pronto", `a\2fb\3ac\3cd\3ee\26f\40pronto`, Plain, 30, "a/b:c<d>e&f@pronto"},
		{"tab\tx@pronto", `tab_x\40pronto~55b41c9cfb`, Fallback, 25, "tab_x@pronto~55b41c9cfb"},
		{"@pronto", `\40pronto`, Plain, 9, "@pronto"},
		{"juliet@", `juliet\40`, Plain, 9, "juliet@"},
	} {
		t.Run("MAPJ-5 MAPJ-7 V-4c "+v.instance, func(t *testing.T) {
			local, rule := ProxyLocal(v.instance)
			if local != v.local || rule != v.rule {
				t.Errorf("ProxyLocal = %q %s, want %q %s", local, rule, v.local, v.rule)
			}
			if len(local) != v.octets {
				t.Errorf("%d octets, want %d", len(local), v.octets)
			}
			if got := xep0106.Unescape(local); got != v.unescaped {
				t.Errorf("Unescape = %q, want %q", got, v.unescaped)
			}
		})
	}
}

func TestInstanceVectors(t *testing.T) {
	m := mustMap(t, "lan.example.org", "bridge")
	for _, v := range []struct {
		bare, instance string
		octets         int
		rule           Rule
	}{
		{`romeo@montague.lit`, `romeo\40montague.lit@bridge`, 27, Plain},
		{`o\27hara@example.com`, `o\27hara\40example.com@bridge`, 29, Plain},
		{`jürgen@münchen.example`, `jürgen\40münchen.example@bridge`, 33, Plain},
		{`漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢@example.com`, `漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢~477f908928@bridge`, 63, Fallback},
		{`conference.example.com`, `conference.example.com@bridge`, 29, Plain},
	} {
		t.Run("MAPJ-12 V-4d "+v.bare, func(t *testing.T) {
			instance, rule := m.Instance(mustParse(t, v.bare))
			if instance != v.instance || rule != v.rule {
				t.Errorf("Instance = %q %s, want %q %s", instance, rule, v.instance, v.rule)
			}
			if len(instance) != v.octets || !utf8.ValidString(instance) {
				t.Errorf("%d octets, want %d of valid UTF-8", len(instance), v.octets)
			}
			if !strings.HasSuffix(instance, "@"+m.Machine()) {
				t.Errorf("%q does not end in the machine name", instance)
			}
		})
	}
}
