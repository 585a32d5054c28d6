package config

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestBrokenFiles holds every message to its golden file. The first line of
// each testdata/*.yaml says what is wrong with it and names the subtest.
func TestBrokenFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) < 20 {
		t.Fatalf("found %d files in testdata (%v), want at least 20", len(files), err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		title, _, _ := strings.Cut(strings.TrimPrefix(string(data), "# "), "\n")
		t.Run(title, func(t *testing.T) { compareGolden(t, file, data) })
	}
}

func compareGolden(t *testing.T, file string, data []byte) {
	cfg, err := Parse(filepath.Base(file), data)
	var problems Errors
	if !errors.As(err, &problems) {
		t.Fatalf("Parse accepted a broken file (error %v)", err)
	}
	if diff := cmp.Diff(Config{}, cfg); diff != "" {
		t.Errorf("the Config of a broken file is not zero:\n%s", diff)
	}
	for _, p := range problems {
		if p.Do == "" || p.What == "" {
			t.Errorf("%v: What and Do must both be said", p)
		}
	}
	golden := strings.TrimSuffix(file, ".yaml") + ".golden"
	got := err.Error() + "\n"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("messages differ from %s (-want +got):\n%s", golden, diff)
	}
	for _, leak := range []string{"hunter2", "yaml.", "config.", "!!map", "unmarshal"} {
		if strings.Contains(got, leak) {
			t.Errorf("the messages hold %q:\n%s", leak, got)
		}
	}
}
