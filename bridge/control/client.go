package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"syscall"
	"time"
)

// maxReply bounds a line of an answer: the status of ten thousand people.
const maxReply = 16 << 20

// Errors of [Ask], to be compared with errors.Is.
var (
	ErrNotRunning = errors.New("no bridge answers there")
	ErrNotAllowed = errors.New("this user may not ask")
	// ErrRefused wraps what the bridge answered instead of what was asked for; the
	// text says what to do.
	ErrRefused = errors.New("refused")
	ErrCutOff  = errors.New("the bridge ended in the middle of its answer")
	// ErrMute: a process holds the socket and says nothing. It is stopped, or stuck.
	ErrMute = errors.New("the bridge runs and does not answer")
)

// lag is how much longer than the bridge itself who asks waits.
const lag = 5 * time.Second

// Ask puts a question to the bridge at the socket path and hands each item of the answer
// to take, whose error ends it. It returns when the answer or ctx ends, and with ErrMute
// when a bridge is silent for longer than it may take: 15 s, for a reload 65 s. Only
// AskBrowse without Once has no such bound: on a LAN nothing may happen for hours.
func Ask(ctx context.Context, path string, r Request, take func(item json.RawMessage) error) error {
	patience := timeFor(r) + lag
	if r.Ask == AskBrowse && !r.Once {
		patience = 0
	}
	return ask(ctx, path, r, patience, take)
}

// ask waits at most so long for each line; 0 is for ever.
func ask(ctx context.Context, path string, r Request, patience time.Duration, take func(item json.RawMessage) error) error {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err != nil {
		return unreachable(err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	r.Version = Version
	question, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if _, err := conn.Write(append(question, '\n')); err != nil && !errors.Is(err, syscall.EPIPE) { // it may have said why
		return err
	}
	err = listenTo(patient{conn, patience}, take)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// patient is a connection on which nobody waits for ever.
type patient struct {
	net.Conn
	most time.Duration // 0: for ever
}

func (p patient) Read(b []byte) (int, error) {
	if p.most > 0 {
		if err := p.SetReadDeadline(time.Now().Add(p.most)); err != nil {
			return 0, err
		}
	}
	n, err := p.Conn.Read(b)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = ErrMute
	}
	return n, err
}

func unreachable(err error) error {
	switch {
	case errors.Is(err, syscall.EAGAIN): // there is no room to wait for it
		return ErrMute
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return ErrNotRunning
	case errors.Is(err, fs.ErrPermission):
		return ErrNotAllowed
	}
	return err
}

// listenTo reads an answer to its end.
func listenTo(conn io.Reader, take func(json.RawMessage) error) error {
	lines := bufio.NewScanner(conn)
	lines.Buffer(nil, maxReply)
	for lines.Scan() {
		var r Reply
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return fmt.Errorf("what answers is no bridge: %w", err)
		}
		switch {
		case r.Error != "":
			return fmt.Errorf("%w: %s", ErrRefused, r.Error)
		case r.End:
			return nil
		case r.Item != nil:
			if err := take(r.Item); err != nil {
				return err
			}
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return ErrCutOff
}
