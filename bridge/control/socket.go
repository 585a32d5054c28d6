package control

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// listen makes the socket at path, for the user of this process and, unless gid is
// negative, a group. One that a dead process left is replaced; one that answers is not.
func listen(path string, gid int) (*net.UnixListener, error) {
	if err := makeFolder(filepath.Dir(path)); err != nil {
		return nil, err
	}
	if err := clear(path); err != nil {
		return nil, err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("control socket %s: %w; let the user that runs the service own its folder, or name another in control.socket", path, reason(err))
	}
	l.SetUnlinkOnClose(false) // see close: it may be another's by then
	if err := share(path, gid); err != nil {
		l.Close()
		os.Remove(path)
		return nil, err
	}
	return l, nil
}

// share lets those connect who may ask. What they may is decided by credentials;
// this keeps the rest of the host away from even that.
func share(path string, gid int) error {
	if gid >= 0 {
		if err := os.Chown(path, -1, gid); err != nil {
			return fmt.Errorf("control socket %s cannot be given to the group %d: %w; let the service's user be a member of control.group", path, gid, reason(err))
		}
	}
	return os.Chmod(path, 0o660)
}

// makeFolder makes the folder of the socket, which everybody may pass through: the
// socket itself is the door.
func makeFolder(folder string) error {
	err := os.Mkdir(folder, 0o755)
	switch {
	case err == nil:
		return os.Chmod(folder, 0o755) // whatever the umask says
	case errors.Is(err, fs.ErrExist):
		return nil
	}
	return fmt.Errorf("control socket: the folder %s cannot be made: %w; make it for the user that runs the service (systemd does, by RuntimeDirectory=meshbridge), or name another in control.socket", folder, reason(err))
}

// clear removes what a dead process left at path.
func clear(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("control socket %s: %w; name another in control.socket", path, reason(err))
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("control socket %s: there is something else of that name; remove it, or name another in control.socket", path)
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	switch {
	case errors.Is(err, fs.ErrNotExist): // it has just gone
		return nil
	case errors.Is(err, syscall.ECONNREFUSED): // nobody listens
		return os.Remove(path)
	case err != nil:
		return fmt.Errorf("control socket %s: somebody holds it and does not answer (%w); stop that one, or name another in control.socket", path, reason(err))
	}
	defer conn.Close()
	who := "another program"
	if pid := processOf(conn.(*net.UnixConn)); pid > 0 {
		who = "process " + strconv.Itoa(pid)
	}
	return fmt.Errorf("control socket %s: %s answers there; stop that one, or name another in control.socket", path, who)
}

// unlink removes our socket, unless another one is there by now.
func unlink(path string, ours fs.FileInfo) {
	if now, err := os.Lstat(path); err == nil && os.SameFile(now, ours) {
		os.Remove(path)
	}
}

// reason is a system's error without the path, which the message names already.
func reason(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}
