//go:build linux

package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

// netnsPrefix begins the name of every namespace of ours; the process id
// follows, so that runs do not meet and a later run can tell what is stale.
const netnsPrefix = "meshbridge-e2e-"

var officeCount atomic.Int64 // makes names unique within this process

// A namespace is one machine of the office, or its router.
type namespace struct {
	name  string     // as ip-netns(8) knows it
	role  string     // srv, router, pronto, …
	owner testing.TB // the test that ends it, and all that runs in it
}

// newNamespace makes a namespace with its loopback up and IPv6 addresses
// usable at once; it goes when t ends.
func newNamespace(t testing.TB, office int64, role string) *namespace {
	t.Helper()
	n := &namespace{name: fmt.Sprintf("%s%d-%d-%s", netnsPrefix, os.Getpid(), office, role), role: role, owner: t}
	ip(t, "netns", "add", n.name)
	t.Cleanup(func() {
		if out, err := exec.Command("ip", "netns", "del", n.name).CombinedOutput(); err != nil {
			t.Errorf("ip netns del %s: %v: %s", n.name, err, out)
		}
	})
	n.sysctl(t, "net/ipv6/conf/all/accept_dad", "0")
	n.sysctl(t, "net/ipv6/conf/default/accept_dad", "0")
	n.ip(t, "link", "set", "lo", "up")
	return n
}

// ip runs ip(8) in the namespace of the test itself.
func ip(t testing.TB, args ...string) {
	t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// ip runs ip(8) in n.
func (n *namespace) ip(t testing.TB, args ...string) {
	t.Helper()
	ip(t, append([]string{"-n", n.name}, args...)...)
}

// connect lays a cable between two namespaces and lifts both ends.
func connect(t testing.TB, a *namespace, aName string, b *namespace, bName string) {
	t.Helper()
	a.ip(t, "link", "add", aName, "type", "veth", "peer", "name", bName, "netns", b.name)
	a.ip(t, "link", "set", aName, "up")
	b.ip(t, "link", "set", bName, "up")
}

// sysctl writes one value below /proc/sys as n sees it.
func (n *namespace) sysctl(t testing.TB, key, value string) {
	t.Helper()
	err := n.do(func() error { return os.WriteFile(filepath.Join("/proc/sys", key), []byte(value), 0) })
	if err != nil {
		t.Fatalf("sysctl %s=%s in %s: %v", key, value, n.role, err)
	}
}

// do runs f on a thread that stands in n. Sockets that f opens stay in n for
// ever; f must open them itself and not leave that to another goroutine.
func (n *namespace) do(f func() error) error {
	done := make(chan error)
	go func() { done <- n.visit(f) }()
	return <-done
}

// visit moves the calling goroutine's thread into n, runs f and comes back. A
// thread that cannot come back stays locked and so dies with its goroutine.
func (n *namespace) visit(f func() error) error {
	runtime.LockOSThread()
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return err
	}
	defer home.Close()
	there, err := os.Open(filepath.Join("/run/netns", n.name))
	if err != nil {
		return err
	}
	defer there.Close()
	if err := unix.Setns(int(there.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("entering %s: %w", n.name, err)
	}
	result := f()
	if err := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("leaving %s: %w", n.name, err)
	}
	runtime.UnlockOSThread()
	return result
}

// device returns the index of a device of n.
func (n *namespace) device(name string) (index int, err error) {
	err = n.do(func() error {
		i, err := net.InterfaceByName(name)
		if err == nil {
			index = i.Index
		}
		return err
	})
	return index, err
}

// removeStale deletes the namespaces of earlier runs that were killed before
// they could clean up: those whose process is gone.
func removeStale() {
	left, _ := filepath.Glob("/run/netns/" + netnsPrefix + "*")
	for _, path := range left {
		name := filepath.Base(path)
		pid, _, _ := strings.Cut(strings.TrimPrefix(name, netnsPrefix), "-")
		if _, err := os.Stat("/proc/" + pid); os.IsNotExist(err) {
			_ = exec.Command("ip", "netns", "del", name).Run() // best effort: another run may be doing the same
			_ = os.RemoveAll(filepath.Join(netnsEtc, name))
		}
	}
}
