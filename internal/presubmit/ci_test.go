package presubmit

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// bench is a folder with a copy of what CI runs, and a go command that only
// writes down how it was called and then does what the test says.
type bench struct {
	t   *testing.T
	dir string
}

func newBench(t *testing.T, goDoes string) bench {
	b := bench{t, t.TempDir()}
	for _, name := range []string{"Makefile", ".ci/gotest"} {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		b.write(name, string(text))
	}
	b.write("bin/go", "#!/bin/bash\necho \"$*\" >>calls\n"+goDoes)
	return b
}

func (b bench) write(name, text string) {
	b.t.Helper()
	path := filepath.Join(b.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		b.t.Fatal(err)
	}
}

func (b bench) read(name string) string {
	b.t.Helper()
	text, err := os.ReadFile(filepath.Join(b.dir, name))
	if err != nil {
		b.t.Fatal(err)
	}
	return string(text)
}

// run reports whether the command succeeds, with CI as given.
func (b bench) run(ci, name string, args ...string) bool {
	c := exec.Command(name, args...)
	c.Dir = b.dir
	c.Env = append(os.Environ(), "CI="+ci, "MAKEFLAGS=", "PATH="+filepath.Join(b.dir, "bin")+":"+os.Getenv("PATH"))
	out, err := c.CombinedOutput()
	// What it printed is quoted, lest whoever reads this test's log for skips find one.
	b.t.Logf("CI=%s %s %v: %v, %q", ci, name, args, err, out)
	return err == nil
}

func TestLintWithoutStaticcheck(t *testing.T) {
	b := newBench(t, `[ "$1" != run ]`)
	for ci, want := range map[string]bool{"": true, "true": false} {
		if got := b.run(ci, "make", "lint"); got != want {
			t.Errorf("with CI=%s make lint succeeds: %v", ci, got)
		}
	}
}

func TestOfficeIsTestedByItself(t *testing.T) {
	b := newBench(t, `if [ "$1" = list ]; then printf '%s\n' m/a m/e2e m/z; else echo "ok $*"; fi`)
	if !b.run("true", "bash", ".ci/gotest", "-race") {
		t.Error("gotest failed")
	}
	if got, want := b.read("calls"), "list ./...\ntest -v -race m/a m/z\ntest -v -race ./e2e\n"; got != want {
		t.Errorf("go was called\n%s, want\n%s", got, want)
	}
	for log, want := range map[string]string{"test": "ok test -v -race m/a m/z\n", "e2e": "ok test -v -race ./e2e\n"} {
		if got := b.read("build/" + log + ".log"); got != want {
			t.Errorf("build/%s.log holds %q", log, got)
		}
	}
}

func TestOneFailureOrSkipFailsCI(t *testing.T) {
	const list = `if [ "$1" = list ]; then echo m/a; exit; fi; `
	for name, c := range map[string]struct {
		goDoes   string
		here, ci bool
	}{
		"no list of packages":    {`[ "$1" != list ]`, false, false},
		"a failure in a package": {list + `[ "${!#}" != m/a ]`, false, false},
		"a failure in e2e":       {list + `[ "${!#}" != ./e2e ]`, false, false},
		"a skip in a package":    {list + `[ "${!#}" != m/a ] || echo "--- SKIP: TestX"`, true, false},
		"a skip in e2e":          {list + `[ "${!#}" != ./e2e ] || echo "    --- SKIP: TestX/y"`, true, false},
		"nothing":                {list, true, true},
	} {
		b := newBench(t, c.goDoes)
		if here, ci := b.run("", "bash", ".ci/gotest"), b.run("true", "bash", ".ci/gotest"); here != c.here || ci != c.ci {
			t.Errorf("%s: gotest succeeds: %v, in CI %v", name, here, ci)
		}
	}
}
