package config

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode"
)

// readSecret fetches the secret from the file or the variable that the text names.
// Neither the secret nor a part of it ever stands in a problem (SEC-6).
func (u *Upstream) readSecret(r *report) {
	switch {
	case r.bad["upstream.secret_file"] || r.bad["upstream.secret_env"]:
	case u.SecretEnv != "":
		plain := os.Getenv(u.SecretEnv)
		u.acceptSecret(plain, "upstream.secret_env", "the variable "+u.SecretEnv, r)
	case u.SecretFile != "":
		u.readSecretFile(r)
	}
}

func (u *Upstream) readSecretFile(r *report) {
	const key = "upstream.secret_file"
	makeOne := "make one as the user that runs the service: (umask 077; " + r.program + " secret > " + u.SecretFile + ")"
	f, info, err := openFile(u.SecretFile)
	switch {
	case errors.Is(err, fs.ErrPermission):
		r.fail(key, u.SecretFile+": "+reason(err), "run this as the user that runs the service, or as root chown "+me()+" "+u.SecretFile)
		return
	case err != nil:
		r.fail(key, u.SecretFile+": "+reason(err), makeOne)
		return
	}
	defer f.Close()
	if mode := info.Mode().Perm(); mode&tooOpen(u.SecretFile) != 0 {
		r.fail(key, fmt.Sprintf("%s: group or others may use it (mode %04o)", u.SecretFile, mode), "run chmod 600 "+u.SecretFile)
		return
	}
	r.secretOwner = ownerOf(info)
	data, err := readOpen(f, maxSecret)
	if err != nil {
		r.fail(key, u.SecretFile+": "+reason(err), makeOne)
		return
	}
	plain, _ := strings.CutSuffix(string(data), "\n")
	u.acceptSecret(plain, key, u.SecretFile, r)
}

// tooOpen is the permission bits that a secret file must not have. A file that
// systemd handed to this service alone carries its access list in the group
// bits, and its folder is closed to everybody else.
func tooOpen(path string) fs.FileMode {
	folder := os.Getenv("CREDENTIALS_DIRECTORY")
	if folder != "" && filepath.Dir(path) == filepath.Clean(folder) {
		return 0o007
	}
	return 0o077
}

// acceptSecret takes one line as it is, spaces included: the server compares
// every byte.
func (u *Upstream) acceptSecret(plain, key, where string, r *report) {
	switch {
	case plain == "":
		r.fail(key, where+" holds no secret", "put the component's secret there, on one line")
	case strings.HasSuffix(plain, "\r"):
		r.fail(key, where+" ends its line with a carriage return, as editors of Windows do", "run sed -i 's/\\r$//' "+where)
	case strings.Contains(plain, "\n"):
		r.fail(key, where+" holds more than one line", "leave one line with the secret and end it with a newline or nothing")
	case strings.ContainsFunc(plain, unicode.IsControl):
		r.fail(key, where+" holds a control character", "leave one line with the secret and end it with a newline or nothing")
	default:
		u.Secret = NewSecret(plain)
	}
}

// readRoots adds tls_ca_file to the trust roots of the system.
func (u *Upstream) readRoots(r *report) {
	const key = "upstream.tls_ca_file"
	if u.TLSCAFile == "" || r.bad[key] {
		return
	}
	data, err := readFile(u.TLSCAFile, maxCA)
	if err != nil {
		r.fail(key, u.TLSCAFile+": "+reason(err), "write the path of a PEM file with the certificate of your authority")
		return
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool() // a router may have no bundle at all
	}
	if !roots.AppendCertsFromPEM(data) {
		r.fail(key, u.TLSCAFile+" holds no certificate", "write the path of a PEM file that has BEGIN CERTIFICATE in it")
		return
	}
	u.TLSRoots = roots
}
