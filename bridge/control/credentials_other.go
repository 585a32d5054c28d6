//go:build !linux && !darwin && !freebsd

package control

import (
	"errors"
	"net"
)

// credentialsOf refuses: nobody attests who connects.
func credentialsOf(*net.UnixConn) (credentials, error) {
	return credentials{}, errors.New("this system does not say who connects")
}

// processOf is the process at the other end, 0 when it is not known.
func processOf(*net.UnixConn) int { return 0 }
