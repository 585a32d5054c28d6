//go:build linux

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestReload changes the configuration while people talk, and asks the bridge how it is.
func TestReload(t *testing.T) {
	s := newScene(t, both, racing, onProsody)
	r := &reload{scene: s}
	text, err := os.ReadFile(s.bridge.config)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "asked") // short enough for the path of a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	r.socket = filepath.Join(dir, "s")
	r.yaml = strings.Replace(string(text), `control: {socket: ""}`, "control: {socket: "+r.socket+"}", 1)
	t.Run("a control socket comes with a reload", func(t *testing.T) {
		r.reloads(t, r.yaml, "restarted=control")
		if info, err := os.Stat(r.socket); err != nil || info.Mode().Perm() != 0o660 {
			t.Errorf("O4 %v, %v", info, err)
		}
	})
	s.bothTalk(t, "before it all")
	t.Run("live keys under traffic: 0 lost, no stream ends", r.testLive)
	t.Run("a bad new configuration: the old one is kept, and the reason is shown", r.testBad)
	t.Run("the connection to the server begins anew under traffic: 0 lost", r.testUpstream)
	t.Run("the LAN begins anew under traffic: 0 lost", r.testMesh)
	t.Run("PRIV-5 a colleague is taken off the list, and put on it again", r.testList)
	t.Run("status, outbox and browse", r.testAsking)
}

// reload is a scene whose bridge gets other configurations.
type reload struct {
	*scene
	yaml   string
	socket string
}

// reloads puts a text in force and waits for the log to say so.
func (r *reload) reloads(t *testing.T, text, said string) {
	t.Helper()
	log := r.bridge.lines.now()
	r.rewrites(t, text)
	log.await(t, later, "it is in force", has("msg=reloaded", said))
}

func (r *reload) rewrites(t *testing.T, text string) {
	t.Helper()
	write(t, r.bridge.config, text, 0o600)
	r.bridge.signal(t, syscall.SIGHUP)
}

// asks runs another verb of the program and returns what it prints.
func (r *reload) asks(t *testing.T, code int, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, r.bridge.binary, append(args, "--socket", r.socket)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != code {
		t.Errorf("%v: %v\n%s", args, err, out)
	}
	return string(out)
}

// talks has both write to each other every 20 ms, n times, with what happens at some of
// them, and returns what they wrote.
func (r *reload) talks(t *testing.T, what string, n int, down, up bool, at map[int]func()) (written []string) {
	t.Helper()
	tick := time.NewTicker(40 * time.Millisecond)
	defer tick.Stop()
	for i := range n {
		<-tick.C
		text := numbered(what, i, "of the talk")
		written = append(written, text)
		if up {
			r.juliet.send(t, aliceInstance, text)
		}
		if down {
			r.alice.do(t, "message", "to", julietJID, "body", text)
		}
		if at[i] != nil {
			at[i]()
		}
	}
	return written
}

func (r *reload) testLive(t *testing.T) {
	alices, juliets := r.alice.events.now(), r.juliet.events.now()
	heardA, heardJ := len(r.alice.received(julietJID)), len(r.juliet.received(aliceInstance))
	log := r.bridge.lines.now()
	at := map[int]func(){}
	for i := range 5 {
		at[10*i] = func() {
			text := strings.Replace(r.yaml, "nick: Alice", fmt.Sprint("nick: Alice", i), 1) +
				fmt.Sprintf("  - {uri: \"xmpp:bob@example.org\", nick: Bob%d}\nlimits: {peer_rate: %d}\noutbox: {total: %d}\nprivacy: {publish: [nick]}\n", i, 60+i, 3000+i)
			r.rewrites(t, text)
		}
	}
	want := r.talks(t, "live", 60, true, true, at)
	alices.await(t, later, "Juliet's last", body(julietJID, want[len(want)-1]))
	juliets.await(t, later, "Alice's last", gets(aliceInstance, want[len(want)-1]))
	compare(t, r.alice.received(julietJID)[heardA:], want)
	compare(t, r.juliet.received(aliceInstance)[heardJ:], want)
	all := log.rest()
	if n := count(all, has("msg=reloaded")); n == 0 {
		t.Error("nothing was reloaded")
	}
	if n := count(all, has("left the server")) + count(all, has("not connected")) + count(all, has("msg=authenticated")); n != 0 {
		t.Errorf("the connection to the server was touched %d times", n)
	}
	if n := count(juliets.rest(), signedOff(aliceInstance)); n != 0 {
		t.Errorf("Alice went from Juliet's list %d times", n)
	}
	eventually(t, soon, "her new name", func() bool { return r.tapNick() == "Alice4" })
}

// tapNick is the nick in Alice's record, as last announced.
func (r *reload) tapNick() string {
	for _, kv := range r.tap.txt(aliceInstance) {
		if nick, ok := strings.CutPrefix(kv, "nick="); ok {
			return nick
		}
	}
	return ""
}

func (r *reload) testBad(t *testing.T) {
	log := r.bridge.lines.now()
	r.rewrites(t, r.yaml+"colour: red\n")
	line := strings.Count(r.yaml, "\n") + 1
	reason := fmt.Sprintf("%s:%d:1: colour: unknown key", r.bridge.config, line)
	log.await(t, soon, "why it is refused", has("reload refused: "+reason))
	r.bothTalk(t, "under the old one")
	if out := r.asks(t, 3, "status"); !strings.Contains(out, reason) || !strings.Contains(out, "-> mend ") {
		t.Errorf("status says\n%s", out)
	}
	if out := r.asks(t, 1, "reload"); !strings.Contains(out, reason) {
		t.Errorf("reload says %s", out)
	}
	r.reloads(t, r.yaml, "")
	if out := r.asks(t, 0, "status"); strings.Contains(out, "colour") {
		t.Errorf("status says\n%s", out)
	}
}

// answered are the texts of Alice's that came back to her as errors. Prosody does so
// with what comes while no component is there.
func (r *reload) answered(before int) (texts []string) {
	for _, e := range r.alice.events.all()[before:] {
		if e.Ev == "message" && e.Type == "error" {
			texts = append(texts, e.Body)
		}
	}
	return texts
}

func (r *reload) testUpstream(t *testing.T) {
	alices, juliets := r.alice.events.now(), r.juliet.events.now()
	heardA, heardJ, before := len(r.alice.received(julietJID)), len(r.juliet.received(aliceInstance)), len(r.alice.events.all())
	log := r.bridge.lines.now()
	r.yaml = strings.Replace(r.yaml, "upstream:\n", "upstream:\n  max_stanza: 200KiB\n", 1)
	want := r.talks(t, "up", 60, true, true, map[int]func(){20: func() { r.rewrites(t, r.yaml) }})
	log.await(t, later, "it is in force", has("msg=reloaded", "restarted=upstream"))
	alices.await(t, later, "Juliet's last", body(julietJID, want[len(want)-1]))
	juliets.await(t, later, "Alice's last", gets(aliceInstance, want[len(want)-1]))
	compare(t, r.alice.received(julietJID)[heardA:], want)
	bounced := r.answered(before)
	arrived := r.juliet.received(aliceInstance)[heardJ:]
	t.Logf("MEASURED upstream anew: of %d messages to Juliet %d arrived, %d were answered by the server with an error; of %d to Alice all arrived", len(want), len(arrived), len(bounced), len(want))
	if len(arrived)+len(bounced) != len(want) {
		t.Errorf("%d arrived and %d were answered, of %d", len(arrived), len(bounced), len(want))
	}
	if n := count(juliets.rest(), signedOff(aliceInstance)); n != 0 {
		t.Errorf("Alice went from Juliet's list %d times", n)
	}
	if e, _ := r.alice.last(julietJID); e.Type != "" {
		t.Errorf("Alice's last news of Juliet is %s", e.XML)
	}
}

func (r *reload) testMesh(t *testing.T) {
	alices, juliets := r.alice.events.now(), r.juliet.events.now()
	heardJ := len(r.juliet.received(aliceInstance))
	r.yaml = strings.Replace(r.yaml, "linklocal:\n", "linklocal:\n  departure_delay: 3s\n", 1)
	begun := time.Now()
	want := r.talks(t, "down", 60, true, false, map[int]func(){20: func() { r.rewrites(t, r.yaml) }})
	juliets.await(t, later, "Alice's last", gets(aliceInstance, want[len(want)-1]))
	t.Logf("MEASURED mesh anew: all arrived after %v", time.Since(begun))
	compare(t, r.juliet.received(aliceInstance)[heardJ:], want)
	if n := count(alices.rest(), presence(julietJID, "unavailable")); n != 0 {
		t.Errorf("Juliet was shown to be gone %d times", n)
	}
	eventually(t, later, "Alice is back in her list", func() bool { return r.juliet.sees(t, aliceInstance) })
	r.julietInsists(t, "after the LAN began anew")
	r.bothTalk(t, "after the LAN began anew")
}

func (r *reload) testList(t *testing.T) {
	alices, juliets := r.alice.events.now(), r.juliet.events.now()
	listed := r.yaml
	entry := listed[strings.Index(listed, "colleagues:\n"):]
	r.reloads(t, strings.Replace(listed, entry, "colleagues: []\n", 1), "colleagues=0")
	juliets.await(t, soon, "Alice goes from Juliet's list", signedOff(aliceInstance))
	alices.await(t, soon, "the component does not look any more", presence(domain, "unsubscribe"))
	alices.await(t, soon, "Juliet is shown to be gone", presence(julietJID, "unavailable"))
	alices, juliets = r.alice.events.now(), r.juliet.events.now()
	r.reloads(t, listed, "colleagues=1")
	alices.await(t, soon, "she is asked again", presence(domain, "subscribe"))
	juliets.await(t, later, "she is back", signedOn(aliceInstance))
	r.alice.do(t, "subscribe", "to", julietJID)
	alices.await(t, soon, "she sees Juliet", presence(julietJID, ""))
}

func (r *reload) testAsking(t *testing.T) {
	r.julietLeaves(t)
	r.alice.events.now().await(t, soon, "she is gone", presence(julietJID, "unavailable"))
	log := r.bridge.lines.now()
	r.alice.do(t, "message", "to", julietJID, "body", "marker of a body")
	var waiting struct {
		ID              uint64
		From, To, State string
	}
	eventually(t, soon, "it waits", func() bool {
		return json.Unmarshal([]byte(r.asks(t, 0, "outbox", "list", "--json")), &waiting) == nil && waiting.To == julietInstance
	})
	status := r.asks(t, 0, "status", "--json")
	for _, part := range []string{`"to":"juliet@pronto","messages":1`, `"state":"up"`, `"name":"br-lan","joined":true`} {
		if !strings.Contains(status, part) {
			t.Errorf("no %s in %s", part, status)
		}
	}
	browse := r.asks(t, 0, "browse", "-t")
	if !strings.Contains(browse, "+ br-lan   "+aliceInstance) {
		t.Errorf("browse says\n%s", browse)
	}
	alices := r.alice.events.now()
	r.asks(t, 0, "outbox", "drop", fmt.Sprint(waiting.ID))
	alices.await(t, soon, "she is told that it was not delivered", func(e clientEvent) bool {
		return e.Ev == "message" && e.Type == "error" && bare(e.From) == julietJID
	})
	log.absent(t, time.Second, "the log has what she wrote", has("marker of a body"))
	for what, text := range map[string]string{"status": status, "browse": browse} {
		if strings.Contains(text, "marker of a body") || strings.Contains(text, secret) {
			t.Errorf("PRIV-6 O3 %s tells too much: %s", what, text)
		}
	}
}
