package store

import (
	"os"
	"runtime"
	"syscall"
	"testing"
)

// asNobody runs f without root's rights over files, where the test has them. They
// belong to a thread, so the thread goes with the goroutine.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		var err error
		if os.Geteuid() == 0 {
			err = syscall.Setfsuid(65534)
		}
		f()
		done <- err
	}()
	must(t, <-done)
}
