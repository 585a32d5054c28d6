package presubmit

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"meshbridge/bridge/config"

	"github.com/google/go-cmp/cmp"
)

// setting is a commented-out key of bridge.yaml.example: a # with no space
// after it. Prose has the space.
var setting = regexp.MustCompile(`(?m)^( *)#([a-z_0-9]+:)`)

func example(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, "bridge.yaml.example"))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func parse(t *testing.T, text string) config.Config {
	t.Helper()
	cfg, err := config.Parse("/etc/meshbridge/bridge.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestExampleNamesEveryKey(t *testing.T) {
	text := example(t)
	for _, path := range config.Keys() {
		name := path[strings.LastIndexByte(path, '.')+1:]
		written := regexp.MustCompile(`(?m)^[ #-]*` + name + `:`)
		if !written.MatchString(text) {
			t.Errorf("bridge.yaml.example does not document %s", path)
		}
	}
}

// Every default that the example prints in a comment is the default.
func TestExampleCommentsAreTheDefaults(t *testing.T) {
	text := example(t)
	if n := len(setting.FindAllString(text, -1)); n < 15 {
		t.Fatalf("found only %d commented-out keys", n)
	}
	shipped, all := parse(t, text), parse(t, setting.ReplaceAllString(text, "$1$2"))
	if diff := cmp.Diff(shipped, all); diff != "" {
		t.Errorf("the example changes when its comments are removed (-as it is +uncommented):\n%s", diff)
	}
	want := config.Defaults()
	want.LinkLocal.Interfaces = shipped.LinkLocal.Interfaces
	want.Upstream.Target = shipped.Upstream.Target
	want.Upstream.Domain = shipped.Upstream.Domain
	want.Upstream.SecretFile = shipped.Upstream.SecretFile
	if diff := cmp.Diff(want, all); diff != "" {
		t.Errorf("the example's values are not the defaults (-default +example):\n%s", diff)
	}
}

// Every commented-out key has a sentence above it.
func TestExampleExplainsEveryKey(t *testing.T) {
	lines := strings.Split(example(t), "\n")
	for i, line := range lines {
		sections := map[string]bool{"#log:": true, "#resolver:": true, "#access:": true}
		if !setting.MatchString(line) || sections[line] {
			continue
		}
		if above := strings.TrimSpace(lines[i-1]); !strings.HasPrefix(above, "# ") {
			t.Errorf("bridge.yaml.example:%d: %s has no comment above it", i+1, strings.TrimSpace(line))
		}
	}
}
