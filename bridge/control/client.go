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
	"syscall"
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
)

// Ask puts a question to the bridge at the socket path and hands each item of the answer
// to take, whose error ends it. It returns when the answer or ctx ends.
func Ask(ctx context.Context, path string, r Request, take func(item json.RawMessage) error) error {
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
	err = listenTo(conn, take)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func unreachable(err error) error {
	switch {
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
