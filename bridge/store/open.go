package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
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

const (
	// lockTimeout is how long Open waits for another process to let go of the file:
	// a predecessor that is just stopping, but not one that goes on running.
	lockTimeout = time.Second
	// lockPoll passes between two looks at the lock; there is no call that waits
	// for a bounded time.
	lockPoll = 50 * time.Millisecond

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
		OpenFile: func(path string, flag int, mode fs.FileMode) (*os.File, error) {
			file, err := os.OpenFile(path, flag, mode)
			if err != nil {
				return nil, err
			}
			d.file = file
			return file, admit(file)
		},
	})
	return err
}

// admit locks the file and verifies it, before bbolt looks into it.
func admit(file *os.File) error {
	if err := lock(file); err != nil {
		return err
	}
	info, err := file.Stat()
	if err != nil {
		return err
	}
	return verify(file, info.Size())
}

// lock takes the lock that bbolt wants; it lies on the open file, and bbolt finds
// it taken by itself. Closing the file gives it back.
func lock(file *os.File) error {
	for waited := time.Duration(0); ; waited += lockPoll {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return err
		}
		if waited >= lockTimeout {
			return ErrHeld
		}
		time.Sleep(lockPoll)
	}
}

// load reads the file, or lays it out when it is new, and makes it private.
func (d *disk) load(state *State) error {
	format := 0
	err := d.db.View(func(tx *bbolt.Tx) (err error) {
		if format, err = formatOf(tx); format == 0 || err != nil {
			return err
		}
		return read(tx, state)
	})
	switch {
	case err != nil:
	case format == 0:
		err = d.db.Update(layOut)
	case format < version:
		err = d.upgrade(format)
	}
	if err != nil {
		return err
	}
	info, err := d.file.Stat()
	if err == nil && info.Mode().Perm() != fileMode {
		err = d.file.Chmod(fileMode)
	}
	return err
}

// upgrade raises the format of a file that an older program wrote. A copy for that
// program is put beside it first: there is no way back else.
func (d *disk) upgrade(format int) error {
	if err := d.copy(backup(d.path, format)); err != nil {
		return fmt.Errorf("making a copy for the older version: %w", err)
	}
	return d.db.Update(raise)
}

// backup names the copy of a file of that format.
func backup(path string, format int) string { return path + ".v" + strconv.Itoa(format) }

// copy writes the whole content to another file, which is there whole or not at all.
// Nothing may be committed meanwhile.
func (d *disk) copy(path string) error {
	draft, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, fileMode)
	if err != nil {
		return err
	}
	_, err = io.Copy(draft, io.NewSectionReader(d.file, 0, math.MaxInt64))
	if err = errors.Join(err, draft.Sync(), draft.Close()); err == nil {
		err = os.Rename(draft.Name(), path)
	}
	if err != nil {
		os.Remove(draft.Name())
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
	var system syscall.Errno
	switch {
	case errors.Is(err, ErrHeld):
		return fmt.Errorf("store: %s: %w: stop the gateway that is running already, or give this one a state folder of its own", path, err)
	case errors.Is(err, ErrNewer):
		return fmt.Errorf("store: %s: %w: install that version again, or put the copy that it made when it took over (%s.v*) in the place of the file, or move the file away to start without what it knows", path, err, path)
	case errors.Is(err, ErrForeign):
		return fmt.Errorf("store: %s: %w: give the gateway a state folder of its own", path, err)
	case errors.Is(err, ErrDamaged):
		return err
	case errors.As(err, &system):
		return unusable(path, err)
	}
	return damaged(path, err)
}

// unusable is the error of a file or folder that the system does not let us use.
func unusable(path string, err error) error {
	return fmt.Errorf("store: %s cannot be used: %w: check the disk and that the gateway's user owns %s, or set another folder", path, err, filepath.Dir(path))
}

// damaged is the error of a file whose content is wrong.
func damaged(path string, what any) error {
	return fmt.Errorf("store: %s: %w (%v): it is left as it is; check the disk, then put a backup in its place or move it away (mv %s %s.damaged) to start without what it knew",
		path, ErrDamaged, what, path, path)
}
