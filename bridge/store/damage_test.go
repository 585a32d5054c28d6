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

func FuzzOpen(f *testing.F) {
	path := filepath.Join(f.TempDir(), "state.db")
	s := open(f, path)
	filled(f, s)
	must(f, s.Close())
	f.Add(content(f, path))
	f.Add([]byte{})
	f.Add([]byte("state: yes\n"))
	f.Fuzz(func(t *testing.T, data []byte) { survive(t, data) })
}

// find returns where a branch page in use and the list of free pages start.
func find(t *testing.T, data []byte) (branch, list int) {
	t.Helper()
	file := bytes.NewReader(data)
	m, err := findMeta(file, file.Size())
	must(t, err)
	v := verifier{file: file, meta: m, seen: make([]bool, m.pages)}
	must(t, v.tree(m.root, 0))
	for id, used := range v.seen {
		if at := id * int(m.pageSize); used && order.Uint16(data[at+8:]) == typeBranch {
			return at, int(m.freelist * m.pageSize)
		}
	}
	t.Fatal("no branch page")
	return 0, 0
}

func TestVerify(t *testing.T) {
	data, _ := sound(t)
	branch, list := find(t, data)
	leaf := int(order.Uint64(data[branch+pageHeader+8:])) * os.Getpagesize()
	put16 := func(at int, n uint16) func([]byte) { return func(b []byte) { order.PutUint16(b[at:], n) } }
	put32 := func(at int, n uint32) func([]byte) { return func(b []byte) { order.PutUint32(b[at:], n) } }
	put64 := func(at int, n uint64) func([]byte) { return func(b []byte) { order.PutUint64(b[at:], n) } }
	for name, edit := range map[string]func([]byte){
		"a branch below itself":             put64(branch+pageHeader+8, uint64(branch/os.Getpagesize())),
		"two branches with one leaf":        put64(branch+pageHeader+elementSize+8, uint64(leaf/os.Getpagesize())),
		"a branch to a meta":                put64(branch+pageHeader+8, 0),
		"a branch to nowhere":               put64(branch+pageHeader+8, 1<<60),
		"a branch without twigs":            put16(branch+10, 0),
		"a branch key out of its page":      put32(branch+pageHeader, 1<<31),
		"a page under another number":       put64(leaf, 99),
		"a page that goes on for ever":      put32(leaf+12, ^uint32(0)),
		"a page of no type":                 put16(leaf+8, 0x40),
		"a value out of its page":           put32(leaf+pageHeader+12, ^uint32(0)),
		"a key without octets":              put32(leaf+pageHeader+8, 0),
		"an entry of no type":               put32(leaf+pageHeader, 2),
		"an entry that claims to be a room": put32(leaf+pageHeader, flagBucket),
		"more entries than fit":             put16(leaf+10, 0xFFFF),
		"fewer free pages than there are":   put16(list+10, 0),
		"more free pages than there are":    put16(list+10, 0xFFFE),
		"free pages without end":            put16(list+10, longFreelist),
		"a used page that is free":          put64(list+pageHeader, uint64(leaf/os.Getpagesize())),
		"a free page beyond the end":        put64(list+pageHeader, 1<<50),
		"a free list of another type":       put16(list+8, typeLeaf),
		"entries out of order": func(b []byte) {
			first := b[leaf+pageHeader : leaf+pageHeader+elementSize]
			pos, key := int(order.Uint32(first[4:])), order.Uint32(first[8:])
			b[leaf+pageHeader+pos+int(key)-1] = 0xff
			b[leaf+pageHeader+pos] = 0xff
		},
	} {
		t.Run(name, func(t *testing.T) {
			edited := bytes.Clone(data)
			edit(edited)
			if verify(bytes.NewReader(edited), int64(len(edited))) == nil {
				t.Error("taken for sound")
			}
			if survive(t, edited) {
				t.Error("opened")
			}
		})
	}
	t.Run("the newer meta is the one that counts", func(t *testing.T) {
		s := open(t, filepath.Join(t.TempDir(), "state.db"))
		for i := range 3 {
			must(t, s.SetInstance(fmt.Sprint(i), "x"), s.Flush(t.Context()))
			must(t, s.disk.db.View(func(tx *bbolt.Tx) error {
				b := content(t, s.disk.path)
				m, err := findMeta(bytes.NewReader(b), int64(len(b)))
				if err != nil || m.transaction != uint64(tx.ID()) || int64(m.pages*m.pageSize) != tx.Size() {
					t.Errorf("found %+v %v, want transaction %d", m, err, tx.ID())
				}
				return nil
			}))
		}
	})
	t.Run("the older meta serves when the newer is torn", func(t *testing.T) {
		for at := range 2 {
			edited := bytes.Clone(data)
			clear(edited[at*os.Getpagesize():][:100])
			if !survive(t, edited) {
				t.Errorf("refused without meta %d", at)
			}
		}
	})
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
