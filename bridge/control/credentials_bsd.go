//go:build darwin || freebsd

package control

import (
	"errors"
	"net"

	"golang.org/x/sys/unix"
)

// credentialsOf asks the kernel who connected (LOCAL_PEERCRED, as getpeereid does).
func credentialsOf(conn *net.UnixConn) (credentials, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return credentials{}, err
	}
	var x *unix.Xucred
	failed := raw.Control(func(fd uintptr) {
		x, err = unix.GetsockoptXucred(int(fd), 0, unix.LOCAL_PEERCRED)
	})
	switch {
	case failed != nil:
		return credentials{}, failed
	case err != nil:
		return credentials{}, err
	case x.Ngroups < 1 || int(x.Ngroups) > len(x.Groups):
		return credentials{}, errors.New("the system does not say who connects")
	}
	c := credentials{uid: int(x.Uid), gid: int(x.Groups[0])}
	for _, g := range x.Groups[1:x.Ngroups] {
		c.groups = append(c.groups, int(g))
	}
	return c, nil
}

// processOf is the process at the other end, 0 when it is not known.
func processOf(*net.UnixConn) int { return 0 }
