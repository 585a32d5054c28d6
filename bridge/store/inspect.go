package store

import (
	"bytes"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"
)

// inspect looks for damage before anything relies on the file, and reports whether
// the file is a new one. bbolt's own check is of no use here: it runs in another
// goroutine, where guard cannot turn a fault into an error. This one reads every
// entry the way the keeper will.
func inspect(tx *bbolt.Tx, size int64) (fresh bool, err error) {
	if size < tx.Size() {
		return false, fmt.Errorf("%d octets are missing at its end", tx.Size()-size)
	}
	pages, err := countPages(tx)
	if err != nil {
		return false, err
	}
	if fresh, err = checkVersion(tx); fresh || err != nil {
		return fresh, err
	}
	root := tx.Cursor().Bucket()
	if err := inspectEntries(root); err != nil {
		return false, err
	}
	s := root.Stats()
	if reachable := s.BranchPageN + s.BranchOverflowN + s.LeafPageN + s.LeafOverflowN; reachable != pages {
		return false, fmt.Errorf("%d pages are in use and %d of them known", pages, reachable)
	}
	return false, nil
}

// countPages returns how many pages hold entries: not free, not bookkeeping. A page
// that claims to go on beyond the end of the file is damage.
func countPages(tx *bbolt.Tx) (n int, err error) {
	for id := 0; ; {
		page, err := tx.Page(id)
		switch {
		case err != nil:
			return 0, err
		case page == nil:
			return n, nil // the end
		case page.Type == "free":
			id++
			continue
		}
		span := 1 + page.OverflowCount
		if last, err := tx.Page(id + span - 1); err != nil || last == nil {
			return 0, fmt.Errorf("page %d goes on beyond the end", id)
		}
		if page.Type == "leaf" || page.Type == "branch" {
			n += span
		}
		id += span
	}
}

// inspectEntries walks a bucket and all within: entries of a size that put allows,
// in ascending order, each to be found under its own key.
func inspectEntries(bucket *bbolt.Bucket) error {
	var before []byte
	return bucket.ForEach(func(key, value []byte) error {
		switch {
		case len(key) > maxOctets || len(value) > maxOctets:
			return errors.New("an entry of impossible size")
		case before != nil && bytes.Compare(before, key) >= 0:
			return errors.New("entries out of order")
		}
		before = key
		if value != nil {
			if !bytes.Equal(bucket.Get(key), value) {
				return errors.New("an entry that cannot be found")
			}
			return nil
		}
		inner := bucket.Bucket(key)
		if inner == nil {
			return errors.New("a bucket that cannot be found")
		}
		return inspectEntries(inner)
	})
}
