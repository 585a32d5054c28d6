package mdns

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Watch has the kernel tell of changes to links and addresses (rtnetlink(7)). What it says
// is not read: the interfaces themselves say how they are, and a message that was lost
// because there were too many is as good as any other.
func (sockets) Watch(changed func()) (stop func(), err error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("mdns: netlink socket: %w", err)
	}
	groups := &unix.SockaddrNetlink{
		Family: unix.AF_NETLINK, Groups: unix.RTMGRP_LINK | unix.RTMGRP_IPV4_IFADDR | unix.RTMGRP_IPV6_IFADDR,
	}
	if err := unix.Bind(fd, groups); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("mdns: netlink groups: %w", err)
	}
	return follow(os.NewFile(uintptr(fd), "rtnetlink"), changed), nil
}

// follow calls changed for every message until stop is called.
func follow(news *os.File, changed func()) (stop func()) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for message := make([]byte, 4096); ; {
			if _, err := news.Read(message); err != nil && !errors.Is(err, unix.ENOBUFS) {
				return // closed
			}
			changed()
		}
	}()
	return func() { news.Close(); <-ended }
}
