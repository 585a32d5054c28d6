package store

import (
	"errors"
	"fmt"
	"strconv"

	"go.etcd.io/bbolt"
)

// version is the format that this program writes. A change that an older program
// would misread raises it; a new bucket beside the others does not. Format 2 has
// messages, which a program that knows format 1 alone would leave lying.
const version = 2

const (
	keyVersion = "version"
	keyProgram = "program"
	program    = "meshbridge"
)

// layOut writes the first content of a new file.
func layOut(tx *bbolt.Tx) error {
	meta, err := tx.CreateBucket([]byte(bucketMeta))
	if err != nil {
		return err
	}
	if err := meta.Put([]byte(keyProgram), []byte(program)); err != nil {
		return err
	}
	return putVersion(meta)
}

func putVersion(meta *bbolt.Bucket) error {
	return meta.Put([]byte(keyVersion), []byte(strconv.Itoa(version)))
}

// raise notes that the file is in the format of this program from now on.
func raise(tx *bbolt.Tx) error { return putVersion(tx.Bucket([]byte(bucketMeta))) }

// formatOf returns the format of the file, 0 for an empty one, or refuses one that is
// not ours or not for us.
func formatOf(tx *bbolt.Tx) (format int, err error) {
	meta := tx.Bucket([]byte(bucketMeta))
	if meta == nil {
		if first, _ := tx.Cursor().First(); first == nil {
			return 0, nil
		}
		return 0, ErrForeign
	}
	if string(meta.Get([]byte(keyProgram))) != program {
		return 0, ErrForeign
	}
	text := meta.Get([]byte(keyVersion))
	n, err := strconv.Atoi(string(text[:min(len(text), 10)]))
	switch {
	case err != nil || n < 1:
		return 0, errors.New("no format version")
	case n > version:
		return 0, fmt.Errorf("%w (format %d, this one reads up to %d)", ErrNewer, n, version)
	}
	return n, nil
}

// read takes the buckets into state.
func read(tx *bbolt.Tx, state *State) error {
	for _, name := range dataBuckets() {
		bucket := tx.Bucket([]byte(name))
		if bucket == nil {
			continue
		}
		err := bucket.ForEach(func(key, value []byte) error {
			if value == nil {
				return fmt.Errorf("bucket %s: a bucket inside", name)
			}
			return state.add(name, string(key), string(value))
		})
		if err != nil {
			return err
		}
	}
	return nil
}
