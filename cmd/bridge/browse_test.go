package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestBrowseMisuse(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"x"}, exitUsage, `does not know what to do with "x"; see office-bridge help browse`},
		{[]string{"-i", "nowhere0"}, exitUsage, "finds no interface nowhere0; this host has "},
		{[]string{"-i", ""}, exitUsage, "see office-bridge help browse"},
		{[]string{"-c", "/nowhere/bridge.yaml"}, exitUsage, "/nowhere/bridge.yaml: there is no such file"},
	} {
		code, out, errs := callProgram(append([]string{"browse"}, c.args...)...)
		if code != c.code || out != "" || !strings.Contains(errs, c.want) {
			t.Errorf("%q: exit %d, %q, %q", c.args, code, out, errs)
		}
	}
}

func TestBrowseOnce(t *testing.T) {
	t.Parallel() // it waits ten seconds for an interface
	path := configFile(t, strings.Replace(good, "lo, nowhere0", "nowhere0", 1))
	code, out, errs := callProgram("browse", "-t", "-c", path)
	if code != exitRuntime || out != "" || !strings.Contains(errs, "none of the interfaces nowhere0 is up") {
		t.Errorf("exit %d, %q, %q", code, out, errs)
	}
}

func TestBrowseTheDemo(t *testing.T) {
	t.Parallel()
	t.Run("LL-4-4 whoever is there is seen with port and address, and missed when gone", func(t *testing.T) {
		if !aside(t) { // where no other demo is
			browseTheDemo(t)
		}
	})
}

// browseTheDemo looks at the people of the demo, over real sockets, while it is there
// and after it has gone.
func browseTheDemo(t *testing.T) {
	stay := program(t, "demo", "--stay")
	said, err := stay.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := stay.Start(); err != nil {
		t.Fatal(err)
	}
	deadline := time.AfterFunc(time.Minute, func() { _ = stay.Process.Kill() })
	defer deadline.Stop()
	lines := bufio.NewScanner(said)
	for lines.Scan() && !strings.Contains(lines.Text(), "Staying on") {
	}
	go io.Copy(io.Discard, said)

	live := program(t, "browse", "--json", "-i", loopback(t))
	events, err := live.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := live.Start(); err != nil {
		t.Fatal(err)
	}
	defer time.AfterFunc(time.Minute, func() { _ = live.Process.Kill() }).Stop()
	seen := bufio.NewScanner(events)
	next := func(kind, instance string) map[string]any {
		t.Helper()
		for seen.Scan() {
			var e map[string]any
			if err := json.Unmarshal(seen.Bytes(), &e); err != nil {
				t.Fatalf("%v: %s", err, seen.Text())
			}
			if e["event"] == kind && e["instance"] == instance {
				return e
			}
		}
		t.Fatalf("never saw %s %s", kind, instance)
		return nil
	}
	if e := next("add", "juliet@pronto"); e["host"] != "pronto.local" || e["port"] == 0.0 || len(e["addresses"].([]any)) == 0 || len(e) != 7 {
		t.Errorf("%v", e)
	}
	if code, out, errs := callProgram("browse", "-t", "-i", loopback(t)); code != exitOK || errs != "" ||
		!strings.Contains(out, `alice\40example.org@office`) || !strings.Contains(out, "[proxy of gateway 0abf8254]") {
		t.Errorf("exit %d, %q, %q", code, out, errs)
	}
	if err := stay.Process.Signal(syscall.SIGHUP); err != nil { // the terminal was closed
		t.Fatal(err)
	}
	if err := stay.Wait(); err != nil {
		t.Errorf("demo: %v", err)
	}
	next("remove", "juliet@pronto")
	if err := live.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	for seen.Scan() {
	}
	if err := live.Wait(); err != nil {
		t.Errorf("browse: %v", err)
	}
}

func loopback(t *testing.T) string {
	t.Helper()
	for _, i := range localInterfaces() {
		if i.Flags&net.FlagLoopback != 0 {
			return i.Name
		}
	}
	t.Fatal("no loopback interface")
	return ""
}

func TestUnreadableConfigurationIsNoHindrance(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bridge.yaml")
	if err := os.WriteFile(path, []byte("colour: red\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := browseConfig(path); err == nil {
		t.Error("a named file that is broken is passed over")
	}
	if _, err := browseConfig(""); err != nil {
		t.Errorf("the usual file: %v", err)
	}
}
