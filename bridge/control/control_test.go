package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// serve opens a server in a folder of its own, whose path is short enough anywhere.
func serve(t *testing.T, h *host) (path string) {
	t.Helper()
	path = filepath.Join(folder(t), "run", "control.sock")
	s, err := Listen(path, -1, h, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return path
}

func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "control")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func status(ctx context.Context, path string) (s Status, err error) {
	err = Ask(ctx, path, Request{Ask: AskStatus}, func(item json.RawMessage) error { return json.Unmarshal(item, &s) })
	return s, err
}

func TestQuestions(t *testing.T) {
	h := new(host)
	path := serve(t, h)
	if s, err := status(t.Context(), path); err != nil || s.State != "ok" || s.Version != "test" {
		t.Errorf("status: %+v, %v", s, err)
	}
	var list []uint64
	err := Ask(t.Context(), path, Request{Ask: AskOutbox}, func(item json.RawMessage) error {
		var m Message
		list = append(list, 0)
		err := json.Unmarshal(item, &m)
		list[len(list)-1] = m.ID
		return err
	})
	if err != nil || len(list) != 2 || list[0] != 1 || list[1] != 2 {
		t.Errorf("outbox: %v, %v", list, err)
	}
	err = Ask(t.Context(), path, Request{Ask: AskDrop, IDs: []uint64{7}, To: "x"}, func(json.RawMessage) error { return nil })
	if err != nil || len(h.ids) != 1 || h.ids[0] != 7 || h.to != "x" {
		t.Errorf("drop: %v %q, %v", h.ids, h.to, err)
	}
	err = Ask(t.Context(), path, Request{Ask: AskReload}, nil)
	if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), ":4:1: colour: unknown key") {
		t.Errorf("reload: %v", err)
	}
	if err := Ask(t.Context(), path, Request{Ask: "dance"}, nil); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), `"dance"`) {
		t.Errorf("dance: %v", err)
	}
}

func TestWhoMayAsk(t *testing.T) {
	me := os.Geteuid()
	for _, c := range []struct {
		who  credentials
		gid  int
		want bool
	}{
		{credentials{uid: 0, gid: 0}, -1, true},
		{credentials{uid: me, gid: 12345}, -1, true},
		{credentials{uid: me + 54321, gid: 12345}, -1, false},
		{credentials{uid: me + 54321, gid: 0}, -1, false},
		{credentials{uid: me + 54321, gid: 12345}, 12345, true},
		{credentials{uid: me + 54321, gid: 1, groups: []int{5, 12345}}, 12345, true},
		{credentials{uid: me + 54321, gid: 1, groups: []int{5}}, 12345, false},
	} {
		if got := c.who.mayAsk(c.gid); got != c.want {
			t.Errorf("O4 %+v of group %d may ask: %v", c.who, c.gid, got)
		}
	}
}

func TestPermissions(t *testing.T) {
	path := serve(t, new(host))
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("O4 the socket: %v, %v", info.Mode(), err)
	}
	folder, err := os.Stat(filepath.Dir(path))
	if err != nil || folder.Mode().Perm() != 0o755 {
		t.Errorf("its folder: %v, %v", folder.Mode(), err)
	}
	if os.Geteuid() != 0 {
		t.Log("*** NOT PROVEN: only root can ask as somebody else")
		return
	}
	t.Run("O4 another user is refused by the mode, and by the kernel's word where the mode lets them", func(t *testing.T) {
		if err := os.Chmod(filepath.Dir(filepath.Dir(path)), 0o755); err != nil {
			t.Fatal(err)
		}
		if got := askAs(t, 65534, path); !strings.Contains(got, ErrNotAllowed.Error()) {
			t.Errorf("by the mode: %s", got)
		}
		if err := os.Chmod(path, 0o666); err != nil {
			t.Fatal(err)
		}
		if got := askAs(t, 65534, path); !strings.Contains(got, "you may not ask") {
			t.Errorf("by credentials: %s", got)
		}
	})
}

// askAs puts a question as another user, from a copy of this program that everybody may
// run.
func askAs(t *testing.T, uid uint32, path string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	dir := folder(t)
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "client"), program, 0o700), os.Chmod(dir, 0o755), os.Chmod(filepath.Join(dir, "client"), 0o755)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(dir, "client"))
	cmd.Dir, cmd.Env = "/", append(os.Environ(), asClient+"="+path)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

func TestWhatIsThereAlready(t *testing.T) {
	listen := func(path string) (*Server, error) { return Listen(path, -1, new(host), slog.New(slog.DiscardHandler)) }
	t.Run("the socket of a dead process is replaced", func(t *testing.T) {
		path := filepath.Join(folder(t), "s")
		dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		dead.SetUnlinkOnClose(false)
		dead.Close()
		s, err := listen(path)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if _, err := status(t.Context(), path); err != nil {
			t.Error(err)
		}
	})
	t.Run("one that answers is not, and who holds it is told", func(t *testing.T) {
		path := serve(t, new(host))
		_, err := listen(path)
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("process %d answers there; stop that one", os.Getpid())) {
			t.Errorf("%v", err)
		}
		if _, err := status(t.Context(), path); err != nil {
			t.Errorf("the one that was there: %v", err)
		}
	})
	t.Run("something else is left alone", func(t *testing.T) {
		path := filepath.Join(folder(t), "s")
		if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := listen(path); err == nil || !strings.Contains(err.Error(), "something else of that name; remove it") {
			t.Errorf("%v", err)
		}
		if data, _ := os.ReadFile(path); string(data) != "precious" {
			t.Error("it is gone")
		}
	})
	t.Run("a folder that cannot be made", func(t *testing.T) {
		_, err := listen(filepath.Join(folder(t), "no", "such", "s"))
		if err == nil || !strings.Contains(err.Error(), "make it for the user that runs the service") {
			t.Errorf("%v", err)
		}
	})
	t.Run("the socket goes with the bridge, and another's stays", func(t *testing.T) {
		path := filepath.Join(folder(t), "s")
		first, err := listen(path)
		if err != nil {
			t.Fatal(err)
		}
		os.Remove(path)
		second, err := listen(path)
		if err != nil {
			t.Fatal(err)
		}
		first.Close()
		if _, err := status(t.Context(), path); err != nil {
			t.Errorf("the second: %v", err)
		}
		second.Close()
		if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("left behind: %v", err)
		}
		if _, err := status(t.Context(), path); !errors.Is(err, ErrNotRunning) {
			t.Errorf("asked afterwards: %v", err)
		}
	})
}

// says writes octets to a socket and returns what comes back.
func says(t *testing.T, path, text string) string {
	t.Helper()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, text) // it may end before all is read
	_ = conn.(*net.UnixConn).CloseWrite()
	answer, _ := bufio.NewReader(conn).ReadString('\n')
	return answer
}

func TestBadQuestions(t *testing.T) {
	path := serve(t, new(host))
	for question, want := range map[string]string{
		"":                                       "a question is one line",
		"\n":                                     "one JSON object",
		"status\n":                               "one JSON object",
		`{"version":1,"ask":["status"]}` + "\n":  "one JSON object",
		`{"version":2,"ask":"status"}` + "\n":    "speaks version 1 here and was asked in version 2; restart the service",
		`{"version":1,"ask":"status"}`:           "a question is one line",
		strings.Repeat("x", maxRequest+1) + "\n": "at most 65536 octets",
	} {
		if got := says(t, path, question); !strings.Contains(got, want) {
			t.Errorf("%.40q: answered %q, want %q", question, got, want)
		}
	}
	if _, err := status(t.Context(), path); err != nil {
		t.Errorf("after all that: %v", err)
	}
}

func TestNobodyHoldsItUp(t *testing.T) {
	var stumbles atomic.Bool
	stumbles.Store(true)
	in := make(chan struct{}, maxClients)
	out := make(chan struct{}, maxClients)
	path := serve(t, &host{
		status: func(context.Context) (Status, error) {
			if stumbles.Swap(false) {
				panic("stumbled")
			}
			return Status{}, nil
		},
		browse: func(ctx context.Context, _ bool, _ func(any) error) error {
			in <- struct{}{}
			<-ctx.Done()
			out <- struct{}{}
			return ctx.Err()
		},
	})
	t.Run("a question that makes the host stumble ends nothing", func(t *testing.T) {
		if _, err := status(t.Context(), path); !errors.Is(err, ErrCutOff) {
			t.Errorf("%v", err)
		}
		if _, err := status(t.Context(), path); err != nil {
			t.Error(err)
		}
	})
	t.Run("so many at once, and room again when one leaves", func(t *testing.T) {
		ctx, leave := context.WithCancel(t.Context())
		defer leave()
		ended := make(chan error, maxClients)
		for range maxClients {
			go func() { ended <- Ask(ctx, path, Request{Ask: AskBrowse}, nil) }()
		}
		for range maxClients {
			<-in
		}
		if _, err := status(t.Context(), path); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "too many") {
			t.Errorf("one too many: %v", err)
		}
		leave()
		for range maxClients {
			<-out
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Errorf("who left: %v", err)
			}
		}
		deadline := time.Now().Add(10 * time.Second)
		for {
			_, err := status(t.Context(), path)
			if err == nil {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal(err)
			}
		}
	})
	t.Run("Close cuts off who asks, and who has not asked yet", func(t *testing.T) {
		other := filepath.Join(folder(t), "s")
		h := &host{browse: func(ctx context.Context, _ bool, _ func(any) error) error { <-ctx.Done(); return ctx.Err() }}
		s, err := Listen(other, -1, h, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		idle, err := net.Dial("unix", other)
		if err != nil {
			t.Fatal(err)
		}
		defer idle.Close()
		asked := make(chan error, 1)
		go func() { asked <- Ask(t.Context(), other, Request{Ask: AskBrowse}, nil) }()
		began := time.Now()
		s.Close()
		if took := time.Since(began); took > 4*time.Second {
			t.Errorf("it took %v", took)
		}
		if err := <-asked; err == nil {
			t.Error("who asked was told that all is well")
		}
	})
}

func TestItems(t *testing.T) {
	h := &host{browse: func(_ context.Context, once bool, tell func(any) error) error {
		for n := range 3 {
			if err := tell(map[string]int{"n": n}); err != nil {
				return err
			}
		}
		if once {
			return nil
		}
		return errors.New("stop it")
	}}
	path := serve(t, h)
	var got []string
	take := func(item json.RawMessage) error { got = append(got, string(item)); return nil }
	if err := Ask(t.Context(), path, Request{Ask: AskBrowse, Once: true}, take); err != nil || strings.Join(got, " ") != `{"n":0} {"n":1} {"n":2}` {
		t.Errorf("%q, %v", got, err)
	}
	enough := errors.New("enough")
	if err := Ask(t.Context(), path, Request{Ask: AskBrowse}, func(json.RawMessage) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("%v", err)
	}
}

func FuzzRequest(f *testing.F) {
	for _, seed := range []string{`{"version":1,"ask":"status"}`, `{"version":1,"ask":"drop","ids":[1,2],"to":"a@b"}`, `{"version":1e9}`, `[]`, "null", "\x00", `{"ids":[-1]}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		r, err := parse(line)
		if err == nil && r.Version != Version {
			t.Errorf("%q was taken as %+v", line, r)
		}
	})
}

func FuzzReply(f *testing.F) {
	for _, seed := range []string{`{"item":{"a":1}}` + "\n" + `{"end":true}`, `{"error":"no"}`, "{}\n{}\n", "null", "\xff\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		_ = listenTo(strings.NewReader(string(answer)), func(json.RawMessage) error { return nil }) // it ends, somehow
	})
}
