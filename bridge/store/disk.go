package store

import (
	"fmt"
	"os"
	"runtime/debug"

	"go.etcd.io/bbolt"
)

// disk is the file. After openDisk only the keeper uses it.
type disk struct {
	path string
	file *os.File // bbolt's own handle, which holds the lock
	db   *bbolt.DB
	// broken is set once bbolt has stumbled over the file: it may hold locks of
	// its own then and is not called any more.
	broken error
}

// commit writes those changes of b that change something, in one transaction; it
// writes nothing at all when there are none.
func (d *disk) commit(b batch) error {
	if d.broken != nil {
		return d.broken
	}
	if err := d.guard(func() error { return d.apply(b) }); err != nil {
		if d.broken != nil {
			return d.broken
		}
		return fmt.Errorf("store: cannot save to %s: %w: make room there or repair the disk; until then a restart forgets what has changed", d.path, err)
	}
	return nil
}

func (d *disk) apply(b batch) error {
	tx, err := d.db.Begin(true)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	changed := false
	for c, v := range b {
		value := v.octets()
		bucket, err := tx.CreateBucketIfNotExists([]byte(c.bucket))
		if err != nil {
			return err
		}
		switch old := bucket.Get([]byte(c.key)); {
		case string(old) == value:
			continue
		case value == "":
			err = bucket.Delete([]byte(c.key))
		default:
			err = bucket.Put([]byte(c.key), []byte(value))
		}
		if err != nil {
			return err
		}
		changed = true
	}
	if !changed {
		return nil
	}
	return tx.Commit()
}

// close closes the file and with it the lock.
func (d *disk) close() error {
	if d.broken != nil {
		return d.file.Close()
	}
	return d.db.Close()
}

// guard runs f, which works on the mapped file. bbolt trusts its pages: a damaged
// one makes it panic, and one beyond the end of the file is a memory fault. Both
// end here, as ErrDamaged.
func (d *disk) guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			d.broken = damaged(d.path, p)
			err = d.broken
		}
	}()
	return f()
}
