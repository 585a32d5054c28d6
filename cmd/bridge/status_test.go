package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"meshbridge/bridge/control"
)

// asked starts the program with a control socket in a short folder, and returns it, its
// configuration and the flags that lead to it.
func asked(t *testing.T) (r *running, config, socket string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "asked")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket = filepath.Join(dir, "s")
	config = configFile(t, strings.Replace(lonely, `{socket: ""}`, "{socket: "+socket+"}", 1))
	r = start(t, nil, "run", "-c", config)
	r.until("msg=starting")
	r.until("not connected to the server")
	untilStatus(t, socket, "-> see whether the server runs") // the log is a moment ahead of it
	return r, config, socket
}

// untilStatus waits until status has part.
func untilStatus(t *testing.T, socket, part string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; <-time.After(10 * time.Millisecond) {
		_, out, _ := callProgram("status", "--socket", socket)
		if strings.Contains(out, part) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("no %q in\n%s", part, out)
		}
	}
}

func TestStatus(t *testing.T) {
	r, path, socket := asked(t)
	t.Run("degraded, with a next step for each trouble", func(t *testing.T) {
		t.Setenv("LC_ALL", "C.UTF-8")
		code, out, errs := callProgram("status", "-c", path)
		if code != exitDegraded || errs != "" {
			t.Fatalf("exit %d, %q\n%s", code, errs, out)
		}
		for _, part := range []string{"degraded\n", "✗ upstream ", "lan.example.org at [fe80::1%lo]:5347", "-> see whether the server runs", "✗ nowhere0 ", "-> bring it up, or correct linklocal.interfaces", "outbox       empty; kept on disk"} {
			if !strings.Contains(out, part) {
				t.Errorf("no %q in\n%s", part, out)
			}
		}
	})
	t.Run("no more than ASCII for a terminal that has no more", func(t *testing.T) {
		t.Setenv("LC_ALL", "C")
		_, out, _ := callProgram("status", "--socket", socket)
		if strings.ContainsFunc(out, func(r rune) bool { return r > '~' }) || !strings.Contains(out, "x nowhere0 ") {
			t.Errorf("%s", out)
		}
	})
	t.Run("PRIV-6 O3 --json holds all of it and no secret", func(t *testing.T) {
		code, out, _ := callProgram("status", "--json", "--socket", socket)
		var s control.Status
		if err := json.Unmarshal([]byte(out), &s); err != nil || code != exitDegraded || strings.Count(out, "\n") != 1 {
			t.Fatalf("exit %d, %v: %s", code, err, out)
		}
		if s.State != "degraded" || s.PID != r.cmd.Process.Pid || s.Memory.RSS < 1<<20 || s.Config.File != path || len(s.Interfaces) != 2 || len(s.Troubles) < 2 {
			t.Errorf("%+v", s)
		}
		for _, trouble := range s.Troubles {
			if trouble.What == "" || trouble.Next == "" {
				t.Errorf("%+v", trouble)
			}
		}
		if strings.Contains(out, "marker-of-a-secret") {
			t.Error("the secret is told")
		}
	})
	t.Run("-w goes on until interrupted", func(t *testing.T) {
		w := program(t, "status", "-w", "--socket", socket)
		out, err := w.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = w.Process.Kill() })
		var seen bytes.Buffer
		buf := make([]byte, 4096)
		for strings.Count(seen.String(), clear+"meshbridge ") < 2 {
			n, err := out.Read(buf)
			if err != nil {
				t.Fatalf("%v after %q", err, seen.String())
			}
			seen.Write(buf[:n])
		}
		if err := w.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		for {
			if _, err := out.Read(buf); err != nil {
				break
			}
		}
		if _ = w.Wait(); w.ProcessState.ExitCode() != exitDegraded {
			t.Errorf("exit %d", w.ProcessState.ExitCode())
		}
	})
	t.Run("the outbox is empty, and nothing can be dropped without a server", func(t *testing.T) {
		if code, out, errs := callProgram("outbox", "list", "--socket", socket); code != exitOK || out != "nothing waits\n" {
			t.Errorf("exit %d, %q, %q", code, out, errs)
		}
		if code, out, errs := callProgram("outbox", "drop", "1", "--socket", socket); code != exitRuntime || out != "" || !strings.Contains(errs, "nobody could be told; try again") {
			t.Errorf("exit %d, %q, %q", code, out, errs)
		}
	})
	t.Run("a bad configuration: the old one is kept, and why is shown", func(t *testing.T) {
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(good, "colour: red\n"...), 0o600); err != nil {
			t.Fatal(err)
		}
		code, out, errs := callProgram("reload", "--socket", socket)
		if code != exitRuntime || out != "" || !strings.Contains(errs, "reload refused, the former configuration stays in force: "+path+":5:1: colour: unknown key") {
			t.Errorf("exit %d, %q, %q", code, out, errs)
		}
		if _, out, _ := callProgram("status", "--socket", socket); !strings.Contains(out, path+":5:1: colour: unknown key") || !strings.Contains(out, "reload; until then the former one holds") {
			t.Errorf("status says\n%s", out)
		}
		r.until(":5:1: colour: unknown key")
		if err := os.WriteFile(path, good, 0o600); err != nil {
			t.Fatal(err)
		}
		if code, out, errs := callProgram("reload", "--socket", socket); code != exitOK || out != "reloaded; begun anew: upstream\n" {
			t.Errorf("exit %d, %q, %q", code, out, errs)
		}
		if _, out, _ := callProgram("status", "--socket", socket); strings.Contains(out, "colour") {
			t.Errorf("status still says\n%s", out)
		}
	})
	t.Run("the socket moves with the configuration", func(t *testing.T) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(strings.Replace(string(data), socket, socket+"2", 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, out, errs := callProgram("reload", "--socket", socket); code != exitOK || out != "reloaded; begun anew: upstream, control\n" {
			t.Errorf("exit %d, %q, %q", code, out, errs)
		}
		if code, _, errs := callProgram("status", "--socket", socket); code != exitRuntime || !strings.Contains(errs, "no bridge answers at "+socket) {
			t.Errorf("exit %d, %q", code, errs)
		}
		if code, _, errs := callProgram("status", "-c", path); code != exitDegraded {
			t.Errorf("exit %d, %q", code, errs)
		}
	})
	r.signal(syscall.SIGTERM)
	if code := r.ends(); code != exitOK {
		t.Errorf("exit %d", code)
	}
	if _, err := os.Lstat(socket + "2"); err == nil {
		t.Error("the socket is left behind")
	}
}

func TestNobodyToAsk(t *testing.T) {
	path := configFile(t, lonely)
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"status", "--socket", "/nowhere/s"}, exitRuntime, "no bridge answers at /nowhere/s; start it with "},
		{[]string{"status", "-c", path}, exitUsage, `control.socket is "" there`},
		{[]string{"status", "-c", "/nowhere/bridge.yaml"}, exitUsage, "there is no such file"},
		{[]string{"status", "x"}, exitUsage, `does not know what to do with "x"`},
		{[]string{"outbox", "drop", "--socket", "/nowhere/s"}, exitUsage, "takes list, or drop"},
		{[]string{"outbox", "drop", "1", "--to", "x"}, exitUsage, "takes list, or drop"},
		{[]string{"outbox", "drop", "one"}, exitUsage, `"one" is not the number of a message`},
		{[]string{"outbox", "lost"}, exitUsage, "takes list, or drop"},
		{[]string{"outbox", "--socket", "/nowhere/s"}, exitRuntime, "no bridge answers at /nowhere/s"},
		{[]string{"reload", "--socket", "/nowhere/s"}, exitRuntime, "no bridge answers at /nowhere/s"},
		{[]string{"browse", "--socket", "/nowhere/s"}, exitRuntime, "no bridge answers at /nowhere/s"},
	} {
		code, out, errs := callProgram(c.args...)
		if code != c.code || out != "" || !strings.Contains(errs, c.want) {
			t.Errorf("%q: exit %d, %q, %q; want %d and %q", c.args, code, out, errs, c.code, c.want)
		}
	}
}
