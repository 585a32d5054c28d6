//go:build linux

package e2e

import (
	"fmt"
	"maps"
	"syscall"
	"testing"
	"time"
)

// The crash experiment: people write to each other, something is killed, frozen,
// unplugged or full in the midst of it and mended, and then four lists are compared
// (ledger). Each row is done again and again: five times in the tests, a hundred
// times by "make crash", which fills docs/crash-table.md.

// A crashScene is an office for many crashes. Unlike in a scene both sides are
// played, but for Juliet in her own row: what is to be seen is every copy of each
// message, at saturation too.
type crashScene struct {
	*office
	brand  string
	server server
	alice  *rawColleague
	romeo  *rawTalker
	juliet *typist // in her own row
	bridge *bridge
	used   []*process // every bridge of this run
}

const (
	romeoInstance = "romeo@forza"
	romeoJID      = `romeo\40forza@` + domain
)

// TestCrash does every row a few times on both servers, or what "make crash" asks
// for in the environment. Much of it is waiting, so several offices are at it at once,
// each with a share of the rows.
func TestCrash(t *testing.T) {
	book := openCrashBook(t)
	shares := book.offices
	for _, brand := range brands {
		for share := range shares {
			t.Run(fmt.Sprint(brand.name, " ", share+1), func(t *testing.T) {
				t.Parallel()
				for round := 1; !t.Failed(); round++ {
					todo := book.todo(brand.name, func(row int) bool { return row%shares == share })
					if len(todo) == 0 {
						return
					}
					t.Run(fmt.Sprint("round ", round), func(t *testing.T) { crashDay(t, brand.name, brand.plain, book, todo) })
				}
			})
		}
	}
}

// crashDay does some runs of each row in one office.
func crashDay(t *testing.T, brand string, raise backend, book *crashBook, todo []assignment) {
	c := &crashScene{office: newOffice(t, both), brand: brand}
	var way setup
	c.server, way = raise(t, c.office)
	c.alice = c.newRawColleague("alice")
	c.alice.login(t)
	c.romeo = c.newHost(t, "forza").newRawTalker(t, romeoInstance)
	c.introduce(t, way)
	for _, a := range todo {
		whole := false
		t.Run(a.row.rule+" "+a.row.name, func(t *testing.T) {
			with := way
			with.more = "log:\n  level: debug\n" + a.row.config
			if a.row.prepare != nil {
				a.row.prepare(t, c)
			}
			for _, run := range a.runs {
				book.enter(t, c.run(t, a.row, run, with))
			}
			whole = true
		})
		if !whole { // nobody knows what is broken in this office
			return
		}
	}
}

// introduce has the two meet before the first crash. ejabberd writes to its disk two
// seconds late: who is subscribed to whom would be lost in it.
func (c *crashScene) introduce(t *testing.T, way setup) {
	t.Helper()
	c.start(t, way)
	c.warmUp(t, c.romeo, c.alice, aliceInstance, "hello.up.")
	c.warmUp(t, c.alice, c.romeo, romeoJID, "hello.down.")
	<-time.After(3 * time.Second)
	c.stop(t)
}

// run is one crash and its lists.
func (c *crashScene) run(t *testing.T, r crashRow, run int, with setup) crashRun {
	t.Helper()
	c.used = nil
	if r.before != nil {
		r.before(t, c)
	}
	c.start(t, with)
	lan, instance, jid := correspondent(c.romeo), romeoInstance, romeoJID
	if r.typed {
		lan, instance, jid = c.juliet, julietInstance, julietJID
	}
	c.warmUp(t, c.alice, lan, jid, fmt.Sprintf("%s.%d.warm.down.", r.key, run))
	if r.up.n > 0 {
		c.warmUp(t, lan, c.alice, aliceInstance, fmt.Sprintf("%s.%d.warm.up.", r.key, run))
	}

	up := &ledger{way: "up", prefix: fmt.Sprintf("%s.%d.u.", r.key, run)}
	down := &ledger{way: "down", prefix: fmt.Sprintf("%s.%d.d.", r.key, run)}
	traffic := []*writer{{up, lan, aliceInstance, r.up}, {down, c.alice, jid, r.down}}
	var done []<-chan struct{}
	for _, w := range traffic {
		done = append(done, w.begin(t))
	}
	if r.up.n > 0 {
		c.awaitCopies(t, c.alice, up, r.after)
	} else {
		c.awaitCopies(t, lan, down, r.after)
	}
	mended := r.happens(t, c, run, down)
	for _, d := range done {
		select {
		case <-d:
		case <-time.After(2 * later):
			t.Fatal("somebody cannot write any more")
		}
	}
	c.settle(t, up, c.alice)
	c.settle(t, down, lan)
	c.stop(t)

	result := crashRun{Row: r.key, Server: c.brand, Run: run, Date: time.Now().UTC().Format(time.DateTime)}
	result.Up = c.judge(t, r, up, c.alice, lan)
	result.Down = c.judge(t, r, down, lan, c.alice)
	result.Took = recovery(mended, up, c.alice.sightings(), down, lan.sightings())
	t.Logf("MEASURED %s on %s, run %d: to Alice %v; to %s %v; whole again after %v",
		r.name, c.brand, run, result.Up, instance, result.Down, result.Took)
	return result
}

// start starts a bridge for one run. Each has a new one, which has not met the
// crashes before and waits no longer than others for the server.
func (c *crashScene) start(t testing.TB, with setup) {
	t.Helper()
	heard := c.tap.heard.now()
	if c.bridge == nil {
		c.bridge = c.newBridge(t, plainly, with)
	} else {
		c.bridge.configure(t, with)
		c.bridge.up(t)
	}
	c.used = append(c.used, c.bridge.process)
	c.bridge.ready(t)
	heard.await(t, soon, "Alice is announced", announces(aliceInstance))
	c.romeo.door = c.lineTo(t, aliceInstance)
}

// again starts the bridge once more, after it was killed.
func (c *crashScene) again(t testing.TB) {
	t.Helper()
	c.bridge.up(t)
	c.used = append(c.used, c.bridge.process)
	c.bridge.ready(t)
}

func (c *crashScene) stop(t testing.TB) {
	t.Helper()
	c.bridge.signal(t, syscall.SIGTERM)
	if code := c.bridge.awaitEnd(t, later); code != 0 {
		t.Errorf("exit code %d", code)
	}
	c.alice.flush(t)
}

// warmUp waits until one reaches the other.
func (c *crashScene) warmUp(t testing.TB, from, to correspondent, address, name string) {
	t.Helper()
	book, tries := &ledger{prefix: name}, 0
	eventually(t, later, "a first message to "+address, func() bool {
		if tries%50 == 0 { // a second and something apart
			_ = from.say(address, book.id(tries)) // too early: once more
		}
		tries++
		return copies(to, book) > 0
	})
}

// copies counts what of a ledger has come to its recipient.
func copies(who correspondent, book *ledger) int {
	return count(who.sightings(), func(s sighting) bool {
		_, ours := book.number(s.id)
		return ours && s.condition == ""
	})
}

// awaitCopies waits until so many have come.
func (c *crashScene) awaitCopies(t *testing.T, who correspondent, book *ledger, n int) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(later); copies(who, book) < n; <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %d messages %s; there are %d", n, book.way, copies(who, book))
		}
	}
}

// settle waits until the program says of all that it accepted that it is done with.
// If it never does, the lists show what that means. One that was killed may not have come
// to say it: what it accepted is done with as well when it was seen and is not written
// again.
func (c *crashScene) settle(t *testing.T, book *ledger, reader correspondent) {
	t.Helper()
	pending := func() int {
		all, latest := stepsOf(c.used...), stepsOf(c.used[len(c.used)-1])
		open := book.reached(all, "accepted")
		maps.Copy(open, book.reached(latest, "taken")) // what was taken before a kill need not come
		for _, end := range []string{"arrived", "errored"} {
			for id := range book.reached(all, end) {
				delete(open, id)
			}
		}
		written := book.reached(latest, "written")
		for _, s := range reader.sightings() {
			if s.condition == "" && !written[s.id] {
				delete(open, s.id)
			}
		}
		return len(open)
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(later); pending() > 0; <-tick.C {
		if time.Now().After(deadline) {
			t.Errorf("%d messages %s have neither arrived nor come to an end", pending(), book.way)
			return
		}
	}
}

// judge makes the four lists of one way and compares them.
func (c *crashScene) judge(t *testing.T, r crashRow, book *ledger, reader, author correspondent) tally {
	t.Helper()
	steps := stepsOf(c.used...)
	l := lists{
		number: book.number, written: book.all(),
		accepted: book.reached(steps, "accepted"), errored: book.reached(steps, "errored"),
		seen: reader.sightings(),
	}
	if p, typed := reader.(*typist); typed {
		l.seen = p.stamped()
	}
	for _, s := range author.sightings() {
		if _, ours := book.number(s.id); ours && s.condition != "" {
			l.errored[s.id] = true
		}
	}
	y := l.judge(len(c.used) > 1)
	for _, p := range y.problems[:min(len(y.problems), 10)] {
		t.Errorf("%s on %s, %s: %s", r.name, c.brand, book.way, p)
	}
	return y
}

// recovery is how long after the repair the last of what had been written before it
// was seen for the first time.
func recovery(mended time.Time, up *ledger, atAlice []sighting, down *ledger, onLAN []sighting) time.Duration {
	last := mended
	for _, w := range []struct {
		book *ledger
		seen []sighting
	}{{up, atAlice}, {down, onLAN}} {
		waited := map[string]bool{}
		for _, e := range w.book.all() {
			waited[e.id] = e.at.Before(mended)
		}
		for _, s := range w.seen {
			if waited[s.id] && s.condition == "" && s.at.After(last) {
				last = s.at
			}
			delete(waited, s.id)
		}
	}
	return last.Sub(mended).Round(time.Millisecond)
}

// A volume is how much somebody writes: n messages, that far apart; without a pause
// as fast as the line takes them.
type volume struct {
	n     int
	every time.Duration
}

// A writer is an author at work.
type writer struct {
	book *ledger
	who  correspondent
	to   string
	volume
}

// begin writes until all is written. What the author cannot get rid of for want of a
// line waits in their hands; what left them and broke with the line they do not know
// of, and do not write again.
func (w *writer) begin(t *testing.T) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := range w.n {
			begun := time.Now()
			for w.who.say(w.to, w.book.id(n)) != nil {
				select {
				case <-time.After(50 * time.Millisecond):
				case <-t.Context().Done():
					return
				}
			}
			w.book.note(w.book.id(n))
			if rest := w.every - time.Since(begun); rest > 0 {
				<-time.After(rest)
			}
		}
	}()
	return done
}
