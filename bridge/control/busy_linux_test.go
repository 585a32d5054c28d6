package control

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A bridge that is stopped, or has no time to let anybody in, still holds its socket,
// and nobody who asks waits for ever.
func TestBusy(t *testing.T) {
	path := filepath.Join(folder(t), "s")
	nobody := func(json.RawMessage) error { return nil }
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	if err := ask(t.Context(), path, Request{Ask: AskStatus}, 50*time.Millisecond, nobody); !errors.Is(err, ErrMute) {
		t.Errorf("who is let wait: %v", err)
	}
	for range 8 { // until there is no room for one more
		conn, err := net.DialTimeout("unix", path, 50*time.Millisecond)
		if err != nil {
			break
		}
		defer conn.Close()
	}
	if err := Ask(t.Context(), path, Request{Ask: AskStatus}, nobody); !errors.Is(err, ErrMute) {
		t.Errorf("who is not let in: %v", err)
	}
	_, err = Listen(path, -1, new(host), slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("%v", err)
	}
	if _, err := os.Lstat(path); err != nil {
		t.Error("its socket was taken away")
	}
}
