package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestChanged reads back what it writes of a sound file.
func TestChanged(t *testing.T) {
	for _, text := range []string{
		shortest,
		shortest + "colleagues: [{uri: 'xmpp:alice@example.org', nick: \"it's: #1\"}, {uri: xmpp:bob@example.com}]\n",
		shortest + "log:\noutbox: {total: 2000, max_age: 168h, bytes: 16MiB}\nstate: /var/lib/meshbridge\naccess: {domains: [example.net]}\n",
		strings.Replace(shortest, "linklocal:", "linklocal:\n  machine: \"null\"\n  port: 5298\n  lenient_from: true\n  legacy_txt_port: true\n", 1),
	} {
		r := newReport("bridge.yaml")
		want := parse([]byte(text), r)
		if err := r.err(); err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		short := changed(r.root)
		got, err := Parse("bridge.yaml", []byte(short))
		if err != nil {
			t.Fatalf("%v in\n%s", err, short)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s\nof\n%s\n%s", short, text, diff)
		}
		for _, usual := range []string{"168h", "2000", "/var/lib", "legacy_txt_port", "log:"} {
			if strings.Contains(short, usual) {
				t.Errorf("%q is a default:\n%s", usual, short)
			}
		}
		r = newReport("bridge.yaml")
		parse([]byte(short), r)
		if again := changed(r.root); again != short {
			t.Errorf("not stable:\n%s\n%s", short, again)
		}
	}
}

const shortest = `linklocal:
  interfaces: [br-lan]
upstream:
  uri: tcp://127.0.0.1:5347
  domain: lan.example.org
  secret_file: secret
`

func TestExamine(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "bridge.yaml")
	for name, text := range map[string]string{path: "state: state\n" + shortest, filepath.Join(dir, "secret"): "hunter2\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		here Host
		want []string
	}{
		{Host{}, []string{"nobody may talk"}},
		{Host{Interfaces: []string{"lo", "br-lan"}}, []string{"nobody may talk"}},
		{Host{Interfaces: []string{"lo", "br-lna"}}, []string{"nobody may talk", "did you mean br-lna?"}},
		{Host{Interfaces: []string{"lo"}}, []string{"nobody may talk", "it has lo"}},
		{Host{PortHeld: func(uint16) (string, bool) { return "", true }}, []string{"nobody may talk"}}, // 0 is any
	} {
		e := Examine(path, c.here)
		if len(e.Errors) > 0 || len(e.Warnings) != len(c.want) {
			t.Fatalf("%+v: %v %v", c.here, e.Errors, e.Warnings)
		}
		for k, w := range c.want {
			if !strings.Contains(e.Warnings[k].String(), w) {
				t.Errorf("%v lacks %q", e.Warnings[k], w)
			}
		}
		if e.Config.Upstream.Secret.Reveal() != "hunter2" || strings.Contains(e.Changed, "hunter2") {
			t.Errorf("O3: %+v", e)
		}
	}
	if err := os.Remove(filepath.Join(dir, "secret")); err != nil {
		t.Fatal(err)
	}
	e := Examine(path, Host{Program: "office-bridge"})
	if len(e.Errors) != 1 || !strings.Contains(e.Errors[0].Do, "office-bridge secret >") || e.Config.Upstream.Domain != "" {
		t.Errorf("%+v", e)
	}
}

func TestSuspectState(t *testing.T) {
	open := t.TempDir()
	for _, c := range []struct {
		state string
		may   bool
		want  string
	}{
		{open, false, ""}, // it is there, and was judged by its mode
		{filepath.Join(open, "a", "b"), true, ""},
		{filepath.Join(open, "a", "b"), false, "may not make it in " + open + "; "},
	} {
		r := newReport("bridge.yaml")
		(&Config{State: c.state}).suspectState(r, func(folder string) bool { return folder == open && c.may })
		if said := r.warnings.Error(); (said == "") != (c.want == "") || !strings.Contains(said, c.want) {
			t.Errorf("%s: %s", c.state, said)
		}
	}
	if !mayWrite(open) || mayWrite(filepath.Join(open, "none")) {
		t.Error("mayWrite")
	}
}

func TestJudgeOwner(t *testing.T) {
	const unknown = -1
	for _, c := range []struct {
		name                string
		secret, service, us int
		want                string
	}{
		{"nobody knows", unknown, unknown, 0, ""},
		{"root's, and the service runs as root", 0, 0, 0, ""},
		{"root's, before the first start", 0, unknown, 0, ""},
		{"the service's own", 4711, 4711, 0, ""},
		{"root's, and the service runs as another", 0, 4711, 0, "run chown 4711 /s"},
		{"somebody's, and the service runs as another", 4712, 4711, 0, "run chown 4711 /s"},
		{"somebody's, and root looks", 4712, unknown, 0, "fine if that user runs the service"},
		{"our own", 4712, unknown, 4712, ""},
	} {
		t.Run("SEC-6 "+c.name, func(t *testing.T) {
			what, do := judgeOwner("/s", c.secret, c.service, c.us)
			if (what == "") != (c.want == "") || !strings.HasPrefix(do, c.want) {
				t.Errorf("%q; %q", what, do)
			}
		})
	}
}

func TestCulprit(t *testing.T) {
	for text, want := range map[string]int{
		"a: 1\nb: [1,\n  2]\nc: 'x\nd: 1\n": 4,
		"a: 1\n b: 2\n":                     2,
		"a: [1\n":                           1,
		strings.Repeat("a: 1\n", 500) + "[": 0,
	} {
		if got := culprit([]byte(text)); got != want {
			t.Errorf("%q: line %d, want %d", text, got, want)
		}
	}
}
