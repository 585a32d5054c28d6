//go:build linux

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// tools are the files that the office starts. TestMain fills it in once.
var tools struct {
	driver string // purple/driver.c, compiled
	alice  string // alice.py
	folder string // for what is built
}

// A need is one thing the office cannot do without.
type need struct {
	what string
	met  func() error
}

func program(name string) need {
	return need{"program " + name, func() error { _, err := exec.LookPath(name); return err }}
}

func works(what string, argv ...string) need {
	return need{what, func() error {
		if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %s", err, strings.TrimSpace(string(out)))
		}
		return nil
	}}
}

func root() error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("user id is %d", os.Geteuid())
	}
	return nil
}

// namespaces tries what every office does: make a namespace, run in it, mount
// over /run there.
func namespaces() error {
	name := fmt.Sprintf("%s%d-0-probe", netnsPrefix, os.Getpid())
	if out, err := exec.Command("ip", "netns", "add", name).CombinedOutput(); err != nil {
		return fmt.Errorf("ip netns add: %v: %s", err, out)
	}
	defer func() { _ = exec.Command("ip", "netns", "del", name).Run() }() // a leftover goes with the next run
	out, err := exec.Command("ip", "netns", "exec", name, "sh", "-ec",
		"mount -t tmpfs tmpfs /run; ip link add v0 type veth peer name v1; ip link add b0 type bridge").CombinedOutput()
	if err != nil {
		return fmt.Errorf("%v: %s", err, out)
	}
	return nil
}

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	os.Setenv("PATH", os.Getenv("PATH")+":/usr/local/sbin:/usr/sbin:/sbin")
	if lacking := missing(); len(lacking) > 0 {
		return refuse(lacking)
	}
	removeStale()
	folder, err := os.MkdirTemp("", "meshbridge-e2e-tools-")
	if err != nil {
		return broken(err)
	}
	defer os.RemoveAll(folder)
	here, err := os.Getwd()
	if err != nil {
		return broken(err)
	}
	tools.folder, tools.alice = folder, filepath.Join(here, "alice.py")
	if tools.driver, err = compileDriver(folder); err != nil {
		return broken(err)
	}
	return m.Run()
}

// missing lists what the office lacks here.
func missing() []string {
	needs := []need{
		{"the root user", root},
		program("ip"), program("mount"), program("dbus-daemon"), program("avahi-daemon"),
		program("avahi-publish"), program("avahi-browse"), program("avahi-resolve"), program("prosody"), program("erl"), program("stunnel4"), program("gcc"), program("pkg-config"), program("go"),
		works("libpurple's header files", "pkg-config", "--exists", "--print-errors", "purple"),
		works("Debian's python3 with slixmpp", "/usr/bin/python3", "-c", "import slixmpp"),
		works("Debian's python3 with zeroconf", "/usr/bin/python3", "-c", "import zeroconf"),
		{"ejabberd", func() error { _, err := ejabberdLibraries(); return err }},
		{"network namespaces, veth and bridge devices", namespaces},
	}
	var lacking []string
	for _, n := range needs {
		if err := n.met(); err != nil {
			lacking = append(lacking, fmt.Sprintf("%s (%v)", n.what, err))
		}
	}
	return lacking
}

// refuse says what is missing, loudly; that is a failure in CI only.
func refuse(lacking []string) int {
	fmt.Printf(`
==============================================================================
 e2e: THE OFFICE TESTS DID NOT RUN. Missing here:
   %s
 What to do: on Debian, as root,
   apt-get install -y --no-install-recommends $(grep -v '^#' e2e/packages.txt)
 and run the tests as root, in a VM or a container that may make network
 namespaces (docker: --privileged).
==============================================================================

`, strings.Join(lacking, "\n   "))
	if os.Getenv("CI") == "true" {
		return 1
	}
	return 0
}

func broken(err error) int {
	fmt.Println("e2e:", err)
	return 1
}

// compileDriver builds Juliet's client.
func compileDriver(folder string) (string, error) {
	flags, err := exec.Command("pkg-config", "--cflags", "--libs", "purple").Output()
	if err != nil {
		return "", fmt.Errorf("pkg-config purple: %w", err)
	}
	driver := filepath.Join(folder, "driver")
	args := append([]string{"-std=gnu11", "-O1", "-Wall", "-Wextra", "-o", driver, "purple/driver.c"},
		strings.Fields(string(flags))...)
	if out, err := exec.Command("gcc", args...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("compiling purple/driver.c: %w\n%s", err, out)
	}
	return driver, nil
}

// The program under test, built once each: with the race detector for all
// behaviour, without it where its size and speed are measured.
var (
	racing  = sync.OnceValues(func() (string, error) { return build("bridge-race", "-race") })
	plainly = sync.OnceValues(func() (string, error) { return build("bridge") })
)

func build(name string, flags ...string) (string, error) {
	binary := filepath.Join(tools.folder, name)
	args := append(append([]string{"build"}, flags...), "-o", binary, "meshbridge/cmd/bridge")
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return binary, nil
}
