package bridge

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"meshbridge/bridge/config"
	"meshbridge/bridge/store"
	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
	"meshbridge/upstream"

	"github.com/google/go-cmp/cmp"
)

func inMemoryOnly(cfg *config.Config) { cfg.Outbox.Durability = config.Memory }

func inMemory(o *office) { inMemoryOnly(&o.cfg) }

// slowDisk gives a rig a disk that is written when the test says so.
func (c *coreRig) slowDisk() *coreRig {
	c.store.slow = true
	return c
}

// commits lets the disk catch up.
func (c *coreRig) commits() {
	c.store.commit()
	c.saved()
}

// restarted is a rig that finds what another one had on disk.
func (c *coreRig) restarted(change ...func(*config.Config)) *coreRig {
	return newCoreRigAfter(c.t, c.store, change...)
}

// steps reads the trace of a log: the steps of each message.
func steps(log *bytes.Buffer) map[string]string {
	all := map[string]string{}
	for _, m := range regexp.MustCompile(`msg=message step=(\w+) way=(\w+) id=(\S+) from=(\S+) to=(\S+)`).FindAllStringSubmatch(log.String(), -1) {
		all[m[3]] = strings.TrimSpace(all[m[3]] + " " + m[1])
	}
	return all
}

func (c *coreRig) logged() *bytes.Buffer {
	log := new(bytes.Buffer)
	c.log = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	return log
}

func TestKeep(t *testing.T) {
	synctestRun(t, "COMP-14 a message is on disk until it has arrived, in both directions", func(t *testing.T) {
		c := withJuliet(t)
		c.says(julietName, "purple1", "up")
		c.hears(chat(aliceJID+"/desk", "a1", "down"))
		up, down := c.store.mail[1], c.store.mail[2]
		sent := messagesIn(c.session.take())
		if len(sent) != 1 || len(c.store.mail) != 2 {
			t.Fatalf("%d written, %d kept", len(sent), len(c.store.mail))
		}
		want := store.Message{ID: 1, Up: true, Colleague: aliceJID, Local: localOf(julietName), Sender: localOf(julietName),
			Origin: "purple1", Accepted: up.Accepted, Stanza: up.Stanza}
		if diff := cmp.Diff(want, up); diff != "" || up.Stanza.ID != sent[0].ID {
			t.Error(diff)
		}
		want = store.Message{ID: 2, Colleague: aliceJID, Local: localOf(julietName), Host: "pronto",
			Sender: aliceJID + "/desk", Accepted: down.Accepted, Stanza: down.Stanza}
		if diff := cmp.Diff(want, down); diff != "" || down.Stanza.ID != "a1" {
			t.Error(diff)
		}
		if age := time.Since(up.Accepted); age < 0 || age > time.Second {
			t.Errorf("accepted at %v", up.Accepted)
		}
		c.routed(c.session.seq)
		if len(c.store.mail) != 2 {
			t.Error("forgotten when routed")
		}
		for _, ping := range c.pingsTo() {
			c.hears(result(ping))
		}
		c.mesh.deliver(c)
		if len(c.store.mail) != 0 {
			t.Errorf("%d are still kept", len(c.store.mail))
		}
	})
	t.Run("COMP-14 with durability memory nothing is put on disk", func(t *testing.T) {
		c := withJuliet(t, inMemoryOnly)
		c.says(julietName, "1", "up")
		c.hears(chat(aliceJID+"/desk", "a1", "down"))
		if len(c.store.mail) != 0 || c.box.Usage().Entries != 2 {
			t.Errorf("%d kept, %d in the outbox", len(c.store.mail), c.box.Usage().Entries)
		}
	})
	synctestRun(t, "COMP-16 places in a window are taken until the disk has forgotten what had them", func(t *testing.T) {
		c := withJuliet(t).slowDisk()
		for i := range 3 * arrivalWindow {
			c.says(julietName, fmt.Sprint(i), "up")
		}
		c.commits()
		if n := len(messagesIn(c.session.take())); n != arrivalWindow {
			t.Fatalf("%d written at first", n)
		}
		arrive := func() {
			c.routed(c.session.seq)
			for _, ping := range c.pingsTo() {
				c.hears(result(ping))
			}
		}
		arrive()
		if n := len(messagesIn(c.session.take())); n != 0 || c.store.hurried == 0 {
			t.Errorf("%d written while a crash would send %d again; hurried %d times", n, arrivalWindow, c.store.hurried)
		}
		c.rest(2 * arrivalPatience)
		if c.colleagues[aliceJID].silent {
			t.Error("Alice is taken for silent: it was the disk")
		}
		c.commits()
		if n := len(messagesIn(c.session.take())); n != arrivalWindow {
			t.Errorf("%d written after the commit", n)
		}
		arrive()
		c.commits()
		c.session.take()
		arrive()
		c.commits()
		if u := c.box.Usage(); u.Entries != 0 || len(c.store.mail) != 0 || c.colleagues[aliceJID].fading != 0 {
			t.Errorf("left: %+v, %d on disk, %d fading", u, len(c.store.mail), c.colleagues[aliceJID].fading)
		}
	})
	synctestRun(t, "COMP-16 the same towards a peer", func(t *testing.T) {
		c := withJuliet(t).slowDisk()
		for i := range 2 * meshWindow {
			c.hears(chat(aliceJID+"/desk", fmt.Sprint("a", i), "down"))
		}
		c.commits()
		if n := c.mesh.deliver(c); n != meshWindow {
			t.Fatalf("%d at first", n)
		}
		if n := len(c.mesh.take()); n != 0 || c.store.hurried == 0 {
			t.Errorf("%d while the first are still on disk; hurried %d times", n, c.store.hurried)
		}
		c.commits()
		if n := c.mesh.deliver(c); n != meshWindow {
			t.Errorf("%d after the commit", n)
		}
		c.commits()
		if len(c.routes) != 0 || len(c.queues) != 0 || len(c.fadings) != 0 {
			t.Errorf("%d routes, %d queues, %d fadings are left", len(c.routes), len(c.queues), len(c.fadings))
		}
	})
	synctestRun(t, "COMP-14 what a former session had under way does not take places twice", func(t *testing.T) {
		c := withJuliet(t).slowDisk()
		for i := range arrivalWindow {
			c.says(julietName, fmt.Sprint(i), "up")
		}
		c.commits()
		c.routed(c.session.seq)
		for _, ping := range c.pingsTo() {
			c.hears(result(ping))
		}
		c.down(upstream.Down{})
		c.up()
		c.commits()
		if got := c.roomFor(c.colleagues[aliceJID]); got != arrivalWindow {
			t.Errorf("room for %d", got)
		}
	})
}

func TestTrace(t *testing.T) {
	t.Run("COMP-14 the trace says accepted after the commit, or on arrival before it, once", func(t *testing.T) {
		c := withJuliet(t).slowDisk()
		log := c.logged()
		c.says(julietName, "1", "first")
		first := messagesIn(c.session.take())[0].ID
		if got := steps(log)[first]; got != "taken written" {
			t.Errorf("before the commit: %s", got)
		}
		c.commits()
		c.routed(c.session.seq)
		for _, ping := range c.pingsTo() {
			c.hears(result(ping))
		}
		if got := steps(log)[first]; got != "taken written accepted routed arrived" {
			t.Errorf("after the commit: %s", got)
		}
		c.hears(chat(aliceJID+"/desk", "a1", "second"))
		c.mesh.deliver(c)
		c.commits()
		if got := steps(log)["a1"]; got != "taken written accepted arrived" {
			t.Errorf("arrived before the commit: %s", got)
		}
	})
	t.Run("COMP-14 the trace names who was told of an error, and PRIV-6 no words", func(t *testing.T) {
		c := withJuliet(t)
		log := c.logged()
		c.peerGone(julietName, "")
		c.hears(chat(aliceJID+"/desk", "a1", "MARKER"))
		c.expire(time.Now().Add(c.cfg.Outbox.MaxAge + time.Hour))
		if got := steps(log)["a1"]; got != "taken accepted errored" {
			t.Errorf("%s", got)
		}
		if !strings.Contains(log.String(), "condition=remote-server-timeout") || strings.Contains(log.String(), "MARKER") {
			t.Errorf("log: %s", log)
		}
	})
	t.Run("COMP-14 in memory it is accepted when it is taken", func(t *testing.T) {
		c := withJuliet(t, inMemoryOnly)
		log := c.logged()
		c.hears(chat(aliceJID+"/desk", "a1", "second"))
		if got := steps(log)["a1"]; got != "accepted written" {
			t.Errorf("%s", got)
		}
	})
}

func TestFarewellOnDisk(t *testing.T) {
	synctestRun(t, "COMP-13 COMP-14 what waits at the end stays on disk and nobody is told that it is lost", func(t *testing.T) {
		c := withJuliet(t)
		c.peerGone(julietName, "")
		c.hears(chat(aliceJID+"/desk", "a1", "later"))
		c.session.take()
		c.farewell()
		if got := errorsIn(c.session.take()); len(got) != 0 || len(c.store.mail) != 1 {
			t.Errorf("told %v, %d kept", got, len(c.store.mail))
		}
	})
	synctestRun(t, "COMP-14 on a disk that fails what is not there is answered, what is there stays", func(t *testing.T) {
		c := withJuliet(t).slowDisk()
		c.peerGone(julietName, "")
		c.hears(chat(aliceJID+"/desk", "a1", "on disk"))
		c.commits()
		c.store.err = errors.New("no space left on device")
		c.hears(chat(aliceJID+"/desk", "a2", "not there"))
		c.session.take()
		c.farewell()
		var told []string
		for _, s := range c.session.take() {
			if s.Type == "error" {
				told = append(told, s.ID)
			}
		}
		if strings.Join(told, ",") != "a2" || len(c.store.onDisk) != 1 {
			t.Errorf("told of %v, %d on disk", told, len(c.store.onDisk))
		}
	})
	synctestRun(t, "COMP-13 the end waits for the news that what is with the server has arrived", func(t *testing.T) {
		c := withJuliet(t)
		c.says(julietName, "1", "up")
		c.after(time.Second, func() { c.routed(c.session.seq) })
		c.after(2*time.Second, func() {
			for _, ping := range c.pingsTo() {
				c.hears(result(ping))
			}
		})
		begun := time.Now()
		c.farewell()
		if took := time.Since(begun); len(c.store.mail) != 0 || took < 2*time.Second || took > 3*time.Second {
			t.Errorf("%d would go out again after %v", len(c.store.mail), took)
		}
	})
	synctestRun(t, "COMP-13 for who answers nothing it waits 5 s at most, or not at all if that is known", func(t *testing.T) {
		for _, silent := range []bool{false, true} {
			c := withJuliet(t)
			c.colleagues[aliceJID].silent = silent
			c.says(julietName, "1", "up")
			c.routed(c.session.seq)
			begun := time.Now()
			c.farewell()
			took := time.Since(begun)
			if silent && (took > time.Second || len(c.store.mail) != 0) || !silent && (took != farewellTime || len(c.store.mail) != 1) {
				t.Errorf("silent %v: %v, %d kept", silent, took, len(c.store.mail))
			}
		}
	})
	t.Run("COMP-14 after the last farewell messages from the mesh are still taken in, for the next run", func(t *testing.T) {
		c := withJuliet(t)
		c.session.bad, c.session.err = func(stanza.Stanza) bool { return true }, upstream.ErrClosed
		c.farewell()
		c.mesh.take()
		c.fromMesh(linklocal.Received{Peer: julietName, Proxy: aliceJID, Stanza: chat("", "1", "late")})
		if len(c.store.mail) != 1 || len(c.mesh.take()) != 0 {
			t.Errorf("%d kept", len(c.store.mail))
		}
	})
}
