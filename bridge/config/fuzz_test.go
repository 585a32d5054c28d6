package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// FuzzParse feeds arbitrary text. Whatever it is: no panic, and either a
// configuration that holds its promises or problems that say what to do.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range append(files, "../../bridge.yaml.example") {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(base))
	f.Add([]byte("\"\\e[2J\": 1\n\"a\\nb\": {}\nlinklocal: {\"\\u202E\": \"\\e\"}\n"))
	f.Add([]byte("? [a]\n: &x {<<: *x}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		cfg, err := Parse("f", data)
		if err == nil {
			holds(t, cfg)
			keepsItsMeaning(t, data, cfg)
			return
		}
		var problems Errors
		if !errors.As(err, &problems) || len(problems) == 0 {
			t.Fatalf("an error that is no Errors: %v", err)
		}
		lines := strings.Count(string(data), "\n") + strings.Count(string(data), "\r") + 1
		for _, p := range problems {
			if p.What == "" || p.Do == "" || p.Line > lines+1 {
				t.Errorf("%+v (the text has %d lines)", p, lines)
			}
			if strings.ContainsAny(p.String(), "\n\x1b") {
				t.Errorf("a message holds control characters: %q", p.String())
			}
		}
	})
}

// keepsItsMeaning writes a sound file anew, without the defaults, and reads that.
func keepsItsMeaning(t *testing.T, data []byte, want Config) {
	t.Helper()
	r := newReport("f")
	parse(data, r)
	short := changed(r.root)
	got, err := Parse("f", []byte(short))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v: %+v, want %+v of\n%s", err, got, want, short)
	}
}

func holds(t *testing.T, c Config) {
	t.Helper()
	if len(c.LinkLocal.Interfaces) == 0 || !ldhLabel(c.LinkLocal.Machine) || c.Upstream.Domain == "" ||
		(c.Upstream.Target.Port == 0) != (c.Upstream.Target.URI.Domain != "") || c.Upstream.ComponentPort == 0 || (c.Upstream.SecretFile == "") == (c.Upstream.SecretEnv == "") {
		t.Errorf("accepted without what is required: %+v", c)
	}
	if _, literal := c.Upstream.Target.Addr(); literal && c.Upstream.Target.Scheme == "tcp" &&
		!c.Upstream.Target.Loopback() && !c.Upstream.InsecurePlaintext {
		t.Errorf("plaintext to %s", c.Upstream.Target)
	}
	for _, one := range c.Colleagues {
		if one.JID.Localpart() == "" || one.JID.Resourcepart() != "" || one.JID.Domainpart() == c.Upstream.Domain {
			t.Errorf("colleague %s", one.JID)
		}
	}
	if len(c.Explain()) != 3 {
		t.Error("Explain says not three lines")
	}
}
