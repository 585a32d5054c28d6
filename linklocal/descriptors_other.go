//go:build !unix

package linklocal

import "errors"

func openFiles() (int, error) { return 0, errors.ErrUnsupported }
