//go:build unix

package linklocal

import "golang.org/x/sys/unix"

// openFiles raises the limit of open files as far as the kernel allows without
// privileges, and returns it.
func openFiles() (int, error) {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return 0, err
	}
	if l.Cur < l.Max {
		raised := unix.Rlimit{Cur: l.Max, Max: l.Max}
		if unix.Setrlimit(unix.RLIMIT_NOFILE, &raised) == nil { // else what we have has to do
			l = raised
		}
	}
	return int(min(l.Cur, manyFiles)), nil
}

// manyFiles is more than anybody needs; "unlimited" is no number to count with.
const manyFiles = 1 << 20
