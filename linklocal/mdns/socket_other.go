//go:build unix && !linux

package mdns

import (
	"golang.org/x/sys/unix"
)

// findHolder is the command that shows who has port 5353.
const findHolder = "lsof -nP -iUDP:5353"

// socketOptions prepares a socket before it is bound.
func socketOptions(fd int, v6, reusePort bool) error {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return err
	}
	if reusePort {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
			return err
		}
	}
	if v6 {
		return unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1)
	}
	return nil
}
