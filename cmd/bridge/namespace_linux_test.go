package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// asFurnished says how the program's network namespace is to be furnished before it
// begins: "lo" brings the loopback up, "lo without IPv6" does so on a host that has none.
const asFurnished = "MESHBRIDGE_TEST_FURNISH"

func furnish(how string) error {
	if how == "" {
		return nil
	}
	if how == "lo without IPv6" {
		if err := os.WriteFile("/proc/sys/net/ipv6/conf/all/disable_ipv6", []byte("1"), 0); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, lo)
}

// inNamespace runs the program in a fresh network namespace. It reports false where the
// kernel makes none for this user, which CI refuses.
func inNamespace(t *testing.T, how string, env []string, args ...string) (said string, code int, ok bool) {
	t.Helper()
	cmd := program(t, args...)
	cmd.Env = append(cmd.Env, env...)
	return isolated(t, cmd, how)
}

// isolated runs a command in a fresh network namespace, as a user who is nobody outside.
func isolated(t *testing.T, cmd *exec.Cmd, how string) (said string, code int, ok bool) {
	t.Helper()
	cmd.Env = append(cmd.Environ(), asFurnished+"="+how)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("no network namespace: %v", err)
		}
		t.Logf("*** NOT PROVEN: no network namespace for this user: %v", err)
		return "", 0, false
	}
	return string(out), cmd.ProcessState.ExitCode(), true
}

// aside plays the whole test that t belongs to in another process, whose loopback
// nobody else is on. It reports false in that process, and where there can be none: the
// test is to be played here then.
func aside(t *testing.T) bool {
	t.Helper()
	if os.Getenv(asFurnished) != "" {
		return false
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	whole, _, _ := strings.Cut(t.Name(), "/")
	said, code, ok := isolated(t, exec.Command(self, "-test.run=^"+whole+"$", "-test.timeout=3m"), "lo")
	if ok && code != 0 {
		t.Errorf("exit %d: %s", code, said)
	}
	return ok
}

func TestDemoOnAnyLinux(t *testing.T) {
	t.Parallel()
	none := filepath.Join(t.TempDir(), "none")
	for _, c := range []struct {
		name, how string
		env, args []string
		code      int
		want      string
	}{
		{"in a fresh namespace the loopback is down", "", nil, nil, exitRuntime, "the interface lo is down; as root: ip link set lo up"},
		{"nothing but a loopback", "lo", []string{"HOME=" + none}, nil, exitOK, "Both directions work."},
		{"no IPv6", "lo without IPv6", nil, nil, exitOK, "Both directions work."},
		{"an interface that is not there", "lo", nil, []string{"-i", "l0"}, exitRuntime, `no interface "l0"; did you mean lo?`},
		{"no folder to write to", "lo", []string{"TMPDIR=" + none}, nil, exitRuntime, "set TMPDIR to a folder that you may write to"},
	} {
		t.Run(c.name, func(t *testing.T) {
			said, code, ok := inNamespace(t, c.how, c.env, append([]string{"demo"}, c.args...)...)
			if ok && (code != c.code || !strings.Contains(said, c.want)) {
				t.Errorf("exit %d, want %d and %q:\n%s", code, c.code, c.want, said)
			}
		})
	}
}

func TestBrowseOnAnyLinux(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, how string
		args      []string
		code      int
		want      string
	}{
		{"no interface does multicast", "lo", nil, exitUsage, "finds no interface that can do multicast (this host has lo); name one with -i"},
		{"nobody is there", "lo", []string{"-i", "lo"}, exitNotFound, "nobody is there on lo; look at another interface with -i"},
		{"no IPv6", "lo without IPv6", []string{"-i", "lo"}, exitNotFound, "nobody is there on lo"},
	} {
		t.Run(c.name, func(t *testing.T) {
			said, code, ok := inNamespace(t, c.how, nil, append([]string{"browse", "-t"}, c.args...)...)
			if ok && (code != c.code || !strings.Contains(said, c.want)) {
				t.Errorf("exit %d, want %d and %q:\n%s", code, c.code, c.want, said)
			}
		})
	}
}

func TestHolder(t *testing.T) {
	const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:14DF 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     7        0 11 1
   1: 00000000:14DF 00000000:0000 0A 00000000:00000000 00:00000000 00000000   101        0 4711 1
damaged
`
	uid, inode, ok := findSocket(table, 5343)
	if !ok || uid != "101" || inode != "4711" {
		t.Errorf("%q %q %v", uid, inode, ok)
	}
	if _, _, ok := findSocket(table, 14); ok {
		t.Error("a port that nobody has")
	}
	if got := owner("4294967290", "no such inode"); got != "a program of the user 4294967290" {
		t.Errorf("%q", got)
	}
}
