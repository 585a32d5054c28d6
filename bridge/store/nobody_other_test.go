//go:build !linux

package store

import "testing"

// asNobody runs f, which must not be run as root: elsewhere a thread has no rights
// of its own over files.
func asNobody(_ *testing.T, f func()) { f() }
