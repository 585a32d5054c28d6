package store

import (
	"bytes"
	"errors"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"
)

// kept puts a message on the keeper.
func kept(k *keeper, ids ...uint64) {
	for _, id := range ids {
		m := hello
		m.ID = id
		k.keep(&m)
	}
}

func TestKeptMessages(t *testing.T) {
	t.Run("COMP-14 what is dropped within 50 ms never touches the disk", func(t *testing.T) {
		p := new(platter)
		keeping(t, p, func(t *testing.T, k *keeper, _ *bytes.Buffer) {
			kept(k, 1, 2)
			if n := k.drop(1); n != 0 {
				t.Errorf("to wait for commit %d", n)
			}
			k.drop(2)
			pass(time.Second)
			if _, _, tries := p.look(); tries != 0 {
				t.Errorf("%d commits", tries)
			}
			if id, _ := k.saved(); id != 2 {
				t.Errorf("saved up to %d", id)
			}
		})
	})
	t.Run("COMP-14 what is kept is there after 50 ms, and gone with the commit that drop names", func(t *testing.T) {
		p := new(platter)
		keeping(t, p, func(t *testing.T, k *keeper, _ *bytes.Buffer) {
			kept(k, 1, 2)
			pass(49 * time.Millisecond)
			if id, _ := k.saved(); id != 0 {
				t.Errorf("saved up to %d too early", id)
			}
			pass(time.Millisecond)
			if data, _, _ := p.look(); len(data) != 2 {
				t.Errorf("%d messages on disk", len(data))
			}
			if len(k.commits) != 1 {
				t.Error("nobody is told")
			}
			kept(k, 3)
			due := k.drop(1)
			if _, commit := k.saved(); due != commit+1 {
				t.Errorf("gone with commit %d, the last was %d", due, commit)
			}
			k.hurry()
			data, _, _ := p.look()
			if id, commit := k.saved(); id != 2 || commit != due || data[messageKey(1)] != "" || data[messageKey(3)] != "" {
				t.Errorf("in a hurry: saved up to %d with commit %d: %q", id, commit, data)
			}
			pass(groupDelay + time.Millisecond)
			if id, _ := k.saved(); id != 3 {
				t.Errorf("saved up to %d at last", id)
			}
		})
	})
	t.Run("COMP-14 what passes by beside something that waits is left alone", func(t *testing.T) {
		p := new(platter)
		keeping(t, p, func(t *testing.T, k *keeper, _ *bytes.Buffer) {
			kept(k, 1) // for somebody who is away
			for id := uint64(2); id < 200; id++ {
				kept(k, id)
				pass(5 * time.Millisecond)
				if id > 4 { // each is there for 20 ms
					if commit := k.drop(id - 3); commit != 0 {
						t.Errorf("message %d was committed, and is gone with commit %d", id-3, commit)
					}
				}
			}
			if data, _, tries := p.look(); len(data) != 1 || tries != 1 {
				t.Errorf("%d messages on disk, %d commits", len(data), tries)
			}
		})
	})
	t.Run("COMP-14 nothing waits for more than 50 ms, whenever it comes", func(t *testing.T) {
		p := new(platter)
		keeping(t, p, func(t *testing.T, k *keeper, _ *bytes.Buffer) {
			for id := uint64(1); id < 300; id++ {
				kept(k, id)
				pass(time.Millisecond)
				data, commits, _ := p.look()
				if id > 50 && data[messageKey(id-50)] == "" {
					t.Fatalf("message %d is not there after 51 ms", id-50)
				}
				if most := int(id)/25 + 1; len(commits) > most {
					t.Fatalf("%d commits in %d ms", len(commits), id)
				}
			}
		})
	})
	t.Run("COMP-14 a message dropped while its commit is under way leaves with the next", func(t *testing.T) {
		p := &platter{hang: make(chan struct{})}
		keeping(t, p, func(t *testing.T, k *keeper, _ *bytes.Buffer) {
			kept(k, 1)
			pass(groupDelay + time.Millisecond)
			due := k.drop(1)
			if due == 0 {
				t.Error("taken for one that was never there")
			}
			close(p.hang)
			pass(groupDelay + time.Millisecond)
			data, _, _ := p.look()
			if _, commit := k.saved(); commit < due || data[messageKey(1)] != "" {
				t.Errorf("commit %d of %d: %q", commit, due, data)
			}
		})
	})
	t.Run("COMP-14 on a full disk nobody waits, and it is saved once there is room", func(t *testing.T) {
		p := &platter{fail: errors.New("no space left on device")}
		keeping(t, p, func(t *testing.T, k *keeper, _ *bytes.Buffer) {
			kept(k, 1, 2)
			pass(groupDelay + time.Millisecond)
			if id, commit := k.saved(); id != 0 || commit != math.MaxUint64 || len(k.commits) != 1 {
				t.Errorf("saved up to %d, commit %d, %d told", id, commit, len(k.commits))
			}
			k.drop(1)
			kept(k, 3)
			put(t, k, "fact", "v")
			k.hurry()
			if _, _, tries := p.look(); tries != 1 {
				t.Error("tried in a hurry")
			}
			p.failWith(nil)
			pass(retryDelay)
			data, _, _ := p.look()
			if id, _ := k.saved(); id != 3 || data[messageKey(1)] != "" || data[messageKey(2)] == "" || data[messageKey(3)] == "" {
				t.Errorf("saved up to %d: %d messages", id, len(data))
			}
		})
	})
}

func TestMessageForm(t *testing.T) {
	for _, want := range []Message{hello, hi, {ID: 1, Stanza: hello.Stanza}} {
		octets := string(want.append(nil))
		got, err := parseMessage(messageKey(want.ID), octets)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v %s", err, diff)
		}
		for n := range min(len(octets), 300) {
			if _, err := parseMessage(messageKey(want.ID), octets[:n]); err == nil {
				t.Errorf("the first %d octets of %d are taken for a message", n, len(octets))
			}
		}
	}
	for name, octets := range map[string]string{
		"another form":            "\x02" + string(hello.append(nil)[1:]),
		"another direction":       "\x01\x02" + string(hello.append(nil)[2:]),
		"two stanzas":             string(hello.append(nil)) + "<message/>",
		"no stanza":               strings.Replace(string(hello.append(nil)), "message", "massage", 2),
		"a length beyond the end": "\x01\x01\x00\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
	} {
		if _, err := parseMessage(messageKey(1), octets); err == nil {
			t.Errorf("%s is taken for a message", name)
		}
	}
}

func FuzzParseMessage(f *testing.F) {
	f.Add(string(hello.append(nil)))
	f.Add(string(hi.append(nil)))
	f.Fuzz(func(t *testing.T, octets string) {
		m, err := parseMessage(messageKey(1), octets)
		if err != nil {
			return
		}
		again, err := parseMessage(messageKey(1), string(m.append(nil)))
		if diff := cmp.Diff(m, again); err != nil || diff != "" {
			t.Errorf("%v %s", err, diff)
		}
	})
}

func TestUpgrade(t *testing.T) {
	t.Run("a file of format 1 is raised, and a copy left for the older program", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "state.db")
		s := open(t, path)
		want := filled(t, s)
		s.Drop(hello.ID)
		s.Drop(hi.ID)
		want.Messages = nil
		must(t, s.Flush(t.Context()), s.disk.db.Update(func(tx *bbolt.Tx) error {
			return tx.Bucket([]byte(bucketMeta)).Put([]byte(keyVersion), []byte("1"))
		}), s.Close())
		s = open(t, path)
		if diff := cmp.Diff(want, s.State()); diff != "" {
			t.Error(diff)
		}
		must(t, s.disk.db.View(func(tx *bbolt.Tx) error {
			if format, err := formatOf(tx); format != version {
				t.Errorf("format %d %v", format, err)
			}
			return nil
		}), s.Close())
		old, err := bbolt.Open(path+".v1", 0, &bbolt.Options{ReadOnly: true})
		must(t, err)
		defer old.Close()
		must(t, old.View(func(tx *bbolt.Tx) error {
			var state State = newState()
			if format, _ := formatOf(tx); format != 1 {
				t.Errorf("the copy has format %d", format)
			}
			err := read(tx, &state)
			if diff := cmp.Diff(want, state); diff != "" {
				t.Error(diff)
			}
			return err
		}))
		if info, err := os.Stat(path + ".v1"); err != nil || info.Mode().Perm() != fileMode {
			t.Errorf("the copy: %v %v", info.Mode(), err)
		}
	})
	t.Run("without room for the copy nothing is changed", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "state.db")
		s := open(t, path)
		must(t, s.disk.db.Update(func(tx *bbolt.Tx) error {
			return tx.Bucket([]byte(bucketMeta)).Put([]byte(keyVersion), []byte("1"))
		}), s.Close(), os.MkdirAll(filepath.Join(path+".v1", "in the way"), 0o700))
		before := content(t, path)
		if _, err := Open(path, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "copy") {
			t.Errorf("opened: %v", err)
		}
		if string(before) != string(content(t, path)) {
			t.Error("the file was changed")
		}
		if left, _ := filepath.Glob(path + "*.new"); len(left) != 0 {
			t.Errorf("left behind: %v", left)
		}
	})
}
