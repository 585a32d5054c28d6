package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// checkState judges a state folder that exists already; a missing one is made
// when the bridge starts.
func (c *Config) checkState(r *report) {
	if r.bad["state"] {
		return
	}
	if what, do := judgeState(c.State); what != "" {
		r.fail("state", what, do)
	}
}

func judgeState(path string) (what, do string) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", ""
	case err != nil:
		return path + ": " + reason(err), "let the user that runs the service own it"
	case !info.IsDir():
		return path + " is not a folder", "name a folder that only this program uses"
	case info.Mode().Perm()&0o022 != 0:
		return fmt.Sprintf("%s: group or others may write to it (mode %04o)", path, info.Mode().Perm()), "run chmod 700 " + path
	}
	return "", ""
}

// suspectState looks whether a state folder that does not exist can be made.
func (c *Config) suspectState(r *report, mayWrite func(folder string) bool) {
	above := c.State
	for {
		if _, err := os.Stat(above); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		above = filepath.Dir(above)
	}
	if above != c.State && !mayWrite(above) {
		r.warn("state", c.State+" does not exist and this user may not make it in "+above,
			"fine if the service's user may, or systemd makes it; else run as root install -d -m 0700 -o "+me()+" "+c.State)
	}
}

func mayWrite(folder string) bool { return unix.Access(folder, unix.W_OK) == nil }

// MakeState creates the state folder with mode 0700, parents included, and
// refuses one that group or others may write to. The error says what to do.
func (c Config) MakeState() error {
	if err := os.MkdirAll(c.State, 0o700); err != nil {
		return fmt.Errorf("state folder %s: %s; make it, or name another in state:, and let the user that runs the service own it", c.State, reason(err))
	}
	if what, do := judgeState(c.State); what != "" {
		return fmt.Errorf("state folder %s; %s", what, do)
	}
	return nil
}
