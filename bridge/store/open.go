package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

var (
	// ErrHeld: another process has the file open.
	ErrHeld = errors.New("another process holds it")
	// ErrNewer: the file was written by a later version of this program.
	ErrNewer = errors.New("it was written by a newer version")
	// ErrForeign: the file belongs to another program.
	ErrForeign = errors.New("it is not a state file of this program")
	// ErrDamaged: the file cannot be read whole.
	ErrDamaged = errors.New("it is damaged")
)

// lockTimeout is how long Open waits for another process to let go of the file: a
// predecessor that is just stopping, but not one that goes on running.
const lockTimeout = time.Second

const (
	folderMode = 0o700
	fileMode   = 0o600
)

// openDisk opens or creates the file, checks it and reads it.
func openDisk(path string) (*disk, State, error) {
	if err := os.MkdirAll(filepath.Dir(path), folderMode); err != nil {
		return nil, State{}, unusable(path, err)
	}
	d, state := &disk{path: path}, newState()
	if err := d.guard(d.open); err != nil {
		d.abandon()
		return nil, State{}, explain(path, err)
	}
	if err := d.guard(func() error { return d.load(&state) }); err != nil {
		d.abandon()
		return nil, State{}, explain(path, err)
	}
	return d, state, nil
}

func (d *disk) open() (err error) {
	d.db, err = bbolt.Open(d.path, fileMode, &bbolt.Options{
		Timeout: lockTimeout,
		OpenFile: func(path string, flag int, mode fs.FileMode) (*os.File, error) {
			f, err := os.OpenFile(path, flag, mode)
			d.file = f
			return f, err
		},
	})
	return err
}

// load checks the file and reads it, or lays it out when it is new, and makes it
// private.
func (d *disk) load(state *State) error {
	info, err := d.file.Stat()
	if err != nil {
		return err
	}
	fresh := false
	err = d.db.View(func(tx *bbolt.Tx) (err error) {
		if fresh, err = inspect(tx, info.Size()); fresh || err != nil {
			return err
		}
		return read(tx, state)
	})
	if err == nil && fresh {
		err = d.db.Update(layOut)
	}
	if err == nil && info.Mode().Perm() != fileMode {
		err = d.file.Chmod(fileMode)
	}
	return err
}

// abandon lets go of a file that could not be opened or loaded.
func (d *disk) abandon() {
	switch {
	case d.db != nil && d.broken == nil:
		d.db.Close()
	case d.file != nil:
		d.file.Close()
	}
}

// explain turns an error of opening into one that names the file and the way out.
func explain(path string, err error) error {
	var file *fs.PathError
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return fmt.Errorf("store: %s: %w: stop the gateway that is running already, or give this one a state folder of its own", path, ErrHeld)
	case errors.Is(err, ErrNewer):
		return fmt.Errorf("store: %s: %w: install that version again, or move the file away to start without what it knows", path, err)
	case errors.Is(err, ErrForeign):
		return fmt.Errorf("store: %s: %w: give the gateway a state folder of its own", path, err)
	case errors.Is(err, ErrDamaged):
		return err
	case errors.As(err, &file):
		return unusable(path, err)
	}
	return damaged(path, err)
}

// unusable is the error of a file or folder that the system does not let us use.
func unusable(path string, err error) error {
	return fmt.Errorf("store: %s cannot be used: %w: let the gateway's user own the folder %s, or set another one", path, err, filepath.Dir(path))
}

// damaged is the error of a file whose content is wrong.
func damaged(path string, what any) error {
	return fmt.Errorf("store: %s: %w (%v): it is left as it is; check the disk, then put a backup in its place or move it away (mv %s %s.damaged) to start without what it knew",
		path, ErrDamaged, what, path, path)
}
