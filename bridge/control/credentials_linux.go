package control

import (
	"net"

	"golang.org/x/sys/unix"
)

// credentialsOf asks the kernel who connected (SO_PEERCRED).
func credentialsOf(conn *net.UnixConn) (credentials, error) {
	cred, err := ucred(conn)
	if err != nil {
		return credentials{}, err
	}
	return credentials{uid: int(cred.Uid), gid: int(cred.Gid)}, nil
}

// processOf is the process at the other end, 0 when it is not known.
func processOf(conn *net.UnixConn) int {
	cred, err := ucred(conn)
	if err != nil {
		return 0
	}
	return int(cred.Pid)
}

func ucred(conn *net.UnixConn) (cred *unix.Ucred, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	failed := raw.Control(func(fd uintptr) {
		cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if failed != nil {
		return nil, failed
	}
	return cred, err
}
