package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestManual holds the manual page to the verbs and their flags, so that what "help"
// says and what the page says do not part.
func TestManual(t *testing.T) {
	data, err := os.ReadFile("../../docs/man/meshbridge.1")
	if err != nil {
		t.Fatal(err)
	}
	page := string(data)
	synopsis := section(t, page, "SYNOPSIS")
	described := section(t, page, "DESCRIPTION")
	status := section(t, page, "EXIT STATUS")
	for _, v := range verbs() {
		calls := regexp.MustCompile(`(?m)^\.Cm ` + v.name + `\n((?:\.[^N].*\n)*)`).FindStringSubmatch(synopsis)
		if calls == nil || !strings.Contains(described, "\n.It Cm "+v.name+"\n") {
			t.Errorf("the page lacks the verb %s", v.name)
			continue
		}
		fs := flag.NewFlagSet(v.name, flag.ContinueOnError)
		v.setup(fs)
		known := map[string]bool{}
		fs.VisitAll(func(f *flag.Flag) {
			name := f.Name
			if len(name) > 1 {
				name = "-" + name
			}
			known[name] = true
			if !regexp.MustCompile(`Fl ` + name + `\b`).MatchString(calls[1]) {
				t.Errorf("the synopsis of %s lacks %s", v.name, name)
			}
		})
		for _, f := range regexp.MustCompile(`Fl (\S+)`).FindAllStringSubmatch(calls[1], -1) {
			if !known[f[1]] {
				t.Errorf("%s has no flag %s", v.name, f[1])
			}
		}
	}
	for _, code := range []int{exitOK, exitRuntime, exitUsage, 3, exitNotFound} {
		if !strings.Contains(status, fmt.Sprintf("\n.It %d\n", code)) {
			t.Errorf("the page lacks exit status %d", code)
		}
		if _, out, _ := callProgram("help"); !strings.Contains(out, fmt.Sprintf(" %d ", code)) {
			t.Errorf("help lacks exit code %d", code)
		}
	}
}

func section(t *testing.T, page, name string) string {
	t.Helper()
	_, rest, ok := strings.Cut(page, "\n.Sh "+name+"\n")
	if !ok {
		t.Fatalf("no section %s", name)
	}
	text, _, _ := strings.Cut(rest, "\n.Sh ")
	return "\n" + text + "\n"
}
