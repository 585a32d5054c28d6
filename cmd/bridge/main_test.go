package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

// asProgram makes this test binary behave as the program itself, so that tests
// of signals and exit codes have a process of their own.
const asProgram = "MESHBRIDGE_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if err := furnish(os.Getenv(asFurnished)); err != nil {
		panic(err)
	}
	if os.Getenv(asProgram) != "" {
		main()
	}
	goleak.VerifyTestMain(m)
}

// program is a command that runs the program in a process of its own.
func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	return cmd
}

// callProgram runs the program in this process, under a name of its own.
func callProgram(args ...string) (code int, out, errs string) {
	var o, e bytes.Buffer
	code = run(append([]string{"/usr/sbin/office-bridge"}, args...), &o, &e)
	return code, o.String(), e.String()
}

// configFile writes a configuration with its secret and returns its path.
func configFile(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "bridge.yaml")
	for file, content := range map[string]string{path: text, filepath.Join(dir, "secret"): "marker-of-a-secret\n"} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

const good = `state: state
linklocal: {interfaces: [lo, nowhere0]}
upstream: {uri: "tcp://127.0.0.1:1", domain: lan.example.org, secret_file: secret}
colleagues: [{uri: "xmpp:alice@example.org"}, {uri: "xmpp:bob@example.org"}]
control: {socket: ""}
`

func TestMisuse(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "usage: office-bridge VERB"},
		{[]string{"frobnicate"}, `office-bridge: there is no verb "frobnicate"; see office-bridge help`},
		{[]string{"help", "frobnicate"}, `office-bridge: there is no verb "frobnicate"; see office-bridge help`},
		{[]string{"help", "run", "check"}, `office-bridge help: explains one verb; see office-bridge help help`},
		{[]string{"chekc"}, `there is no verb "chekc" (did you mean check?); see office-bridge help`},
		{[]string{"check", "a", "-c", "b"}, "takes one file"},
		{[]string{"check", "a", "-x"}, "not defined: -x"},
		{[]string{"run", "bridge.yaml"}, `office-bridge run: does not know what to do with "bridge.yaml"; see office-bridge help run`},
		{[]string{"run", "-x"}, "office-bridge run: not defined: -x; see office-bridge help run"},
		{[]string{"check", "--online"}, "office-bridge check: not defined: -online; see"},
		{[]string{"check", "a", "b"}, "takes one file"},
		{[]string{"check", "-c", "a", "b"}, "takes one file"},
		{[]string{"secret", "x"}, "office-bridge help secret"},
		{[]string{"version", "x"}, "office-bridge help version"},
		{[]string{"demo", "x"}, "office-bridge help demo"},
		{[]string{"run", "-c", "/nowhere/bridge.yaml"}, "/nowhere/bridge.yaml: there is no such file"},
	} {
		code, out, errs := callProgram(c.args...)
		if code != exitUsage || out != "" || !strings.Contains(errs, c.want) {
			t.Errorf("%q: exit %d, printed %q and %q; want 2 and %q", c.args, code, out, errs, c.want)
		}
	}
}

// full is a disk without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

func TestWhatDoesNotArriveIsNoSuccess(t *testing.T) {
	path := configFile(t, good)
	for _, args := range [][]string{
		{"help"}, {"help", "run"}, {"version"}, {"secret"}, {"check", "-n", path}, {"run", "-h"},
		{"jid", "-c", path, "juliet@pronto"}, {"jid", "-c", path, "--json", "juliet@pronto"},
	} {
		var errs bytes.Buffer
		code := run(append([]string{"office-bridge"}, args...), full{}, &errs)
		if last := regexp.MustCompile(`(?m)^office-bridge \S+: .*no space left on device; .+\n\z`); code != exitRuntime || len(last.FindAllString(errs.String(), -1)) != 1 {
			t.Errorf("%q: exit %d, %q", args, code, errs.String())
		}
	}
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"help"}, {"-h"}, {"--help"}} {
		code, out, errs := callProgram(args...)
		if code != exitOK || errs != "" {
			t.Errorf("%q: exit %d, %q", args, code, errs)
		}
		for _, v := range verbs() {
			if !strings.Contains(out, "\n  "+v.name+" ") || !strings.Contains(out, v.short) {
				t.Errorf("%q does not list %s:\n%s", args, v.name, out)
			}
		}
	}
	for _, v := range verbs() {
		code, out, _ := callProgram("help", v.name)
		if code != exitOK || !strings.Contains(out, "usage: office-bridge "+v.name) || !strings.Contains(out, v.long) {
			t.Errorf("help %s: exit %d\n%s", v.name, code, out)
		}
		if _, same, _ := callProgram(v.name, "-h"); same != out {
			t.Errorf("%s -h differs from help %s:\n%s", v.name, v.name, same)
		}
		for l := range strings.Lines(out) {
			if len(l) > 90 {
				t.Errorf("help %s: long line %q", v.name, l)
			}
		}
	}
}

func TestCheck(t *testing.T) {
	path := configFile(t, good)
	first := path + ": ok: 2 colleagues on lo, nowhere0, lan.example.org at tcp://127.0.0.1:1\n"
	warning := path + `:2:30: linklocal.interfaces[1]: warning: this host has no interface "nowhere0" now (it has `
	for _, c := range []struct {
		args []string
		rest string
	}{
		{[]string{"check", path}, ""},
		{[]string{"check", "-c", path}, ""},
		{[]string{"check", "-v", path}, `  lan: finds people on lo, nowhere0; 2 colleagues appear there as NAME@office
  server: connects to tcp://127.0.0.1:1 (plain text on this host); people on the LAN become user\40machine@lan.example.org
  access: the listed colleagues may talk to people on the LAN, nobody else
`},
	} {
		code, out, errs := callProgram(c.args...)
		if code != exitOK || out != first+c.rest || !strings.HasPrefix(errs, warning) || strings.Count(errs, "\n") != 1 {
			t.Errorf("%q: exit %d, %q\n%s", c.args, code, errs, out)
		}
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(path), "state")); err == nil {
		t.Error("check made the state folder")
	}
}

func TestCheckTellsEveryProblem(t *testing.T) {
	path := configFile(t, strings.Replace(good, "lo, nowhere0", "", 1)+"acces: {}\n")
	code, out, errs := callProgram("check", path)
	lines := strings.Split(strings.TrimSuffix(errs, "\n"), "\n")
	if code != exitUsage || out != "" || len(lines) != 2 {
		t.Fatalf("exit %d, %q, %d lines:\n%s", code, out, len(lines), errs)
	}
	place := regexp.MustCompile(`^` + regexp.QuoteMeta(path) + `:\d+:\d+: \S+: .+; .+$`)
	for _, l := range lines {
		if !place.MatchString(l) {
			t.Errorf("no place or no next step: %q", l)
		}
	}
}

func TestSecret(t *testing.T) {
	code, first, hint := callProgram("secret")
	_, second, _ := callProgram("secret")
	if code != exitOK || first == second || !regexp.MustCompile(`^[0-9a-f]{64}\n$`).MatchString(first) {
		t.Errorf("exit %d, %q then %q", code, first, second)
	}
	if !strings.Contains(hint, "umask 077; office-bridge secret >") || strings.Contains(hint, strings.TrimSpace(first)) {
		t.Errorf("hint: %q", hint)
	}
}

func TestVersion(t *testing.T) {
	for _, arg := range []string{"version", "--version"} {
		code, out, _ := callProgram(arg)
		shape := regexp.MustCompile(`^meshbridge \S+\ngo +go1\S*.*\nrevision +\S.*\nplatform +\w+/\w+\n$`)
		if code != exitOK || !shape.MatchString(out) {
			t.Errorf("%s: exit %d, %q", arg, code, out)
		}
	}
}

func TestMemoryPlan(t *testing.T) {
	for meminfo, want := range map[string]int64{
		"MemTotal:         125184 kB\nMemFree: 1 kB\n": 32 << 20,
		"MemTotal:         163840 kB\n":                32 << 20,
		"MemTotal:         163841 kB\n":                64 << 20,
		"MemFree: 10 kB\nMemTotal: 8000000 kB\n":       64 << 20,
		"":                                             64 << 20, "MemTotal: x kB\n": 64 << 20,
	} {
		if got, _ := memoryPlan(meminfo); got != want {
			t.Errorf("%q: %d, want %d", meminfo, got, want)
		}
	}
}
