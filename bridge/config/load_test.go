package config

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const hidden = "s3cr&t marker"

// office is a folder with a configuration and what it names.
type office struct {
	t   *testing.T
	dir string
}

func newOffice(t *testing.T, more string) office {
	o := office{t: t, dir: t.TempDir()}
	o.write("bridge.yaml", 0o644, "state: state\n"+base+more)
	o.write("secret", 0o600, hidden+"\n")
	return o
}

func (o office) path(name string) string { return filepath.Join(o.dir, name) }

func (o office) write(name string, mode os.FileMode, text string) {
	o.t.Helper()
	_ = os.Remove(o.path(name)) // what is there may be read-only
	if err := os.WriteFile(o.path(name), []byte(text), mode); err != nil {
		o.t.Fatal(err)
	}
	if err := os.Chmod(o.path(name), mode); err != nil { // whatever the umask is
		o.t.Fatal(err)
	}
}

// refused asks for an error that holds every part and never the secret.
func (o office) refused(parts ...string) {
	o.t.Helper()
	cfg, err := Load(o.path("bridge.yaml"))
	if err == nil {
		o.t.Fatal("accepted")
	}
	if !cfg.Upstream.Secret.IsZero() || cfg.State != "" {
		o.t.Error("a refused file gave a Config")
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			o.t.Errorf("the refusal lacks %q: %v", part, err)
		}
	}
	if strings.Contains(err.Error(), "s3cr") {
		o.t.Errorf("the refusal tells the secret: %v", err)
	}
}

func (o office) load() Config {
	o.t.Helper()
	cfg, err := Load(o.path("bridge.yaml"))
	if err != nil {
		o.t.Fatal(err)
	}
	return cfg
}

func TestSecretFile(t *testing.T) {
	for _, mode := range []os.FileMode{0o644, 0o640, 0o604, 0o660, 0o620} {
		t.Run(fmt.Sprintf("SEC-6 mode %04o is refused with the chmod", mode), func(t *testing.T) {
			o := newOffice(t, "")
			o.write("secret", mode, hidden)
			o.refused("bridge.yaml:3:", "upstream.secret_file", fmt.Sprintf("mode %04o", mode), "chmod 600 "+o.path("secret"))
		})
	}
	for text, want := range map[string]string{
		hidden: hidden, hidden + "\n": hidden, " " + hidden + " \n": " " + hidden + " ", "pässwörd\n": "pässwörd",
	} {
		o := newOffice(t, "")
		o.write("secret", 0o400, text)
		if got := o.load().Upstream.Secret.Reveal(); got != want {
			t.Errorf("%q was read as %q", text, got)
		}
	}
	for text, why := range map[string]string{
		"": "no secret", "\n": "no secret", hidden + "\n\n": "more than one line", hidden + "\r\n": "carriage return",
		hidden + "\nsecond\n": "more than one line", strings.Repeat("x", maxSecret+1): "too large",
	} {
		o := newOffice(t, "")
		o.write("secret", 0o600, text)
		o.refused(why)
	}
	t.Run("no file", func(t *testing.T) {
		o := newOffice(t, "")
		if err := os.Remove(o.path("secret")); err != nil {
			t.Fatal(err)
		}
		o.refused("there is no such file", filepath.Base(os.Args[0])+" secret > "+o.path("secret"))
	})
	t.Run("a folder", func(t *testing.T) {
		o := newOffice(t, "")
		if err := os.Remove(o.path("secret")); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(o.path("secret"), 0o700); err != nil {
			t.Fatal(err)
		}
		o.refused("is not a regular file")
	})
	t.Run("a pipe that nobody writes into", func(t *testing.T) {
		o := newOffice(t, "")
		if err := errors.Join(os.Remove(o.path("secret")), syscall.Mkfifo(o.path("secret"), 0o600)); err != nil {
			t.Fatal(err)
		}
		o.refused("is not a regular file")
	})
}

// systemd shows the access list of a credential as group bits.
func TestSecretFromSystemd(t *testing.T) {
	o := newOffice(t, "")
	o.write("secret", 0o440, hidden)
	t.Setenv("CREDENTIALS_DIRECTORY", o.dir)
	if got := o.load().Upstream.Secret.Reveal(); got != hidden {
		t.Errorf("got %q", got)
	}
	o.write("secret", 0o444, hidden)
	o.refused("mode 0444")
}

func TestSecretFromEnvironment(t *testing.T) {
	o := newOffice(t, "")
	o.write("bridge.yaml", 0o644, strings.Replace(base, "secret_file: secret", "secret_env: OFFICE_SECRET", 1))
	t.Setenv("OFFICE_SECRET", hidden)
	if got := o.load().Upstream.Secret.Reveal(); got != hidden {
		t.Errorf("got %q", got)
	}
	t.Setenv("OFFICE_SECRET", "")
	o.refused("the variable OFFICE_SECRET holds no secret")
}

func TestSecretIsNeverShown(t *testing.T) {
	cfg := newOffice(t, "").load()
	s := cfg.Upstream.Secret
	var shown bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		fmt.Fprintf(&shown, verb+verb+verb+"\n", s, &s, cfg)
	}
	for _, h := range []slog.Handler{
		slog.NewTextHandler(&shown, nil), slog.NewJSONHandler(&shown, nil),
	} {
		slog.New(h).Info("start", "secret", s, "config", cfg, "upstream", &cfg.Upstream)
	}
	if err := json.NewEncoder(&shown).Encode(map[string]any{"v": s, "p": &s, "c": cfg.Upstream}); err != nil {
		t.Fatal(err)
	}
	for _, leak := range []string{hidden, "s3cr", "marker", fmt.Sprintf("%x", hidden), fmt.Sprintf("%X", hidden)} {
		t.Run("SEC-6 no print shows the secret as "+leak, func(t *testing.T) {
			if strings.Contains(shown.String(), leak) {
				t.Errorf("shown:\n%s", shown.String())
			}
		})
	}
	if !strings.Contains(shown.String(), redacted) {
		t.Error("nothing was redacted")
	}
}

func TestStateFolder(t *testing.T) {
	for mode, ok := range map[os.FileMode]bool{0o700: true, 0o755: true, 0o770: false, 0o777: false, 0o702: false} {
		o := newOffice(t, "")
		if err := os.Mkdir(o.path("state"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(o.path("state"), mode); err != nil {
			t.Fatal(err)
		}
		if !ok {
			o.refused("bridge.yaml:1:8: state:", fmt.Sprintf("mode %04o", mode), "chmod 700 "+o.path("state"))
			if err := (Config{State: o.path("state")}).MakeState(); err == nil {
				t.Errorf("mode %04o: MakeState took it", mode)
			}
			continue
		}
		if got := o.load().State; got != o.path("state") {
			t.Errorf("state folder %s", got)
		}
	}
	t.Run("a file", func(t *testing.T) {
		o := newOffice(t, "")
		o.write("state", 0o600, "")
		o.refused("is not a folder")
	})
	t.Run("made when missing", func(t *testing.T) {
		o := newOffice(t, "")
		cfg := o.load()
		if err := cfg.MakeState(); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(cfg.State); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("state folder: %v %v", info.Mode(), err)
		}
		if err := cfg.MakeState(); err != nil {
			t.Errorf("the second time: %v", err)
		}
	})
}

func TestTrustRoots(t *testing.T) {
	tls := strings.Replace(base, "tcp://127.0.0.1\"", "tls://x.example.org\", tls_ca_file: ca.pem", 1)
	o := newOffice(t, "")
	o.write("bridge.yaml", 0o644, tls)
	o.refused("ca.pem: there is no such file")
	o.write("ca.pem", 0o644, "nothing")
	o.refused("holds no certificate")
	cert := selfSigned(t)
	o.write("ca.pem", 0o644, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})))
	roots := o.load().Upstream.TLSRoots
	if _, err := cert.Verify(x509.VerifyOptions{Roots: roots}); roots == nil || err != nil {
		t.Errorf("the CA is not trusted: %v", err)
	}
}

func selfSigned(t *testing.T) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true,
		NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// Problems of the text and of the files it names come together, in order.
func TestLoadReportsEverything(t *testing.T) {
	o := newOffice(t, "access: {mesh: open}\n")
	o.write("secret", 0o644, hidden)
	_, err := Load(o.path("bridge.yaml"))
	lines := strings.Split(fmt.Sprint(err), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], "chmod") || !strings.Contains(lines[1], "access.mesh") {
		t.Errorf("got:\n%s", strings.Join(lines, "\n"))
	}
}

func TestLoadWithoutAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bridge.yaml")
	_, err := Load(path)
	if err == nil || !strings.HasPrefix(err.Error(), path+": there is no such file; ") {
		t.Errorf("got %v", err)
	}
	_, err = Load(filepath.Dir(path))
	if err == nil || !strings.Contains(err.Error(), "is not a regular file") {
		t.Errorf("got %v", err)
	}
}

// Somebody exchanges the file again and again while it is read: the mode that is
// judged is that of the file whose bytes are taken.
func TestSecretFileIsLookedUpOnce(t *testing.T) {
	o := newOffice(t, "")
	stop, stopped := make(chan struct{}), make(chan error)
	go func() { stopped <- o.exchange(stop) }()
	for range 2000 {
		cfg, err := Load(o.path("bridge.yaml"))
		if got := cfg.Upstream.Secret.Reveal(); err == nil && got != hidden {
			t.Errorf("SEC-6: took %q, which everybody can read", got)
			break
		}
	}
	close(stop)
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
}

// exchange puts now a private secret in place, now a public one.
func (o office) exchange(stop <-chan struct{}) error {
	for i := 0; ; i++ {
		select {
		case <-stop:
			return nil
		default:
		}
		text, mode := hidden, os.FileMode(0o600)
		if i%2 == 0 {
			text, mode = "public", 0o644
		}
		next := o.path("next")
		if err := errors.Join(os.WriteFile(next, []byte(text), mode), os.Chmod(next, mode), os.Rename(next, o.path("secret"))); err != nil {
			return err
		}
	}
}
