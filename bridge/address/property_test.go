package address

import (
	"strings"
	"testing"
	"unicode/utf8"

	"mellium.im/xmpp/jid"
	"pgregory.net/rapid"

	"meshbridge/internal/xep0106"
)

// pieces make names that come near every rule: escapes, almost-escapes, hashes,
// both cases, decomposed and right-to-left letters, letters that only one of
// PRECIS and nodeprep changes, context-bound marks, octets that are no UTF-8.
func pieces() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{
		"a", "b", "Z", "0", "9", "f", "@", " ", `\`, `\20`, `\40`, `\5c`, `\2F`, "2", "5c", "~", "~0123456789",
		"\"", "&", "'", "/", ":", "<", ">", "%", "-", ".", "_", "ü", "Ü", "u\u0308", "ß", "ς", "σ", "ﬁ", "Ⅳ", "Ａ",
		"漢", "א", "ا", "١", "·", "l·l", "・", "\u200d", "\u0301", "İ", "ı", "K", "ꭰ", "Ꭰ", "😀", "\x00", "\x7f", "\u00a0", "\ufeff", "\xff", "\xc3",
	})
}

// instances yields labels of at most 63 octets.
func instances() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		var b strings.Builder
		for _, s := range rapid.SliceOfN(rapid.OneOf(pieces(), rapid.StringN(1, 1, 4)), 0, 30).Draw(t, "pieces") {
			if b.Len()+len(s) <= MaxInstance {
				b.WriteString(s)
			}
		}
		return b.String()
	})
}

// colleagues yields legal bare JIDs.
func colleagues() *rapid.Generator[jid.JID] {
	domains := rapid.OneOf(
		rapid.SampledFrom([]string{"example.com", "münchen.example", "אב.example", "a·b.example", "☃.net", "[2001:db8::1]", "192.0.2.1", strings.Repeat("d", 63) + ".example"}),
		rapid.StringMatching(`[a-z0-9]{1,12}(\.[a-zß漢]{1,9}){0,3}`),
	)
	join := func(s []string) string { return strings.Join(s, "") }
	locals := rapid.OneOf(rapid.Just(""), rapid.Map(rapid.SliceOfN(pieces(), 1, 30), func(s []string) string {
		// Stepping stones only: what is not allowed in a local part is escaped
		// or left out, so that most draws are legal.
		return strings.Trim(xep0106.Escape(join(s)), `\20`)
	}), rapid.StringMatching(`[a-z漢l·]{1,40}`))
	return rapid.Custom(func(t *rapid.T) jid.JID {
		domain := domains.Draw(t, "domain")
		j, err := jid.New(locals.Draw(t, "local"), domain, "")
		if err != nil {
			j, err = jid.New("romeo", domain, "")
		}
		if err != nil {
			return jid.MustParse("romeo@montague.lit")
		}
		return j
	})
}

func TestProxyLocalProperties(t *testing.T) {
	m := mustMap(t, "lan.example.org", "office")
	t.Run("MAPJ-5 MAPJ-6 MAPJ-7 legal, stable, read back", rapid.MakeCheck(func(t *rapid.T) {
		instance := instances().Draw(t, "instance")
		local, rule := ProxyLocal(instance)
		if len(local) < 1 || len(local) > 1023 || !legal(local) || !oldStable(local) {
			t.Fatalf("%q is not a legal and stable local part", local)
		}
		if strings.HasPrefix(local, `\20`) || strings.HasSuffix(local, `\20`) {
			t.Fatalf("%q has an escaped space at an end", local)
		}
		p, ok := ParseProxy(local)
		if !ok || p.Local != local || p.Rule != rule {
			t.Fatalf("ParseProxy(%q) = %+v %v, want rule %s", local, p, ok, rule)
		}
		if rule == Plain && (p.Instance != asciiLower(instance) || xep0106.Unescape(local) != p.Instance) {
			t.Fatalf("read back as %q", p.Instance)
		}
		if LooksFallback(local) != (rule == Fallback) {
			t.Fatalf("%q does not look %s", local, rule)
		}
		if j := m.ProxyJID(instance); !m.Owns(j) || j.Localpart() != local {
			t.Fatalf("ProxyJID = %q", j)
		}
	}))
	t.Run("MAPJ-7 MAPJ-9 one JID for one DNS name only", rapid.MakeCheck(func(t *rapid.T) {
		a := instances().Draw(t, "a")
		b := rapid.OneOf(instances(), rapid.Just(strings.ToUpper(a)), rapid.Just(strings.ToLower(a)), rapid.Just(xep0106.Unescape(a)),
			rapid.Just(xep0106.Escape(a)), rapid.Just(asciiOnly(a)), rapid.Just(skeleton(a)), rapid.Just(first(ProxyLocal(a)))).Draw(t, "b")
		if (first(ProxyLocal(a)) == first(ProxyLocal(b))) != (asciiLower(a) == asciiLower(b)) {
			t.Fatalf("%q and %q become %q and %q", a, b, first(ProxyLocal(a)), first(ProxyLocal(b)))
		}
	}))
}

func TestInstanceProperties(t *testing.T) {
	machine := rapid.SampledFrom([]string{"office", "o", "münchen", strings.Repeat("m", MaxMachine)})
	t.Run("MAPJ-12 LL-3-31 every legal bare JID has a name for the mesh", rapid.MakeCheck(func(t *rapid.T) {
		m := mustMap(t, "lan.example.org", machine.Draw(t, "machine"))
		bare := colleagues().Draw(t, "bare")
		instance, rule := m.Instance(bare)
		checkOwnInstance(t, instance)
		if user, at := SplitInstance(instance); at != m.Machine() || LooksFallback(user) != (rule == Fallback) {
			t.Fatalf("%q is not of machine %q or not %s", instance, m.Machine(), rule)
		}
	}))
	t.Run("LL-3-31 no two colleagues share one, not even apart from case", rapid.MakeCheck(func(t *rapid.T) {
		m := mustMap(t, "lan.example.org", machine.Draw(t, "machine"))
		a, b := colleagues().Draw(t, "a"), colleagues().Draw(t, "b")
		same := asciiLower(first(m.Instance(a))) == asciiLower(first(m.Instance(b)))
		if same != a.Equal(b) {
			t.Fatalf("%q and %q share %q", a, b, first(m.Instance(a)))
		}
	}))
	t.Run("LL-3-17 a suffixed name is a name of its own", rapid.MakeCheck(func(t *rapid.T) {
		m := mustMap(t, "lan.example.org", machine.Draw(t, "machine"))
		instance, _ := m.Instance(colleagues().Draw(t, "bare"))
		n := rapid.IntRange(1, 1<<30).Draw(t, "n")
		suffixed := Suffixed(instance, n)
		checkOwnInstance(t, suffixed)
		if suffixed == instance || Suffixed(instance, n) == Suffixed(instance, n+1) {
			t.Fatalf("%q suffixed gives %q", instance, suffixed)
		}
	}))
	t.Run("LL-3-17 any label can be suffixed", rapid.MakeCheck(func(t *rapid.T) {
		instance := instances().Draw(t, "instance")
		suffixed := Suffixed(instance, rapid.Int().Draw(t, "n"))
		if len(suffixed) > MaxInstance || utf8.ValidString(instance) && !utf8.ValidString(suffixed) {
			t.Fatalf("%q became %q, %d octets", instance, suffixed, len(suffixed))
		}
	}))
}

// failer is what *testing.T and *rapid.T have in common.
type failer interface {
	Helper()
	Fatalf(string, ...any)
}

// checkOwnInstance holds what every name that we publish must be.
func checkOwnInstance(t failer, instance string) {
	t.Helper()
	switch j, err := Parse(instance); {
	case len(instance) > MaxInstance || !utf8.ValidString(instance):
		t.Fatalf("%q is no label: %d octets", instance, len(instance))
	case strings.ContainsAny(instance, `&<>"`):
		t.Fatalf("%q has a character that clients write unescaped", instance)
	case asciiLower(instance) != instance:
		t.Fatalf("%q has capitals", instance)
	case err != nil || j.String() != instance:
		t.Fatalf("%q is no JID or not a prepared one: %q %v", instance, j, err)
	}
}

func first(s string, _ Rule) string { return s }
