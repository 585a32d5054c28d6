//go:build unix && !linux

package mdns

import "errors"

// Watch cannot tell of anything here.
func (sockets) Watch(func()) (stop func(), err error) {
	return nil, errors.ErrUnsupported
}
