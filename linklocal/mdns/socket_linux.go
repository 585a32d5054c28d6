package mdns

import (
	"golang.org/x/sys/unix"
)

// findHolder is the command that shows who has port 5353.
const findHolder = "ss -ulnp sport = :5353"

// socketOptions prepares a socket before it is bound. IP_MULTICAST_ALL 0 keeps out what
// other programs joined on other interfaces; kernels without it (of IPv6 before 4.20, and
// emulations of Linux) live with the check of the interface index alone.
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
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_ALL, 0)
		return unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1)
	}
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_ALL, 0)
	return nil
}
