package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"meshbridge/internal/stanza"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	alice = Pair{"alice@example.org", `juliet\40pronto`}
	hub   = Pair{"alice@example.org", ""}

	hello = Message{
		ID: 7, Up: true, Colleague: alice.Colleague, Local: alice.Local, Sender: alice.Local, Origin: "purple1",
		Accepted: time.UnixMilli(1_790_000_000_123),
		Stanza: stanza.Stanza{
			Kind: stanza.Message, From: `juliet\40pronto@lan.example.org`, To: alice.Colleague, ID: "u1", Type: "chat", Lang: "en",
			Payload: []*stanza.Element{
				stanza.New("", "body").AddText("a <b> & \"c\"\nÄ"),
				stanza.New("urn:xmpp:receipts", "request"),
			},
		},
	}
	hi = Message{ // longer than a page, and from a time without a clock
		ID: 1 << 40, Colleague: alice.Colleague, Local: alice.Local, Host: "pronto.local.", Sender: "alice@example.org/x",
		Stanza: stanza.Stanza{Kind: stanza.Message, ID: "d1", Payload: []*stanza.Element{
			stanza.New("", "body").AddText(strings.Repeat("hi! ", 20_000)),
			stanza.New("http://www.w3.org/1999/xhtml", "html", stanza.Node{Element: stanza.New("http://www.w3.org/1999/xhtml", "body").AddText("x")}),
		}},
	}
)

func open(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(path, nil)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func must(t interface {
	Helper()
	Fatal(...any)
}, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// filled puts one of everything and says what State must be then.
func filled(t testing.TB, s *Store) State {
	t.Helper()
	must(t,
		s.SetSubscription(alice, Watching), s.SetSubscription(hub, Watching|Watched|Asked),
		s.SetShown(alice, true), s.SetShown(hub, true),
		s.SetInstance(`alice\40example.org@office`, "alice@example.org"),
		s.SetFallback(`stra_e\40pronto~8c491f4c80`, "straße@pronto"), s.SetFallback("_~0123456789", "\xff\x00"),
		s.Set(Links, `juliet\40pronto`, "juliet@example.org"))
	s.Keep(hello)
	s.Keep(hi)
	must(t, s.Flush(t.Context()))
	facts := newState().Facts
	facts[Links][`juliet\40pronto`] = "juliet@example.org"
	return State{
		Facts:         facts,
		Messages:      []Message{hello, hi},
		Subscriptions: map[Pair]Subscription{alice: Watching, hub: Watching | Watched | Asked},
		Shown:         map[Pair]bool{alice: true, hub: true},
		Instances:     map[string]string{`alice\40example.org@office`: "alice@example.org"},
		Fallbacks:     map[string]string{`stra_e\40pronto~8c491f4c80`: "straße@pronto", "_~0123456789": "\xff\x00"},
	}
}

func content(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	return b
}

func TestStore(t *testing.T) {
	t.Run("what was set is there after a restart", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "state.db")
		s := open(t, path)
		if diff := cmp.Diff(newState(), s.State()); diff != "" {
			t.Errorf("a new store knows something: %s", diff)
		}
		want := filled(t, s)
		must(t, s.Close(), s.Close())
		s = open(t, path)
		if diff := cmp.Diff(want, s.State()); diff != "" {
			t.Error(diff)
		}
		must(t, s.SetSubscription(alice, 0), s.SetShown(alice, false), s.SetInstance(`alice\40example.org@office`, ""),
			s.SetFallback("_~0123456789", ""), s.Set(Links, `juliet\40pronto`, ""), s.SetFallback("never there", ""))
		s.Drop(hello.ID)
		s.Drop(99)
		must(t, s.Close())
		delete(want.Subscriptions, alice)
		delete(want.Shown, alice)
		clear(want.Instances)
		clear(want.Facts[Links])
		want.Messages = want.Messages[1:]
		delete(want.Fallbacks, "_~0123456789")
		if diff := cmp.Diff(want, open(t, path).State()); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("a crash keeps what was flushed", func(t *testing.T) {
		folder := t.TempDir()
		s := open(t, filepath.Join(folder, "state.db"))
		want := filled(t, s)
		copied := filepath.Join(folder, "copy.db") // what a killed process leaves behind
		must(t, os.WriteFile(copied, content(t, s.disk.path), 0o600))
		if diff := cmp.Diff(want, open(t, copied).State()); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("LL-AV-9 the octets of a picture are kept as they are, up to what one packet brings", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "state.db")
		s := open(t, path)
		picture := "9223 " + strings.Repeat("\x00\xff\n", 3000)
		must(t, s.Set(Avatars, "4a5e", picture), s.Close())
		if got := open(t, path).State().Facts[Avatars]["4a5e"]; got != picture {
			t.Errorf("%d octets of %d", len(got), len(picture))
		}
		s = open(t, filepath.Join(t.TempDir(), "other.db"))
		if s.Set(Avatars, "4a5e", picture+picture) == nil || s.Set(Names, "x", picture) == nil {
			t.Error("more was taken")
		}
	})
	t.Run("nothing is written when nothing changed", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "state.db")
		s := open(t, path)
		filled(t, s)
		before := content(t, path)
		filled(t, s)
		must(t, s.SetShown(hub, false), s.SetShown(hub, true), s.SetFallback("never there", ""), s.Flush(t.Context()))
		if !bytes.Equal(before, content(t, path)) {
			t.Error("the file was written")
		}
		must(t, s.Close())
		must(t, open(t, path).Close())
		if !bytes.Equal(before, content(t, path)) {
			t.Error("opening and closing wrote")
		}
	})
	t.Run("a disk that fails is trouble that says what to do", func(t *testing.T) {
		s := open(t, filepath.Join(t.TempDir(), "state.db"))
		must(t, s.disk.db.Close()) // the next commit fails
		must(t, s.SetShown(alice, true))
		if err := s.Flush(t.Context()); err == nil || s.Trouble() == nil || !strings.Contains(err.Error(), "make room") {
			t.Errorf("Flush: %v, trouble %v", err, s.Trouble())
		}
	})
	t.Run("what is no key is refused", func(t *testing.T) {
		s := open(t, filepath.Join(t.TempDir(), "state.db"))
		if s.SetInstance("", "x") == nil || s.SetFallback(strings.Repeat("x", maxOctets+1), "x") == nil ||
			s.SetFallback("x", strings.Repeat("x", maxOctets+1)) == nil {
			t.Error("accepted")
		}
		must(t, s.Flush(t.Context()), s.Trouble())
	})
}

func TestStoreIsTheModel(t *testing.T) {
	folder := t.TempDir()
	files := 0
	t.Run("any sequence of changes, crashes and restarts", rapid.MakeCheck(func(t *rapid.T) {
		files++
		path := filepath.Join(folder, fmt.Sprint(files))
		s, err := Open(path, nil)
		must(t, err)
		defer func() { s.Close() }()
		model := newState()
		name := rapid.SampledFrom([]string{"a", "b", "c@example.org", "\xff", "x y"})
		pair := rapid.Custom(func(t *rapid.T) Pair {
			return Pair{name.Draw(t, "colleague"), rapid.SampledFrom([]string{"", "l", "m"}).Draw(t, "local")}
		})
		t.Repeat(map[string]func(*rapid.T){
			"subscription": func(t *rapid.T) {
				p, sub := pair.Draw(t, "pair"), Subscription(rapid.Uint8Range(0, 7).Draw(t, "sub"))
				must(t, s.SetSubscription(p, sub))
				set(model.Subscriptions, p, sub)
			},
			"shown": func(t *rapid.T) {
				p, available := pair.Draw(t, "pair"), rapid.Bool().Draw(t, "available")
				must(t, s.SetShown(p, available))
				set(model.Shown, p, available)
			},
			"instance": func(t *rapid.T) {
				n, c := name.Draw(t, "instance"), rapid.OneOf(rapid.Just(""), name).Draw(t, "colleague")
				must(t, s.SetInstance(n, c))
				set(model.Instances, n, c)
			},
			"fallback": func(t *rapid.T) {
				n, i := name.Draw(t, "local"), rapid.OneOf(rapid.Just(""), name).Draw(t, "instance")
				must(t, s.SetFallback(n, i))
				set(model.Fallbacks, n, i)
			},
			"restart": func(t *rapid.T) {
				must(t, s.Close())
				s, err = Open(path, nil)
				must(t, err)
			},
			"crash": func(t *rapid.T) {
				must(t, s.Flush(context.Background()))
				files++
				after := filepath.Join(folder, fmt.Sprint(files))
				b, err := os.ReadFile(path)
				must(t, err, os.WriteFile(after, b, 0o600), s.Close())
				path = after
				s, err = Open(path, nil)
				must(t, err)
				if diff := cmp.Diff(model, s.State()); diff != "" {
					t.Fatal(diff)
				}
			},
		})
		must(t, s.Close())
		s, err = Open(path, nil)
		must(t, err)
		if diff := cmp.Diff(model, s.State()); diff != "" {
			t.Fatal(diff)
		}
	}))
}

// set is what every Set call does: the zero value forgets.
func set[K, V comparable](m map[K]V, key K, value V) {
	var zero V
	if m[key] = value; value == zero {
		delete(m, key)
	}
}

func TestOpenPermissions(t *testing.T) {
	mode := func(path string) os.FileMode {
		info, err := os.Stat(path)
		must(t, err)
		return info.Mode().Perm()
	}
	t.Run("a new folder and file are private", func(t *testing.T) {
		folder := filepath.Join(t.TempDir(), "a", "b")
		open(t, filepath.Join(folder, "state.db"))
		if mode(folder) != 0o700 || mode(filepath.Dir(folder)) != 0o700 || mode(filepath.Join(folder, "state.db")) != 0o600 {
			t.Error("too open")
		}
	})
	t.Run("an open file becomes private, an open folder stays", func(t *testing.T) {
		folder := t.TempDir()
		path := filepath.Join(folder, "state.db")
		must(t, open(t, path).Close(), os.Chmod(path, 0o644), os.Chmod(folder, 0o755))
		open(t, path)
		if mode(path) != 0o600 || mode(folder) != 0o755 {
			t.Errorf("file %o, folder %o", mode(path), mode(folder))
		}
	})
	t.Run("a folder that is not ours", func(t *testing.T) {
		folder := t.TempDir()
		must(t, os.Chmod(folder, 0o555))
		asNobody(t, func() {
			refused(t, filepath.Join(folder, "state.db"), nil, "cannot be used", "permission denied", "user owns")
		})
	})
	t.Run("a folder that is a file", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "file")
		must(t, os.WriteFile(file, nil, 0o600))
		refused(t, filepath.Join(file, "state.db"), nil, "cannot be used", "set another folder")
	})
	t.Run("a file that is a folder", func(t *testing.T) {
		refused(t, t.TempDir(), nil, "cannot be used", "is a directory")
	})
}

// refused opens path and wants an error that names the file and says all of words.
func refused(t *testing.T, path string, kind error, words ...string) {
	t.Helper()
	s, err := Open(path, nil)
	if err == nil {
		s.Close()
		t.Error("opened")
		return
	}
	if kind != nil && !errors.Is(err, kind) {
		t.Errorf("%v is not %v", err, kind)
	}
	for _, w := range append(words, path) {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q does not say %q", err, w)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Run("a file that another process holds", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { // the second waits in virtual time
			path := filepath.Join(t.TempDir(), "state.db")
			s := open(t, path)
			refused(t, path, ErrHeld, "stop the gateway that is running")
			must(t, s.Close())
			must(t, open(t, path).Close())
		})
	})
	t.Run("but not one that is let go of in time", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.db")
			s := open(t, path)
			time.AfterFunc(lockTimeout/2, func() { s.Close() })
			must(t, open(t, path).Close())
		})
	})
	edit := func(t *testing.T, f func(tx *bbolt.Tx) error) string {
		path := filepath.Join(t.TempDir(), "state.db")
		s := open(t, path)
		filled(t, s)
		must(t, s.Close())
		db, err := bbolt.Open(path, 0o600, nil)
		must(t, err)
		must(t, db.Update(f), db.Close())
		return path
	}
	unchanged := func(t *testing.T, path string, kind error, words ...string) {
		t.Helper()
		before := content(t, path)
		refused(t, path, kind, words...)
		if !bytes.Equal(before, content(t, path)) {
			t.Error("the file was changed")
		}
	}
	t.Run("a newer format, whatever is in it", func(t *testing.T) {
		unchanged(t, edit(t, func(tx *bbolt.Tx) error {
			must(t, tx.Bucket([]byte(bucketShown)).Put([]byte("x"), bytes.Repeat([]byte("y"), 2*maxOctets)))
			return tx.Bucket([]byte(bucketMeta)).Put([]byte(keyVersion), []byte("3"))
		}), ErrNewer, "format 3, this one reads up to 2", "install that version", ".v*")
	})
	t.Run("a file of another program", func(t *testing.T) {
		unchanged(t, edit(t, func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte(bucketMeta)) }), ErrForeign, "a state folder of its own")
		unchanged(t, edit(t, func(tx *bbolt.Tx) error {
			return tx.Bucket([]byte(bucketMeta)).Put([]byte(keyProgram), []byte("other"))
		}), ErrForeign)
	})
	for name, f := range map[string]func(tx *bbolt.Tx) error{
		"a version that is no number": func(tx *bbolt.Tx) error {
			return tx.Bucket([]byte(bucketMeta)).Put([]byte(keyVersion), []byte("one"))
		},
		"a pair without a separator": func(tx *bbolt.Tx) error {
			return tx.Bucket([]byte(bucketSubscriptions)).Put([]byte("alice"), []byte("1"))
		},
		"a subscription that is no number": func(tx *bbolt.Tx) error {
			return tx.Bucket([]byte(bucketSubscriptions)).Put([]byte("a\x00b"), []byte("both"))
		},
		"an unknown presence": func(tx *bbolt.Tx) error {
			return tx.Bucket([]byte(bucketShown)).Put([]byte("a\x00b"), []byte("dnd"))
		},
		"a bucket inside": func(tx *bbolt.Tx) error {
			_, err := tx.Bucket([]byte(bucketShown)).CreateBucket([]byte("b"))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			unchanged(t, edit(t, f), ErrDamaged, "move it away")
		})
	}
	t.Run("text", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "state.db")
		must(t, os.WriteFile(path, bytes.Repeat([]byte("state: yes\n"), 2000), 0o600))
		unchanged(t, path, ErrDamaged, "move it away")
	})
}
