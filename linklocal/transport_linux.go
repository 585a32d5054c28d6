package linklocal

import (
	"errors"
	"net"

	"golang.org/x/sys/unix"
)

// unsentTCP returns how many octets the peer's kernel has not acknowledged.
func unsentTCP(c *net.TCPConn) (n int, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	cerr := raw.Control(func(fd uintptr) { n, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) })
	if errors.Is(err, unix.ENOTTY) { // an emulation of Linux: as on other systems
		return 0, cerr
	}
	if cerr != nil {
		return 0, cerr
	}
	return n, err
}

// limitUnacked makes the kernel give up on a peer that acknowledges nothing for
// userTimeout (RFC 5482).
func limitUnacked(c net.Conn) {
	t, ok := c.(*net.TCPConn)
	if !ok {
		return
	}
	if raw, err := t.SyscallConn(); err == nil {
		// A kernel without the option falls back to its own, longer patience.
		_ = raw.Control(func(fd uintptr) {
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(userTimeout.Milliseconds()))
		})
	}
}
