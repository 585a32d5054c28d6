//go:build linux

package e2e

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A crashRow is one kind of crash.
type crashRow struct {
	key      string // in ids
	rule     string // what it proves
	name     string // in the table
	config   string // beside the defaults
	up, down volume
	after    int                               // it happens when so many have come
	typed    bool                              // Juliet's libpurple is the client on the LAN
	prepare  func(t *testing.T, c *crashScene) // before the first run
	before   func(t *testing.T, c *crashScene) // before each

	// happens breaks something and mends it, and returns when it was whole again.
	happens func(t *testing.T, c *crashScene, run int, down *ledger) time.Time
}

// What people write in most rows.
var (
	fifty  = volume{75, 20 * time.Millisecond}
	twenty = volume{30, 50 * time.Millisecond}
)

// crashRows are the rows of the table. For saturation the limits that would hold the
// one author up are out of the way.
var crashRows = []crashRow{
	{
		key: "sat", rule: "COMP-16", name: "server killed (-9) at saturation",
		config: "limits: {peer_rate: 100000, peer_burst: 100000, total_rate: 100000}\noutbox: {per_recipient: 2000}\n",
		up:     volume{n: 600}, down: twenty, after: 60,
		happens: serverKilled,
	},
	{
		key: "kill", rule: "COMP-16", name: "server killed (-9) at 50 messages/s",
		up: fifty, down: twenty, after: 25,
		happens: serverKilled,
	},
	{
		key: "frozen", rule: "COMP-10", name: "server frozen (STOP) and back",
		up: fifty, down: twenty, after: 25,
		happens: serverFrozen,
	},
	{
		key: "bridge", rule: "COMP-20", name: "bridge killed (-9), durability disk, and started",
		up: fifty, down: twenty, after: 25,
		happens: bridgeKilled,
	},
	{
		key: "juliet", rule: "LL-STR-30", name: "Juliet's client killed (-9) and back",
		down: twenty, after: 10, typed: true, // downwards only: libpurple gives no ids
		prepare: julietSignsOn, happens: julietKilled,
	},
	{
		key: "cable", rule: "LL-STR-30", name: "LAN cable pulled and back",
		up: fifty, down: twenty, after: 25,
		happens: cablePulled,
	},
	{
		key: "full", rule: "COMP-14", name: "disk full, and room again",
		up: fifty, down: twenty, after: 25,
		before: freshDisk, happens: diskFull,
	},
}

// long tells which runs are about a time that is longer than what the program waits
// for: every fifth.
func long(run int) bool { return run%5 == 0 }

// serverKilled kills the server and starts it again. The way for components is
// closed until Alice is back, so that the server's own store takes no part: for what
// a server keeps for people who are offline, it answers itself (decision 015).
func serverKilled(t *testing.T, c *crashScene, _ int, _ *ledger) time.Time {
	t.Helper()
	c.server.kill(t)
	c.router.ip(t, "route", "add", "unreachable", serverWAN+"/32")
	c.server.up(t)
	c.alice.login(t)
	c.alice.flush(t)
	c.router.ip(t, "route", "del", "unreachable", serverWAN+"/32")
	return time.Now()
}

// serverFrozen stops the server for a second, or for longer than the program waits
// for an answer (COMP-10).
func serverFrozen(t *testing.T, c *crashScene, run int, _ *ledger) time.Time {
	t.Helper()
	frozen := time.Second
	if long(run) {
		frozen = 18 * time.Second
	}
	c.server.freeze(t, frozen)
	return time.Now()
}

func (p *process) freeze(t testing.TB, d time.Duration) {
	t.Helper()
	p.signal(t, syscall.SIGSTOP)
	<-time.After(d)
	p.signal(t, syscall.SIGCONT)
}

func bridgeKilled(t *testing.T, c *crashScene, _ int, _ *ledger) time.Time {
	t.Helper()
	c.bridge.kill(t)
	c.again(t)
	return time.Now()
}

func julietSignsOn(t *testing.T, c *crashScene) {
	t.Helper()
	c.juliet = &typist{host: c.newHost(t, "pronto"), wire: c.newWiretap(t)}
	c.juliet.signOn(t)
}

func julietKilled(t *testing.T, c *crashScene, _ int, _ *ledger) time.Time {
	t.Helper()
	c.juliet.client().kill(t)
	c.juliet.signOn(t)
	return time.Now()
}

// cablePulled pulls Romeo's out of the switch, for a moment or for longer than the
// kernel waits for an acknowledgement (TCP_USER_TIMEOUT).
func cablePulled(t *testing.T, c *crashScene, run int, _ *ledger) time.Time {
	t.Helper()
	pulled := 1500 * time.Millisecond
	if long(run) {
		pulled = 10 * time.Second
	}
	c.router.ip(t, "link", "set", "lan-"+c.romeo.role, "down")
	<-time.After(pulled)
	c.router.ip(t, "link", "set", "lan-"+c.romeo.role, "up")
	return time.Now()
}

func (o *office) stateFolder() string { return filepath.Join(o.dir, "bridge", "state") }

// freshDisk gives the program's state a small disk of its own, with nothing on it:
// what was written before leaves room in the file.
func freshDisk(t *testing.T, c *crashScene) {
	t.Helper()
	mkdir(t, c.stateFolder())
	if err := unix.Mount("tmpfs", c.stateFolder(), "tmpfs", 0, "size=4m,mode=700"); err != nil {
		t.Fatal(err)
	}
	c.router.owner.Cleanup(func() {
		if err := unix.Unmount(c.stateFolder(), unix.MNT_DETACH); err != nil {
			c.router.owner.Error(err)
		}
	})
}

// diskFull fills that disk. Romeo leaves, and Alice writes him letters, which need
// more room than there is. When there is some, and they are saved, the program is
// killed and started, and Romeo comes to read them.
func diskFull(t *testing.T, c *crashScene, _ int, down *ledger) time.Time {
	t.Helper()
	const letters, pages = 30, 8 << 10
	ballast := filepath.Join(c.stateFolder(), "ballast")
	fill(t, ballast)
	log := c.bridge.lines.now()
	eventually(t, later, "all that is written flows", func() bool {
		return len(down.reached(stepsOf(c.used...), "arrived")) == twenty.n
	})
	gone := c.bridge.lines.now()
	c.romeo.vanishes(t)
	gone.await(t, soon, "Romeo's departure", has("peer gone", romeoInstance))
	for n := range letters {
		id := down.id(twenty.n + n)
		if err := c.alice.write(romeoJID, id, strings.Repeat("x", pages)); err != nil {
			t.Fatal(err)
		}
		down.note(id)
	}
	log.await(t, later, "the trouble in the log", has("state is not saved", "no space left"))
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	log.await(t, later, "all is well", has("state is saved again"))
	eventually(t, soon, "the letters are accepted", func() bool {
		return len(down.reached(stepsOf(c.used...), "accepted")) == twenty.n+letters
	})
	c.bridge.kill(t)
	c.again(t)
	c.romeo.appears(t)
	return time.Now()
}

// fill writes a file until nothing more fits.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 64 << 10; size > 0; size /= 4 {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
		if !errors.Is(err, unix.ENOSPC) {
			t.Fatal(err)
		}
	}
}
