package address

import (
	"strings"
	"testing"

	"mellium.im/xmpp/jid"
)

func mustMap(t failer, domain, machine string) *Map {
	t.Helper()
	m, err := NewMap(domain, machine)
	if err != nil {
		t.Fatalf("NewMap: %v", err)
	}
	return m
}

func mustParse(t testing.TB, s string) jid.JID {
	t.Helper()
	j, err := Parse(s)
	if err != nil {
		t.Fatalf("Parse(%q): %v", s, err)
	}
	return j
}

func TestProxyLocal(t *testing.T) {
	check := func(rule, instance, local string, want Rule) {
		t.Run(rule+" "+instance, func(t *testing.T) {
			if got, r := ProxyLocal(instance); got != local || r != want {
				t.Errorf("ProxyLocal(%q) = %q %s, want %q %s", instance, got, r, local, want)
			}
		})
	}
	check("MAPJ-4", " bob@pronto", `_bob\40pronto~063137051a`, Fallback)
	check("MAPJ-6", "straße@pronto", `stra_e\40pronto~8c491f4c80`, Fallback)
	check("MAPJ-8", "אבג@pronto", `___\40pronto~2ef77ef663`, Fallback)
	check("MAPJ-9", "Juliet@Pronto", `juliet\40pronto`, Plain)
	check("MAPJ-9", "juliet@pronto", `juliet\40pronto`, Plain)
	check("MAPJ-9", "jürgen@pronto", `jürgen\40pronto`, Plain)
	check("MAPJ-9", "JÜRGEN@pronto", `jürgen\40pronto~541dfdfd01`, Fallback)
	check("MAPJ-11", "jan@home@pronto", `jan\40home\40pronto`, Plain)
	check("a renamed peer has another JID:", "juliet-1@pronto", `juliet-1\40pronto`, Plain)

	t.Run("a literal escape sequence stays one", func(t *testing.T) {
		local, rule := ProxyLocal(`a\40b@pronto`)
		if local != `a\5c40b\40pronto` || rule != Plain {
			t.Errorf("ProxyLocal = %q %s", local, rule)
		}
	})
	t.Run("odd octets are mapped, never refused", func(t *testing.T) {
		for _, s := range []string{"", "@", "\xff\xfe@pronto", "\x00", `\`, "~", strings.Repeat("@", 63),
			strings.Repeat("x", 5000), "l·@pronto", "\u200d@pronto", "\u0301@pronto"} {
			local, _ := ProxyLocal(s)
			if !legal(local) || !oldStable(local) {
				t.Errorf("ProxyLocal(%.20q) = %q, not a legal local part", s, local)
			}
		}
	})
}

func TestParseProxy(t *testing.T) {
	t.Run("MAPJ-10 any case leads to the same peer", func(t *testing.T) {
		for _, local := range []string{`juliet\40pronto`, `JULIET\40PRONTO`, `Juliet\40Pronto`} {
			p, ok := ParseProxy(local)
			want := Proxy{Local: `juliet\40pronto`, Rule: Plain, Instance: "juliet@pronto"}
			if !ok || p != want {
				t.Errorf("ParseProxy(%q) = %+v %v", local, p, ok)
			}
		}
	})
	t.Run("MAPJ-10 a fallback needs the table", func(t *testing.T) {
		p, ok := ParseProxy(`STRA_E\40pronto~8C491F4C80`)
		want := Proxy{Local: `stra_e\40pronto~8c491f4c80`, Rule: Fallback}
		if !ok || p != want {
			t.Errorf("ParseProxy = %+v %v, want %+v", p, ok, want)
		}
	})
	impossible := map[string]string{
		"empty":                   "",
		"an @":                    "juliet@pronto",
		"a space":                 "juliet pronto",
		"a symbol":                `king♚\40pronto`,
		"invalid UTF-8":           "a\xff",
		"a leading escaped space": `\20bob\40pronto`,
		"an escape for nothing":   `a\5cb`,
		"nodeprep would change":   `straße\40pronto`,
		"right to left":           `אבג\40pronto`,
		"longer than a label":     strings.Repeat("x", MaxInstance+1),
		"longer than a JID":       strings.Repeat("x", 100_000),
		"a control character":     "a\x01b",
	}
	for name, local := range impossible {
		t.Run("impossible: "+name, func(t *testing.T) {
			if p, ok := ParseProxy(local); ok {
				t.Errorf("ParseProxy(%q) = %+v, want none", local, p)
			}
		})
	}
	for _, local := range []string{"zzz", `juliet\40pronto`, `__\40pronto~0123456789`, `\40pronto`, `\2plus`} {
		t.Run("possible: "+local, func(t *testing.T) {
			if _, ok := ParseProxy(local); !ok {
				t.Error("want it legal though unknown")
			}
		})
	}
}

func TestSplitInstance(t *testing.T) {
	for _, v := range []struct{ instance, user, machine string }{
		{"juliet@pronto", "juliet", "pronto"},
		{"jan@home@pronto", "jan@home", "pronto"},
		{"pronto", "pronto", ""},
		{"@pronto", "", "pronto"},
		{"juliet@", "juliet", ""},
		{"", "", ""},
	} {
		t.Run("MAPJ-11 "+v.instance, func(t *testing.T) {
			if user, machine := SplitInstance(v.instance); user != v.user || machine != v.machine {
				t.Errorf("got %q, %q", user, machine)
			}
		})
	}
}

func TestSuffixed(t *testing.T) {
	wide := strings.Repeat("漢", 16) // 48 octets
	for _, v := range []struct {
		name, instance string
		n              int
		want           string
	}{
		{"LL-3-13 on the user part", "juliet@pronto", 1, "juliet-1@pronto"},
		{"LL-3-13 the second try replaces the first", "juliet@pronto", 2, "juliet-2@pronto"},
		{"LL-3-13 without a machine", "juliet", 1, "juliet-1"},
		{"the original name", "juliet@pronto", 0, "juliet@pronto"},
		{"LL-3-17 a full label is cut", strings.Repeat("a", 56) + "@pronto", 1, strings.Repeat("a", 54) + "-1@pronto"},
		{"LL-3-17 not inside a code point", "a" + wide + "@0123456789ab", 1, "a" + strings.Repeat("漢", 15) + "-1@0123456789ab"},
		{"LL-3-17 not inside an escape", strings.Repeat("a", 52) + `\40b@pronto`, 1, strings.Repeat("a", 52) + "-1@pronto"},
		{"LL-3-17 an escape that just fits", strings.Repeat("a", 51) + `\40bc@pronto`, 1, strings.Repeat("a", 51) + `\40-1@pronto`},
		{"LL-3-17 a hash is kept", strings.Repeat("a", 45) + "~0123456789@pronto", 12, strings.Repeat("a", 42) + "~0123456789-12@pronto"},
		{"LL-3-17 a name that is no JID is cut all the same", strings.Repeat("ü ", 18) + "ab@pronto", 1, strings.Repeat("ü ", 18) + "-1@pronto"},
		{"LL-3-17 no room beside the machine", "a@" + strings.Repeat("m", 61), 1, "a@" + strings.Repeat("m", 59) + "-1"},
	} {
		t.Run(v.name, func(t *testing.T) {
			got := Suffixed(v.instance, v.n)
			if got != v.want {
				t.Errorf("Suffixed = %q, want %q", got, v.want)
			}
			if len(got) > MaxInstance {
				t.Errorf("%d octets", len(got))
			}
		})
	}
	t.Run("LL-3-17 a cut keeps a legal JID legal", func(t *testing.T) {
		// A middle dot is legal only between two l (RFC 5892 appendix A.3).
		instance := strings.Repeat("a", 53) + "l·l@bridge"
		if _, err := Parse(instance); err != nil {
			t.Fatal(err)
		}
		got := Suffixed(instance, 1)
		if _, err := Parse(got); err != nil || len(got) > MaxInstance {
			t.Errorf("Suffixed = %q (%d octets): %v", got, len(got), err)
		}
	})
}

func TestInstance(t *testing.T) {
	m := mustMap(t, "lan.example.org", "bridge")
	check := func(name, bare, want string, rule Rule) {
		t.Run(name, func(t *testing.T) {
			got, r := m.Instance(mustParse(t, bare))
			if got != want || r != rule {
				t.Errorf("Instance(%q) = %q %s, want %q %s", bare, got, r, want, rule)
			}
		})
	}
	check("MAPJ-12 the resource is left out", "romeo@montague.lit/orchard", `romeo\40montague.lit@bridge`, Plain)
	check("MAPJ-12 the resource is left out of the hash", strings.Repeat("a", 50)+"@example.com/orchard",
		strings.Repeat("a", 45)+tail(strings.Repeat("a", 50)+"@example.com")+"@bridge", Fallback)
	check("MAPJ-12 the domain stays a U-label", "a@xn--mnchen-3ya.example", `a\40münchen.example@bridge`, Plain)
	check("MAPJ-12 a right-to-left name becomes a fallback", "אבג@example.com", `___\40example.com`+tail("אבג@example.com")+"@bridge", Fallback)
	check("MAPJ-12 an address literal", "a@[2001:DB8::1]", `a\40[2001\3adb8\3a\3a1]@bridge`, Plain)
	check("MAPJ-12 the cut is not inside an escape",
		strings.Repeat("a", 43)+"@example.com",
		strings.Repeat("a", 43)+tail(strings.Repeat("a", 43)+"@example.com")+"@bridge", Fallback)
}

func TestParse(t *testing.T) {
	t.Run("MAPJ-14 the slash is found before the at sign", func(t *testing.T) {
		j := mustParse(t, "a.example.com/b@example.net")
		if j.Localpart() != "" || j.Domainpart() != "a.example.com" || j.Resourcepart() != "b@example.net" {
			t.Errorf("got %q %q %q", j.Localpart(), j.Domainpart(), j.Resourcepart())
		}
	})
	for s, reason := range map[string]string{
		"": "domain", "a@": "domain", "@b": "localpart", "a@b/": "resourcepart", "a&b@c": "local part", "a\x00@b": "local part",
		"a@b\xff": "domain", "a@b/\x00": "resource", "a@b..c": "empty label", "a@.b": "empty label", "secret@xn--9999999": "domain",
		strings.Repeat("a", 4000): "longer",
	} {
		t.Run("refused for its "+reason, func(t *testing.T) {
			j, err := Parse(s)
			if err == nil || !strings.Contains(err.Error(), reason) {
				t.Errorf("Parse(%.20q) = %q, %v", s, j, err)
			}
			if err != nil && (len(err.Error()) > 100 || strings.Contains(err.Error(), "secret")) {
				t.Errorf("the error repeats the address: %v", err)
			}
		})
	}
}

func TestMap(t *testing.T) {
	m := mustMap(t, "LAN.example.org", "Office")
	t.Run("COMP-7 every proxy JID is bare and of the component domain", func(t *testing.T) {
		for _, instance := range []string{"juliet@pronto", "אבג@pronto", "", "a/b@c"} {
			j := m.ProxyJID(instance)
			if !m.Owns(j) || j.Localpart() == "" || j.Resourcepart() != "" {
				t.Errorf("ProxyJID(%q) = %q", instance, j)
			}
		}
		if m.Owns(mustParse(t, "a@example.org")) || !m.Owns(m.Component()) {
			t.Error("Owns takes the wrong domain")
		}
	})
	t.Run("the machine name is folded", func(t *testing.T) {
		if m.Machine() != "office" || m.Component().String() != "lan.example.org" {
			t.Errorf("got %q, %q", m.Machine(), m.Component())
		}
	})
	for _, machine := range []string{"", "r&d", "a<b", "a>b", `a"b`, "a b", "a.b", "a@b", "a_b", "-a", "[::1]", "127.0.0.1", strings.Repeat("m", MaxMachine+1)} {
		t.Run("LL-3-31 machine name refused: "+machine, func(t *testing.T) {
			if _, err := NewMap("lan.example.org", machine); err == nil || !strings.Contains(err.Error(), "such as office") {
				t.Errorf("NewMap = %v, want an error that says what to use", err)
			}
		})
	}
	for _, domain := range []string{"", "a@b", "b/c", "a b", "a..b"} {
		t.Run("domain refused: "+domain, func(t *testing.T) {
			if _, err := NewMap(domain, "office"); err == nil {
				t.Error("accepted")
			}
		})
	}
}
