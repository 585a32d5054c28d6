package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// callJID runs the verb on one name and returns what its line of JSON says.
func callJID(t interface {
	Helper()
	Fatalf(string, ...any)
}, args ...string) (jidLine, int) {
	t.Helper()
	code, out, errs := callProgram(append([]string{"jid", "--json"}, args...)...)
	var line jidLine
	if err := json.Unmarshal([]byte(out), &line); err != nil || strings.Count(out, "\n") != 1 {
		t.Fatalf("%q: exit %d, printed %q and %q", args, code, out, errs)
	}
	return line, code
}

// TestJIDVectors holds the verb to the worked values, of which each names its rows.
func TestJIDVectors(t *testing.T) {
	f, err := os.Open("testdata/jid/vectors.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows := 0
	for lines := bufio.NewScanner(f); lines.Scan(); rows++ {
		var want struct {
			Name string
			jidLine
		}
		if err := json.Unmarshal(lines.Bytes(), &want); err != nil {
			t.Fatal(err)
		}
		t.Run(want.Name+" "+want.Input, func(t *testing.T) {
			got, code := callJID(t, "--domain", "lan.example.org", "--machine", "bridge", "--", want.Input)
			if code != exitOK || got != want.jidLine {
				t.Errorf("exit %d, %+v\nwant %+v", code, got, want.jidLine)
			}
			if !strings.HasSuffix(got.JID, "@lan.example.org") {
				return // there is no way back from a colleague's instance that is a peer's as well
			}
			back, code := callJID(t, "--domain", "lan.example.org", "--machine", "bridge", "--", got.JID)
			switch {
			case want.Rule == "plain" && (code != exitOK || back.Instance != asciiLower(want.Input)):
				t.Errorf("back: exit %d, %+v", code, back)
			case want.Rule == "fallback" && (code != exitNotFound || back.Instance != "" || back.Error == ""):
				t.Errorf("back: exit %d, %+v", code, back)
			}
		})
	}
	if rows != 23+36+5 {
		t.Errorf("read %d rows", rows)
	}
}

// asciiLower is how DNS compares names (RFC 6762 section 16).
func asciiLower(s string) string {
	return string(bytes.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, []byte(s)))
}

func TestJIDGolden(t *testing.T) {
	names := []string{
		"juliet@pronto", "Jürgen@pronto", "straße@pronto", `juliet\40pronto@lan.example.org`,
		`JULIET\40PRONTO@lan.example.org/phone`, `stra_e\40pronto~8c491f4c80@lan.example.org`,
		"alice@example.com", "alice@example.com/phone", "a.example.com/b@example.net",
		`alice\40example.com@office`, "/.fanboy", "lan.example.org", `\20x@lan.example.org`, "a b@lan.example.org",
		"evil\x1b[31m\u202e@pronto\u0085", "", strings.Repeat("x", 64),
	}
	for _, c := range []struct {
		file string
		args []string
		code int
	}{
		{"guessed.golden", nil, exitNotFound},
		{"json.golden", []string{"--json"}, exitNotFound},
		{"instance.golden", []string{"--instance"}, exitUsage},
		{"as-jid.golden", []string{"--as-jid"}, exitNotFound},
	} {
		t.Run("MAPJ-10 MAPJ-14 "+c.file, func(t *testing.T) {
			args := append([]string{"jid", "--domain", "lan.example.org", "--machine", "office"}, c.args...)
			code, out, errs := callProgram(append(append(args, "--"), names...)...)
			if code != c.code {
				t.Errorf("exit %d", code)
			}
			golden(t, "jid/"+c.file, out+"---\n"+errs)
		})
		t.Run("O2 no control character reaches the terminal raw: "+c.file, func(t *testing.T) {
			data, err := os.ReadFile("testdata/jid/" + c.file)
			if err != nil || bytes.ContainsAny(data, "\x1b\u202e\u0085\x7f") {
				t.Errorf("%q %v", data, err)
			}
		})
	}
}

func TestJIDReadsTheConfiguration(t *testing.T) {
	path := configFile(t, strings.Replace(good, "linklocal: {", "linklocal: {machine: kitchen, ", 1))
	if err := os.Remove(strings.TrimSuffix(path, "bridge.yaml") + "secret"); err != nil {
		t.Fatal(err) // whoever asks for names need not be able to read it
	}
	line, code := callJID(t, "-c", path, "alice@example.com")
	if code != exitOK || line.Instance != `alice\40example.com@kitchen` {
		t.Errorf("exit %d, %+v", code, line)
	}
	line, code = callJID(t, "-c", path, "--domain", "mesh.example.net", "juliet@pronto")
	if code != exitOK || line.JID != `juliet\40pronto@mesh.example.net` {
		t.Errorf("exit %d, %+v", code, line)
	}
}

func TestFlagsBehindNames(t *testing.T) {
	code, out, errs := callProgram("jid", "--json", "juliet@pronto", "--domain", "lan.example.org", "romeo@forza", "--machine=office", "--", "--json")
	if code != exitOK || errs != "" || strings.Count(out, "\n") != 3 || !strings.Contains(out, `"instance":"--json"`) {
		t.Errorf("exit %d, %q, %q", code, out, errs)
	}
}

func TestJIDMisuse(t *testing.T) {
	both := []string{"--domain", "lan.example.org", "--machine", "office"}
	for _, c := range []struct {
		args []string
		want string
	}{
		{both, "takes at least one name"},
		{append(both, "--instance", "--as-jid", "x"), "not both"},
		{[]string{"--domain", "lan.example.org", "-c", "/nowhere/b.yaml", "x"}, "write office-bridge jid --domain"},
		{[]string{"--domain", "a@b", "--machine", "office", "x"}, "see office-bridge help jid"},
		{[]string{"--domain", "lan.example.org", "--machine", "a.b", "x"}, "see office-bridge help jid"},
		{append(both, "--as-jid", "a@@b"), "not a JID"},
	} {
		code, out, errs := callProgram(append([]string{"jid"}, c.args...)...)
		if code != exitUsage || out != "" || !strings.Contains(errs, c.want) {
			t.Errorf("%q: exit %d, %q, %q", c.args, code, out, errs)
		}
	}
}

func TestJIDRoundTrip(t *testing.T) {
	ask := func(t *rapid.T, name string) (jidLine, int) {
		return callJID(t, "--domain", "lan.example.org", "--machine", "office", "--instance", "--", name)
	}
	label := rapid.Map(rapid.SliceOfN(rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
		"@", " ", `\`, `\40`, "~0123456789", "A", "é", "É", "e\u0301", "ß", "\x00", "\u202e", "&", "/", "-", "\"",
	})), 1, 8), func(parts []string) string { return "x" + strings.Join(parts, "") })
	fits := label.Filter(func(s string) bool { return len(s) <= 63 })
	t.Run("MAPJ-7 MAPJ-10 instance to JID and back", rapid.MakeCheck(func(t *rapid.T) {
		name := fits.Draw(t, "instance")
		there, code := ask(t, name)
		if code != exitOK {
			t.Fatalf("exit %d, %+v", code, there)
		}
		back, code := callJID(t, "--domain", "lan.example.org", "--machine", "office", "--", there.JID)
		switch {
		case back.JID != there.JID || back.Rule != there.Rule:
			t.Fatalf("%+v came back as %+v", there, back)
		case there.Rule == "plain" && (code != exitOK || back.Instance != asciiLower(name)):
			t.Fatalf("exit %d, %+v", code, back)
		case there.Rule == "fallback" && code != exitNotFound:
			t.Fatalf("exit %d, %+v", code, back)
		}
	}))
	t.Run("MAPJ-7 MAPJ-9 no two names share a JID", rapid.MakeCheck(func(t *rapid.T) {
		a := fits.Draw(t, "a")
		b := rapid.OneOf(fits, rapid.Just(strings.ToUpper(a)), rapid.Just(strings.ToLower(a)), rapid.Just(strings.ToTitle(a))).Draw(t, "b")
		if len(b) > 63 {
			return
		}
		one, _ := ask(t, a)
		two, _ := ask(t, b)
		if (one.JID == two.JID) != (asciiLower(a) == asciiLower(b)) {
			t.Fatalf("%q and %q become %q and %q", a, b, one.JID, two.JID)
		}
	}))
}
