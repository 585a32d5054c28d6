package main

import (
	"bufio"
	"bytes"
	"errors"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestWatch(t *testing.T) {
	type at struct {
		after time.Duration // since the one before
		sig   os.Signal
	}
	for _, c := range []struct {
		name string
		sigs []at
		want []string
	}{
		{"nothing", nil, nil},
		{"SIGTERM", []at{{0, syscall.SIGTERM}}, []string{"stop"}},
		{"SIGINT", []at{{0, syscall.SIGINT}}, []string{"stop"}},
		{"the second ends at once", []at{{0, syscall.SIGTERM}, {sameWish, syscall.SIGINT}, {0, syscall.SIGTERM}}, []string{"stop", "exit 1"}},
		{"to a process and its group it is one", []at{{0, syscall.SIGTERM}, {sameWish - 1, syscall.SIGTERM}}, []string{"stop"}},
		{"SIGHUP stops nothing", []at{{0, syscall.SIGHUP}, {time.Second, syscall.SIGHUP}}, []string{"reload", "reload"}},
		{"SIGHUP is no second signal", []at{{0, syscall.SIGTERM}, {time.Second, syscall.SIGHUP}}, []string{"stop", "reload"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sigs := make(chan os.Signal)
				var did []string
				done := make(chan struct{})
				go func() {
					defer close(done)
					watch(sigs, slog.New(slog.DiscardHandler), func() { did = append(did, "stop") },
						func() { did = append(did, "reload") },
						func(code int) { did = append(did, "exit "+string(rune('0'+code))) })
				}()
				for _, s := range c.sigs {
					<-time.After(s.after)
					select {
					case sigs <- s.sig:
					case <-done:
					}
				}
				close(sigs)
				<-done
				if !slices.Equal(did, c.want) {
					t.Errorf("did %q, want %q", did, c.want)
				}
			})
		})
	}
}

// running is the program in a process of its own, whose log is read line by line.
type running struct {
	t    *testing.T
	cmd  *exec.Cmd
	log  *bufio.Scanner
	seen bytes.Buffer
}

func start(t *testing.T, env []string, args ...string) *running {
	t.Helper()
	cmd := program(t, args...)
	cmd.Env = append(cmd.Env, env...)
	errs, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	deadline := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	t.Cleanup(func() { deadline.Stop(); _ = cmd.Process.Kill() })
	return &running{t: t, cmd: cmd, log: bufio.NewScanner(errs)}
}

// until reads the log to a line that holds part.
func (r *running) until(part string) {
	r.t.Helper()
	for r.log.Scan() {
		r.seen.WriteString(r.log.Text() + "\n")
		if strings.Contains(r.log.Text(), part) {
			return
		}
	}
	r.t.Fatalf("the log never said %q:\n%s", part, r.seen.String())
}

// ends reads the rest of the log and returns the exit code.
func (r *running) ends() int {
	r.t.Helper()
	for r.log.Scan() {
		r.seen.WriteString(r.log.Text() + "\n")
	}
	var exit *exec.ExitError
	if err := r.cmd.Wait(); err != nil && !errors.As(err, &exit) {
		r.t.Fatal(err)
	}
	return r.cmd.ProcessState.ExitCode()
}

func (r *running) signal(s os.Signal) {
	r.t.Helper()
	if err := r.cmd.Process.Signal(s); err != nil {
		r.t.Fatal(err)
	}
}

// The address is not this machine's, and what is sent to it stays on the loopback
// interface: nobody answers there.
const lonely = `state: state/below
linklocal: {interfaces: [lo, nowhere0]}
upstream: {uri: "tcp://[fe80::1%25lo]", domain: lan.example.org, secret_file: secret, insecure_plaintext: true}
control: {socket: ""}
`

func TestRunUntilSIGTERM(t *testing.T) {
	path := configFile(t, lonely)
	socket := filepath.Join(t.TempDir(), "notify")
	systemd, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer systemd.Close()
	r := start(t, []string{"NOTIFY_SOCKET=" + socket, "JOURNAL_STREAM=8:1"}, "run", "-c", path)
	r.until("insecure_plaintext is set")
	r.until("if=nowhere0 here=")
	r.until("msg=starting")
	r.signal(syscall.SIGHUP)
	r.until("msg=reloaded")
	r.signal(syscall.SIGTERM)
	if code := r.ends(); code != exitOK {
		t.Errorf("exit %d", code)
	}
	said := r.seen.String()
	for _, part := range []string{"level=WARN msg=\"insecure_plaintext", "msg=\"stopping;", "msg=stopped"} {
		if !strings.Contains(said, part) {
			t.Errorf("the log lacks %s", part)
		}
	}
	if strings.Contains(said, "marker-of-a-secret") || strings.Contains(said, "time=") {
		t.Errorf("the log tells the secret, or a time under the journal")
	}
	state, err := os.Stat(filepath.Join(filepath.Dir(path), "state", "below"))
	if err != nil || state.Mode().Perm() != 0o700 {
		t.Errorf("state folder: %v, %v", state, err)
	}
	if got := received(t, systemd); !slices.Contains(got, "STOPPING=1") {
		t.Errorf("systemd was told %q", got)
	}
	if t.Failed() {
		t.Logf("log:\n%s", said)
	}
}

// received is every datagram that waits on the socket.
func received(t *testing.T, conn *net.UnixConn) (all []string) {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 512)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return all
		}
		if all = append(all, string(buf[:n])); all[len(all)-1] == "STOPPING=1" {
			return all
		}
	}
}

func TestRunRefusesTheConfiguration(t *testing.T) {
	path := configFile(t, lonely+"colour: red\n")
	r := start(t, nil, "run", "-c", path)
	if code := r.ends(); code != exitUsage || !strings.Contains(r.seen.String(), ":5:1: colour: unknown key; ") {
		t.Errorf("exit %d:\n%s", code, r.seen.String())
	}
}

func TestRunCannotMakeItsState(t *testing.T) {
	path := configFile(t, strings.Replace(lonely, "state/below", "secret/below", 1))
	r := start(t, nil, "run", "-c", path)
	if code := r.ends(); code == exitOK || !strings.Contains(r.seen.String(), "secret/below") {
		t.Errorf("exit %d:\n%s", code, r.seen.String())
	}
}
