package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meshbridge/bridge/control"
	"meshbridge/bridge/terminal"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := "testdata/" + name + ".golden"
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// busy is a status with something of everything.
func busy() control.Status {
	at := time.Date(2026, time.November, 22, 9, 30, 0, 0, time.UTC)
	two := int64(2)
	return control.Status{
		Version: "0.4.0", PID: 4711, State: "degraded", Started: at, UptimeSeconds: 6*86400 + 4*3600,
		Config:   control.Config{File: "/etc/meshbridge/bridge.yaml", Loaded: at, Refused: "/etc/meshbridge/bridge.yaml:4:1: colour: unknown key; remove it"},
		Upstream: control.Upstream{State: "up", Domain: "lan.example.org", Address: "192.0.2.10:5347", Since: at, SinceSeconds: 6 * 86400, Reconnects: 1},
		Mesh:     control.Mesh{Up: true, Port: 5298},
		Interfaces: []control.Interface{
			{Name: "br-guest", Joined: true, SinceSeconds: 700},
			{Name: "br-lan", Joined: true, SinceSeconds: 6 * 86400, Packets: 1234, LastSeconds: &two, Peers: 2},
			{Name: "wlan9"},
		},
		Peers: []control.Peer{
			{Instance: "juliet@pronto", JID: `juliet\40pronto@lan.example.org`, Present: true, Level: "bound", Streams: 2, Watchers: 1},
			{Instance: "evil\x1b[2J\u202e@pc", JID: `evil\40pc@lan.example.org`, Present: true, Level: "bound"},
			{Instance: "romeo@forza", JID: `romeo\40forza@lan.example.org`, Level: "bound"},
		},
		Colleagues: []control.Colleague{
			{JID: "alice@example.org", Nick: "Alice", Listed: true, Asked: true, Accepted: true, Online: true, Instance: `alice\40example.org@office`},
			{JID: "bob@example.org", Listed: true, Asked: true},
			{JID: "carol@example.org", Nick: "Carol", Listed: true, Left: true},
		},
		Held: []control.Held{{Peer: "tybalt@pc", Colleague: "alice@example.org", Why: "another machine has this name now", Next: "approve tybalt@pc, or wait", Seconds: 90}},
		Outbox: control.Outbox{
			Durability: "disk", Messages: 3, Bytes: 4200, LimitMessages: 2000, LimitBytes: 8 << 20, InFlight: 1, OldestSeconds: 7300,
			Recipients: []control.Recipient{{Direction: "down", To: "romeo@forza", Messages: 2, OldestSeconds: 7300}, {Direction: "up", To: "alice@example.org", Messages: 1, OldestSeconds: 1}},
		},
		Drops:  []control.Drop{{Rule: "INJ-4", Count: 12, Last: "bob@pc", LastSeconds: 125}, {Rule: "M4", Count: 3}},
		Memory: control.Memory{RSS: 14889779, Heap: 5 << 20},
		Troubles: []control.Trouble{
			{About: "config", What: "the file was changed and is not in force: /etc/meshbridge/bridge.yaml:4:1: colour: unknown key; remove it", Next: "mend it, then office-bridge reload", Degraded: true},
			{About: "br-guest", What: "nothing was heard there for 11m", Next: "multicast snooping or a firewall in the way?"},
			{About: "wlan9", What: "is not up, or does not exist", Next: "bring it up", Degraded: true},
			{About: "bob@example.org", What: "bob@example.org has not accepted the subscription request of lan.example.org", Next: "ask them to accept it"},
			{About: "tybalt@pc", What: "another machine has this name now", Next: "approve tybalt@pc, or wait"},
		},
	}
}

func TestStatus(t *testing.T) {
	for name, style := range map[string]Style{"status": {}, "status-ascii": {ASCII: true}} {
		t.Run("O2 "+name, func(t *testing.T) {
			var b bytes.Buffer
			if err := Status(&b, busy(), style); err != nil {
				t.Fatal(err)
			}
			if strings.ContainsAny(b.String(), "\x1b\u202e") {
				t.Errorf("a control character in %q", b.String())
			}
			golden(t, name, b.String())
		})
	}
	t.Run("every trouble is written, and once", func(t *testing.T) {
		var b bytes.Buffer
		s := busy()
		if err := Status(&b, s, Style{}); err != nil {
			t.Fatal(err)
		}
		for _, trouble := range s.Troubles {
			if n := strings.Count(b.String(), "-> "+trouble.Next+"\n"); n != 1 {
				t.Errorf("%d times: %+v", n, trouble)
			}
		}
	})
	t.Run("waiting, and an empty house", func(t *testing.T) {
		var b bytes.Buffer
		s := control.Status{Version: "0.4.0", State: "degraded", Upstream: control.Upstream{State: "waiting", Domain: "lan.example.org", Address: "tcp://127.0.0.1:5347"},
			Outbox: control.Outbox{Durability: "memory"}, Troubles: []control.Trouble{{About: "upstream", What: "not connected for 3s", Next: "see whether the server runs", Degraded: true}}}
		if err := Status(&b, s, Style{}); err != nil {
			t.Fatal(err)
		}
		golden(t, "status-empty", b.String())
	})
	t.Run("a line of JSON, whose keys are promised", func(t *testing.T) {
		var b bytes.Buffer
		if err := terminal.WriteJSON(&b, busy()); err != nil {
			t.Fatal(err)
		}
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, b.Bytes(), "", " "); err != nil {
			t.Fatal(err)
		}
		golden(t, "status-json", pretty.String())
	})
}

func TestOutbox(t *testing.T) {
	var b bytes.Buffer
	list := []control.Message{
		{ID: 7, Direction: "down", From: "alice@example.org/phone", To: "juliet@pronto", AgeSeconds: 90061, Bytes: 512, Tries: 2, State: "waiting"},
		{ID: 12, Direction: "up", From: "evil\x1b[2J@pc", To: "alice@example.org", AgeSeconds: 3, Bytes: 70000, State: "in flight", Tries: 1},
		{ID: 13, Direction: "down", To: "juliet@pronto", Bytes: 200, State: "waiting"},
	}
	if err := Outbox(&b, list); err != nil {
		t.Fatal(err)
	}
	golden(t, "outbox", b.String())
	if err := Outbox(closed{}, nil); !errors.Is(err, errClosed) {
		t.Error(err)
	}
}

type closed struct{}

var errClosed = errors.New("closed")

func (closed) Write([]byte) (int, error) { return 0, errClosed }
