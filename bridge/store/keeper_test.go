package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// platter stands for the file: what was committed, and when.
type platter struct {
	start time.Time
	hang  chan struct{} // set before the first put: commit waits for its end

	mu      sync.Mutex
	fail    error
	data    map[string]string
	commits []time.Duration
	tries   int
}

func (p *platter) commit(b batch) error {
	if p.hang != nil {
		<-p.hang
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tries++
	if p.fail != nil {
		return p.fail
	}
	p.commits = append(p.commits, time.Since(p.start))
	for c, v := range b {
		p.data[c.key] = v.octets()
	}
	return nil
}

func (p *platter) failWith(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fail = err
}

// look returns what is committed, when that was, and how often it was tried.
func (p *platter) look() (data map[string]string, commits []time.Duration, tries int) {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.data), slices.Clone(p.commits), p.tries
}

// keeping runs f in virtual time with a keeper over p.
func keeping(t *testing.T, p *platter, f func(t *testing.T, k *keeper, log *bytes.Buffer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		log := new(bytes.Buffer)
		p.start, p.data = time.Now(), make(map[string]string)
		if p.hang != nil {
			p.hang = make(chan struct{}) // one of this bubble
		}
		k := startKeeper(p.commit, slog.New(slog.NewTextHandler(log, nil)))
		f(t, k, log)
		k.close()
	})
}

// pass lets virtual time go by.
func pass(d time.Duration) { <-time.After(d) }

func put(t *testing.T, k *keeper, key, value string) {
	t.Helper()
	if err := k.put(change{"b", key}, value); err != nil {
		t.Fatal(err)
	}
}

func TestKeeper(t *testing.T) {
	t.Run("changes within 50 ms are one commit", func(t *testing.T) {
		p := new(platter)
		keeping(t, p, func(t *testing.T, k *keeper, _ *bytes.Buffer) {
			for i := range 1000 {
				put(t, k, fmt.Sprint(i), "v")
				if i%100 == 0 {
					pass(4 * time.Millisecond)
				}
			}
			put(t, k, "999", "last")
			pass(time.Second)
			data, commits, _ := p.look()
			if len(commits) != 1 || commits[0] != 50*time.Millisecond || len(data) != 1000 || data["999"] != "last" {
				t.Errorf("commits at %v with %d keys, last %q", commits, len(data), data["999"])
			}
			put(t, k, "later", "v")
			pass(49 * time.Millisecond)
			if _, commits, _ = p.look(); len(commits) != 1 {
				t.Error("the second group did not wait")
			}
			pass(time.Millisecond)
			if _, commits, _ = p.look(); len(commits) != 2 {
				t.Error("the second group was not committed")
			}
		})
	})
	t.Run("nothing put, nothing committed", func(t *testing.T) {
		p := new(platter)
		keeping(t, p, func(t *testing.T, k *keeper, _ *bytes.Buffer) {
			pass(time.Hour)
			err := k.flush(t.Context())
			if _, _, tries := p.look(); err != nil || tries != 0 {
				t.Errorf("flush: %v after %d commits", err, tries)
			}
		})
	})
	t.Run("flush does not wait for the group", func(t *testing.T) {
		p := new(platter)
		keeping(t, p, func(t *testing.T, k *keeper, _ *bytes.Buffer) {
			put(t, k, "a", "1")
			err := k.flush(t.Context())
			if _, commits, _ := p.look(); err != nil || len(commits) != 1 || commits[0] != 0 {
				t.Errorf("flush: %v, commits at %v", err, commits)
			}
		})
	})
	t.Run("close commits what waits, and takes nothing more", func(t *testing.T) {
		p := new(platter)
		keeping(t, p, func(t *testing.T, k *keeper, _ *bytes.Buffer) {
			put(t, k, "a", "1")
			err, first := k.close()
			if data, _, _ := p.look(); err != nil || !first || data["a"] != "1" {
				t.Errorf("close: %v %v, %v", err, first, data)
			}
			if err := k.put(change{"b", "a"}, "2"); !errors.Is(err, ErrClosed) {
				t.Errorf("put after close: %v", err)
			}
			if err := k.flush(t.Context()); !errors.Is(err, ErrClosed) {
				t.Errorf("flush after close: %v", err)
			}
			if _, first := k.close(); first {
				t.Error("closed for the first time twice")
			}
		})
	})
}

func TestKeeperInTrouble(t *testing.T) {
	t.Run("a failed commit is tried again, newer values win", func(t *testing.T) {
		full := errors.New("no space left on device")
		p := &platter{fail: full}
		keeping(t, p, func(t *testing.T, k *keeper, log *bytes.Buffer) {
			put(t, k, "a", "1")
			put(t, k, "b", "1")
			if err := k.flush(t.Context()); !errors.Is(err, full) || !errors.Is(k.trouble(), full) {
				t.Errorf("flush: %v, trouble %v", err, k.trouble())
			}
			put(t, k, "b", "2")
			pass(3*retryDelay + time.Second)
			if _, _, tries := p.look(); tries != 4 {
				t.Errorf("%d tries in three retry delays, want 4", tries)
			}
			p.failWith(nil)
			pass(retryDelay)
			data, _, _ := p.look()
			if want := map[string]string{"a": "1", "b": "2"}; !maps.Equal(data, want) || k.trouble() != nil {
				t.Errorf("committed %v, trouble %v", data, k.trouble())
			}
			k.close()
			if strings.Count(log.String(), "not saved") != 1 || strings.Count(log.String(), "saved again") != 1 {
				t.Errorf("log: %s", log)
			}
		})
	})
	t.Run("a value that changed during a failing commit is the one kept", func(t *testing.T) {
		p := &platter{fail: errors.New("input/output error"), hang: make(chan struct{})}
		keeping(t, p, func(t *testing.T, k *keeper, _ *bytes.Buffer) {
			put(t, k, "a", "old")
			put(t, k, "b", "kept")
			pass(groupDelay)
			synctest.Wait() // inside commit
			put(t, k, "a", "new")
			close(p.hang)
			pass(time.Second)
			p.failWith(nil)
			pass(retryDelay)
			if data, _, _ := p.look(); data["a"] != "new" || data["b"] != "kept" {
				t.Errorf("committed %v", data)
			}
		})
	})
	t.Run("a stuck disk holds up nobody, and the memory is bounded", func(t *testing.T) {
		p := &platter{hang: make(chan struct{})}
		keeping(t, p, func(t *testing.T, k *keeper, _ *bytes.Buffer) {
			put(t, k, "stuck", "1")
			pass(groupDelay)
			synctest.Wait() // the keeper is inside commit now
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := k.flush(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("flush: %v", err)
			}
			for i := range maxPending - 1 {
				put(t, k, fmt.Sprint(i), "v")
			}
			if err := k.put(change{"b", "one more"}, "v"); !errors.Is(err, ErrBehind) {
				t.Errorf("put beyond the bound: %v", err)
			}
			put(t, k, "7", "changed") // a key that waits already can still change
			close(p.hang)
			err := k.flush(t.Context())
			if data, _, _ := p.look(); err != nil || len(data) != maxPending || data["7"] != "changed" {
				t.Errorf("flush: %v, %d keys", err, len(data))
			}
		})
	})
}

func TestKeeperIsBoundedOnABadDisk(t *testing.T) {
	p := &platter{fail: errors.New("input/output error"), hang: make(chan struct{})}
	keeping(t, p, func(t *testing.T, k *keeper, _ *bytes.Buffer) {
		for i := range maxPending {
			put(t, k, fmt.Sprint(i), "v")
		}
		pass(groupDelay)
		synctest.Wait() // all of them are inside commit now
		if err := k.put(change{"b", "one more"}, "v"); !errors.Is(err, ErrBehind) {
			t.Errorf("put beyond the bound: %v", err)
		}
		put(t, k, "7", "changed") // what is in work can still change
		close(p.hang)
		pass(time.Second)
		if err := k.put(change{"b", "one more"}, "v"); !errors.Is(err, ErrBehind) {
			t.Errorf("put beyond the bound after a failed commit: %v", err)
		}
		p.failWith(nil)
		err := k.flush(t.Context())
		if data, _, _ := p.look(); err != nil || len(data) != maxPending || data["7"] != "changed" {
			t.Errorf("flush: %v, %d keys, %q", err, len(data), data["7"])
		}
		put(t, k, "one more", "v")
	})
}

func BenchmarkPut(b *testing.B) {
	k := startKeeper(func(batch) error { return nil }, slog.New(slog.DiscardHandler))
	defer k.close()
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		if err := k.put(change{bucketShown, benchKeys[i%len(benchKeys)]}, shownValue); err != nil {
			b.Fatal(err)
		}
	}
}

var benchKeys = []string{"a@example.org\x00x", "b@example.org\x00x", "c@example.org\x00x"}
