package mdns

import (
	"encoding/hex"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/miekg/dns"
	"pgregory.net/rapid"
)

func instanceName(t testing.TB, instance string) name {
	t.Helper()
	typ, err := typeName("_presence._tcp")
	if err != nil {
		t.Fatal(err)
	}
	n, err := typ.child(instance)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// questionHex packs one SRV question.
func questionHex(t *testing.T, instance string) string {
	t.Helper()
	p := newPacker(flagQuery)
	if !p.question(question{name: instanceName(t, instance), typ: typeSRV, class: classIN}) {
		t.Fatal("does not fit")
	}
	return hex.EncodeToString(p.bytes())
}

func TestNamesOnTheWire(t *testing.T) {
	const head, tail = "000000000001000000000000", "095f70726573656e6365045f746370056c6f63616c0000210001"
	for _, c := range []struct{ instance, label, text string }{
		{"juliet@pronto", "0d6a756c6965744070726f6e746f", `juliet\@pronto`},
		{"john.smith@pronto", "116a6f686e2e736d6974684070726f6e746f", `john\.smith\@pronto`},
		{"John Smith@pronto", "114a6f686e20536d6974684070726f6e746f", `John\ Smith\@pronto`},
		{"jürgen@pronto", "0e6ac3bc7267656e4070726f6e746f", `j\195\188rgen\@pronto`},
		{"o'hara@pronto", "0d6f27686172614070726f6e746f", `o\'hara\@pronto`},
		{`a\b@pronto`, "0a615c624070726f6e746f", `a\\b\@pronto`},
		{`say "hi"@pronto`, "0f73617920226869224070726f6e746f", `say\ \"hi\"\@pronto`},
	} {
		t.Run("LL-3-20 LL-3-21 V-8 "+c.instance, func(t *testing.T) {
			if got := questionHex(t, c.instance); got != head+c.label+tail {
				t.Errorf("wire %s", got)
			}
			text, err := textName(instanceName(t, c.instance))
			if err != nil || text != c.text+"._presence._tcp.local." {
				t.Errorf("presentation form %q, %v", text, err)
			}
			back, err := wireName(text)
			if err != nil || back != instanceName(t, c.instance) || back.first() != c.instance {
				t.Errorf("and back %q, %v", back, err)
			}
		})
	}
}

func TestNameBounds(t *testing.T) {
	typ, _ := typeName("_presence._tcp")
	t.Run("LL-3-20 a label has 1 to 63 octets", func(t *testing.T) {
		for label, ok := range map[string]bool{"": false, "a": true, strings.Repeat("ü", 31) + "x": true, strings.Repeat("x", 64): false} {
			if _, err := typ.child(label); (err == nil) != ok {
				t.Errorf("label of %d octets: %v", len(label), err)
			}
		}
	})
	t.Run("any label survives the library", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			label := string(rapid.SliceOfN(rapid.Byte(), 1, maxLabel).Draw(t, "label"))
			n, err := typ.child(label)
			if err != nil {
				t.Fatal(err)
			}
			text, err := textName(n)
			if err != nil {
				t.Fatal(err)
			}
			if back, err := wireName(text); err != nil || back != n {
				t.Fatalf("%q came back as %q, %v", n, back, err)
			}
		})
	})
	t.Run("a damaged name is not valid", func(t *testing.T) {
		for _, n := range []name{"", "\x03ab", "\x01a", "\x40" + name(strings.Repeat("x", 64)) + "\x00", "\x00\x00"} {
			if n.valid() {
				t.Errorf("%q taken as valid", n)
			}
		}
	})
}

func TestFold(t *testing.T) {
	t.Run("LL-3-22 ASCII letters without case, all else exact", func(t *testing.T) {
		for _, c := range []struct {
			a, b string
			same bool
		}{
			{"JULIET@PRONTO", "juliet@pronto", true},
			{"JÜRGEN", "jürgen", false}, {"JÜRGEN", "jÜrgen", true},
			{"a[", "a{", false}, {"@", "`", false},
		} {
			if (Fold(c.a) == Fold(c.b)) != c.same {
				t.Errorf("%q and %q: want same=%v", c.a, c.b, c.same)
			}
		}
	})
}

func TestNumbered(t *testing.T) {
	t.Run("LL-3-11 the suffix is replaced, not stacked", func(t *testing.T) {
		if a, b := numbered("bridge", 1), numbered("bridge", 2); a != "bridge-1" || b != "bridge-2" {
			t.Error(a, b)
		}
	})
	t.Run("LL-3-17 the label stays within 63 octets and valid UTF-8", func(t *testing.T) {
		for _, base := range []string{strings.Repeat("x", 63), strings.Repeat("ü", 31) + "x", strings.Repeat("漢", 21)} {
			for _, n := range []int{1, 12, 345} {
				got := numbered(base, n)
				if len(got) > maxLabel || !utf8.ValidString(got) {
					t.Errorf("%q, %d octets", got, len(got))
				}
			}
		}
	})
}

func TestTXTOnTheWire(t *testing.T) {
	owner := instanceName(t, "juliet@pronto")
	wire := func(t *testing.T, txt ...string) string {
		t.Helper()
		data, _ := txtData(txt)
		p := newPacker(flagResponse)
		if !p.add(secAnswer, txtRecord(owner, data)) {
			t.Fatal("does not fit")
		}
		m, err := unpack(p.bytes())
		if err != nil {
			t.Fatal(err)
		}
		if m.answers[0].data != data {
			t.Fatalf("came back as %q", m.answers[0].data)
		}
		return string(p.bytes())
	}
	for _, s := range []string{"msg=Grüße", `b=c\d`, `p=c:\net`, `d=\065`, `a="q"`, "x=\x00\x01\xff", "e=\n"} {
		t.Run("LL-3-26 V-7b "+s, func(t *testing.T) {
			if !strings.HasSuffix(wire(t, s), string([]byte{byte(len(s))})+s) {
				t.Errorf("%q is not on the wire as it is", s)
			}
		})
	}
	t.Run("LL-3-26 the library shows the same as escaped text", func(t *testing.T) {
		rr, err := toRR(txtRecord(owner, "\x0bmsg=Gr\xc3\xbc\xc3\x9fe\x05b=c\\d"))
		if err != nil {
			t.Fatal(err)
		}
		if got := rr.(*dns.TXT).Txt; got[0] != `msg=Gr\195\188\195\159e` || got[1] != `b=c\\d` {
			t.Errorf("%q", got)
		}
	})
	t.Run("LL-3-4 no data is one zero octet", func(t *testing.T) {
		for _, txt := range [][]string{nil, {""}} {
			if data, ok := txtData(txt); data != "\x00" || !ok {
				t.Errorf("%q", data)
			}
		}
	})
	t.Run("strings of every octet survive", func(t *testing.T) {
		rapid.Check(t, func(rt *rapid.T) {
			txt := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string {
				return string(rapid.SliceOfN(rapid.Byte(), 1, 255).Draw(t, "octets"))
			}), 1, 5).Draw(rt, "txt")
			wire(t, txt...)
			data, _ := txtData(txt)
			if got := txtStrings(data); strings.Join(got, "|") != strings.Join(txt, "|") {
				rt.Fatalf("%q", got)
			}
		})
	})
	t.Run("a string over 255 octets is refused", func(t *testing.T) {
		if data, ok := txtData([]string{strings.Repeat("x", 256), "a=b"}); ok || data != "\x03a=b" {
			t.Errorf("%q %v", data, ok)
		}
	})
}
