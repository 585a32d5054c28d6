package store

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"
)

// sound returns the content of a file with inner and free pages, and how much of it
// is in use: bbolt makes a file longer than it needs.
func sound(t testing.TB) (data []byte, used int) {
	path := filepath.Join(t.TempDir(), "sound.db")
	s := open(t, path)
	filled(t, s)
	for i := range 150 {
		must(t, s.SetInstance(fmt.Sprintf(`colleague%d\40example.org@office`, i), fmt.Sprintf("colleague%d@example.org", i)))
	}
	must(t, s.Flush(t.Context()))
	for i := range 50 {
		must(t, s.SetInstance(fmt.Sprintf(`colleague%d\40example.org@office`, i), ""))
	}
	must(t, s.Flush(t.Context()))
	must(t, s.disk.db.View(func(tx *bbolt.Tx) error {
		used = int(tx.Size())
		return nil
	}))
	must(t, s.Close())
	return content(t, path), used
}

// survive opens a file of any content. Nothing may panic, whatever it is; a file
// that is refused must be said to be damaged and be left alone, one that is opened
// must take changes or say why not.
func survive(t *testing.T, data []byte) (opened bool) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "state.db")
	must(t, os.WriteFile(path, data, 0o600))
	s, err := Open(path, nil)
	if err != nil {
		if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrForeign) && !errors.Is(err, ErrNewer) {
			t.Errorf("refused with %v", err)
		}
		if !bytes.Equal(content(t, path), data) {
			t.Error("the refused file was changed")
		}
		return false
	}
	for i := range 20 {
		must(t, s.SetShown(Pair{fmt.Sprintf("new%d@example.org", i), alice.Local}, true))
	}
	if err := s.Flush(t.Context()); err != nil && !errors.Is(err, ErrDamaged) {
		t.Errorf("Flush: %v", err)
	}
	s.Close()
	return true
}

func TestDamage(t *testing.T) {
	data, used := sound(t)
	t.Run("a torn file is refused at every length", func(t *testing.T) {
		for n := 1024; n <= len(data); n += 1024 {
			if whole := n >= used; survive(t, data[:n]) != whole {
				t.Errorf("%d octets of %d that are needed: taken for whole is %v", n, used, !whole)
			}
		}
	})
	t.Run("a file that never got content is a new one", func(t *testing.T) {
		if !survive(t, nil) {
			t.Error("refused")
		}
	})
	t.Run("pages of zeros", func(t *testing.T) {
		for at := 0; at < len(data); at += os.Getpagesize() {
			holed := bytes.Clone(data)
			clear(holed[at:min(at+os.Getpagesize(), len(data))])
			survive(t, holed)
		}
	})
	t.Run("flipped octets", func(t *testing.T) {
		seed := rand.Uint64()
		random := rand.New(rand.NewPCG(seed, 0))
		for range 200 {
			flipped := bytes.Clone(data)
			// Headers of pages and elements stand at their beginnings.
			at := random.IntN(len(data)/os.Getpagesize())*os.Getpagesize() + random.IntN(128)
			flipped[at] ^= byte(1 + random.IntN(255))
			survive(t, flipped)
			if t.Failed() {
				t.Fatalf("octet %d, seed %d", at, seed)
			}
		}
	})
	t.Run("a file cut off while it is open is an error, not a crash", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "state.db")
		must(t, os.WriteFile(path, data, 0o600))
		s := open(t, path)
		must(t, os.Truncate(path, int64(2*os.Getpagesize())))
		must(t, s.SetShown(alice, false))
		if err := s.Flush(t.Context()); !errors.Is(err, ErrDamaged) || !errors.Is(s.Trouble(), ErrDamaged) {
			t.Errorf("Flush: %v, trouble %v", err, s.Trouble())
		}
		must(t, s.SetShown(alice, true))
		if err := s.Close(); !errors.Is(err, ErrDamaged) {
			t.Errorf("Close: %v", err)
		}
	})
}
