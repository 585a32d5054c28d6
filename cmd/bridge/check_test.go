package main

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// inFolder goes to a fresh folder with a secret in it and this bridge.yaml.
func inFolder(t *testing.T, text []byte) {
	t.Helper()
	dir := t.TempDir()
	for name, data := range map[string][]byte{"bridge.yaml": text, "secret": []byte("marker-of-a-secret\n")} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
}

// checked is what the verb prints on both channels and exits with.
func checked(t *testing.T, args ...string) (code int, said string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(append([]string{"meshbridge", "check", "-c", "bridge.yaml"}, args...), &out, &errs)
	if strings.Contains(out.String()+errs.String(), "marker-of-a-secret") {
		t.Error("O3: the secret is told")
	}
	said = out.String() + errs.String()
	return code, regexp.MustCompile(`\(it has [^)]*\)`).ReplaceAllString(said, "(it has ...)")
}

// place is the form of every line that tells of a problem.
var place = regexp.MustCompile(`^bridge\.yaml(:\d+:\d+)?: .+; .+$`)

// TestCheckGolden holds what is said of each testdata/check/*.yaml to its golden file. The
// first line of each says what is wrong with it.
func TestCheckGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/check/*.yaml")
	if err != nil || len(files) < 25 {
		t.Fatalf("found %d files (%v)", len(files), err)
	}
	home, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(filepath.Join(home, file))
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) {
			inFolder(t, data)
			code, said := checked(t)
			want := exitUsage
			if name >= "40" {
				want = exitOK
				_, changed := checked(t, "-n")
				said += "--- -n\n" + changed
			}
			t.Chdir(home)
			if code != want {
				t.Errorf("exit %d, want %d", code, want)
			}
			golden(t, "check/"+name+".golden", said)
			for line := range strings.Lines(said) {
				if code == exitUsage && !place.MatchString(strings.TrimSuffix(line, "\n")) {
					t.Errorf("no place or no next step: %q", line)
				}
			}
			if strings.ContainsAny(said, "\x1b\x07\u202e\u2066\u009b") {
				t.Errorf("O2: a control character in %q", said)
			}
		})
	}
}

const sound = `state: state
linklocal: {interfaces: [lo]}
upstream: {uri: "tls://xmpp.example.org", domain: lan.example.org, secret_file: secret, tls_ca_file: ca.pem}
colleagues: [{uri: "xmpp:alice@example.org"}]
`

// TestCheckFiles breaks one of the files that a sound configuration names.
func TestCheckFiles(t *testing.T) {
	put := func(t *testing.T, name, text string, mode os.FileMode) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name string
		harm func(t *testing.T)
		want string
	}{
		{"SEC-6 secret missing", func(t *testing.T) { _ = os.Remove("secret") },
			"3:81: upstream.secret_file: secret: there is no such file; make one as the user that runs the service: (umask 077; meshbridge secret > secret)"},
		{"SEC-6 secret readable by others", func(t *testing.T) { put(t, "secret", "x\n", 0o644) },
			"3:81: upstream.secret_file: secret: group or others may use it (mode 0644); run chmod 600 secret"},
		{"secret empty", func(t *testing.T) { put(t, "secret", "\n", 0o600) },
			"3:81: upstream.secret_file: secret holds no secret; put the component's secret there, on one line"},
		{"secret of two lines", func(t *testing.T) { put(t, "secret", "a\nb\n", 0o600) },
			"3:81: upstream.secret_file: secret holds more than one line; leave one line with the secret and end it with a newline or nothing"},
		{"secret from Windows", func(t *testing.T) { put(t, "secret", "a\r\n", 0o600) },
			`3:81: upstream.secret_file: secret ends its line with a carriage return, as editors of Windows do; run sed -i 's/\r$//' secret`},
		{"secret with a control character", func(t *testing.T) { put(t, "secret", "a\x00b\n", 0o600) },
			"3:81: upstream.secret_file: secret holds a control character; leave one line"},
		{"secret is a folder", func(t *testing.T) { _ = os.Remove("secret"); _ = os.Mkdir("secret", 0o700) },
			"3:81: upstream.secret_file: secret: is not a regular file; make one"},
		{"certificates missing", func(t *testing.T) { _ = os.Remove("ca.pem") },
			"3:102: upstream.tls_ca_file: ca.pem: there is no such file; write the path of a PEM file"},
		{"certificates are none", func(t *testing.T) { put(t, "ca.pem", "hello\n", 0o600) },
			"3:102: upstream.tls_ca_file: ca.pem holds no certificate; write the path of a PEM file that has BEGIN CERTIFICATE in it"},
		{"state is a file", func(t *testing.T) { put(t, "state", "x", 0o600) },
			"1:8: state: state is not a folder; name a folder that only this program uses"},
		{"state is open to all", func(t *testing.T) { _ = os.Mkdir("state", 0o700); _ = os.Chmod("state", 0o777) },
			"1:8: state: state: group or others may write to it (mode 0777); run chmod 700 state"},
		{"the file itself is missing", func(t *testing.T) { _ = os.Remove("bridge.yaml") },
			"there is no such file; name the file with -c, or copy bridge.yaml.example there"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inFolder(t, []byte(sound))
			put(t, "ca.pem", certificate, 0o600)
			if code, said := checked(t); code != exitOK {
				t.Fatalf("the sound file: exit %d, %s", code, said)
			}
			c.harm(t)
			code, said := checked(t)
			if code != exitUsage || !strings.Contains(said, c.want) || strings.Count(said, "\n") != 1 {
				t.Errorf("exit %d\n%swant %s", code, said, c.want)
			}
		})
	}
}

func TestCheckTellsOfAPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	inFolder(t, []byte(strings.Replace(sound, "[lo]", "[lo], port: "+port, 1)))
	if err := os.WriteFile("ca.pem", []byte(certificate), 0o600); err != nil {
		t.Fatal(err)
	}
	code, said := checked(t)
	if code != exitOK || !strings.Contains(said, "2:37: linklocal.port: warning: port "+port+" is in use on this host") ||
		!strings.Contains(said, "; fine if that is this bridge; else") {
		t.Errorf("exit %d, %s", code, said)
	}
	l.Close()
	if _, said := checked(t); strings.Contains(said, "in use") {
		t.Errorf("a free port: %s", said)
	}
}

// certificate is a self-signed one made for these tests.
const certificate = `-----BEGIN CERTIFICATE-----
MIIBkTCCATegAwIBAgIUHygzxmY0XFtHY+3raD46lqLc+tQwCgYIKoZIzj0EAwIw
HTEbMBkGA1UEAwwSb2ZmaWNlLmV4YW1wbGUub3JnMCAXDTI2MTEyMjE1NDU1NloY
DzIxMjYxMDI5MTU0NTU2WjAdMRswGQYDVQQDDBJvZmZpY2UuZXhhbXBsZS5vcmcw
WTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQs9Wyc/aLsoqev198d5Y2s148Ob/gP
MNVTR4EX8K7xuc6ncKpGSmk/Y7EZgx1mZy9ICkztUsx7TCnTOeO4qUr5o1MwUTAd
BgNVHQ4EFgQUCYbfSFrrVbfpk8o0VIU6mxiUBNEwHwYDVR0jBBgwFoAUCYbfSFrr
Vbfpk8o0VIU6mxiUBNEwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBF
AiAIFmS0dpun08acHQR/Fq7+mwexGFYvim/yjaP9HlplCQIhANKINHJ2/5ogfE8U
JbKJH1jiTXdEf0QBxPvAqjh9TYrY
-----END CERTIFICATE-----
`
