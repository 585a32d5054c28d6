package address

import "testing"

func FuzzProxyLocal(f *testing.F) {
	for _, s := range []string{"juliet@pronto", "JÜRGEN@pronto", " bob@pronto", `a\40b`, "x~063137051a", "אבג@pronto", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, instance string) {
		local, rule := ProxyLocal(instance)
		p, ok := ParseProxy(local)
		if !ok || p.Local != local || p.Rule != rule {
			t.Fatalf("%q -> %q %s -> %+v %v", instance, local, rule, p, ok)
		}
		if rule == Plain && p.Instance != asciiLower(instance) {
			t.Fatalf("%q came back as %q", instance, p.Instance)
		}
	})
}

func FuzzParseProxy(f *testing.F) {
	for _, s := range []string{`JULIET\40PRONTO`, `\5c20`, `_\40pronto~e65745818f`, "zzz", `\20a`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, local string) {
		p, ok := ParseProxy(local)
		if !ok {
			return
		}
		if again, ok := ParseProxy(p.Local); !ok || again != p {
			t.Fatalf("%q: %+v, then %+v", local, p, again)
		}
		if p.Rule == Plain {
			if back, rule := ProxyLocal(p.Instance); back != p.Local || rule != Plain {
				t.Fatalf("%q stands for %q, which becomes %q", local, p.Instance, back)
			}
		}
	})
}

func FuzzInstance(f *testing.F) {
	for _, s := range []string{"romeo@montague.lit", `o\27hara@example.com`, "jürgen@münchen.example", "אבג@example.com", "a@[::1]", "conference.example.com"} {
		f.Add(s)
	}
	m := mustMap(f, "lan.example.org", "bridge")
	f.Fuzz(func(t *testing.T, s string) {
		bare, err := Parse(s)
		if err != nil {
			return
		}
		instance, _ := m.Instance(bare)
		checkOwnInstance(t, instance)
		checkOwnInstance(t, Suffixed(instance, 1))
	})
}

func BenchmarkProxyLocal(b *testing.B) {
	for name, instance := range map[string]string{"plain": "juliet@pronto", "plain-utf8": "jürgen@pronto", "fallback": "straße@pronto"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				ProxyLocal(instance)
			}
		})
	}
}
