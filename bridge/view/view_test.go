package view

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"meshbridge/bridge/terminal"
	"meshbridge/linklocal"
	"meshbridge/linklocal/mdns"
	"meshbridge/linklocal/mdns/mdnstest"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// printed is what a view has printed, read while it runs.
type printed struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (p *printed) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.buf.Write(b)
}

func (p *printed) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.buf.String()
}

// publish puts an instance on a machine of its own.
func publish(t *testing.T, h *mdnstest.Host, host, instance string, port uint16, txt ...string) (p *mdns.Publication, stop func()) {
	t.Helper()
	e, err := mdns.New(mdns.Config{Interfaces: []string{"eth0"}, Host: host, Network: h})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	p = e.Publish(mdns.Service{Type: linklocal.ServiceType, Instance: instance, Port: port, TXT: txt})
	return p, func() { cancel(); <-ended }
}

// aDay is a LAN where people come, change and leave, while run looks on.
func aDay(t *testing.T, o Options) (out, notes string) {
	t.Helper()
	lan := mdnstest.New()
	var events, said printed
	o.Interfaces, o.Network, o.Out, o.Notes = []string{"eth0"}, lan.Host("onlooker", "10.2.1.9/24", "fe80::9/64"), &events, &said
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, o) }()
	<-time.After(5 * time.Second)
	juliet, stop := publish(t, lan.Host("pronto", "10.2.1.187", "fe80::1"), "pronto", "juliet@pronto", 5562, "txtvers=1", "1st=Juliet", "status=avail", "msg=at \"my\" desk")
	defer stop()
	<-time.After(5 * time.Second)
	juliet.SetTXT([]string{"txtvers=1", "1st=Juliet", "status=dnd", "msg=\x1b[31mred\u202e\r\n\u0085", "odd"})
	<-time.After(5 * time.Second)
	_, stopEvil := publish(t, lan.Host("evil", "10.2.1.66"), "evil", "evil\x1b[2J\u202e\xff@pc", 5298, "gw=\x07bell")
	defer stopEvil()
	<-time.After(5 * time.Second)
	_, stopOurs := publish(t, lan.Host("office", "10.2.1.1"), "office", `alice\40example.org@office`, 5298, "txtvers=1", "gw=0abf8254", "nick=Alice")
	<-time.After(5 * time.Second)
	stopOurs()
	juliet.Withdraw()
	<-time.After(5 * time.Second)
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Run: %v", err)
	}
	return events.String(), said.String()
}

func TestEvents(t *testing.T) {
	for name, o := range map[string]Options{
		"text":   {Domain: "lan.example.org"},
		"nobody": {},
		"json":   {JSON: true},
	} {
		t.Run("LL-4-9 O2 "+name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				out, notes := aDay(t, o)
				if notes != "nobody is there yet on eth0; waiting\n" {
					t.Errorf("notes: %q", notes)
				}
				if strings.ContainsAny(out, "\x1b\x07\r\u202e\u0085\x7f") {
					t.Errorf("O2: a control character in %q", out)
				}
				golden(t, name, out)
			})
		})
	}
}

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

func TestOnce(t *testing.T) {
	for _, c := range []struct {
		name  string
		up    bool
		there bool
		want  error
	}{
		{"somebody", true, true, nil},
		{"nobody", true, false, ErrNobody},
		{"no interface", false, false, ErrNoInterface},
	} {
		t.Run("ends by itself: "+c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				lan := mdnstest.New()
				me := lan.Host("onlooker")
				if c.up {
					me.Attach(mdnstest.DefaultLink, "eth0", "10.2.1.9/24")
				}
				if c.there {
					_, stop := publish(t, lan.Host("pronto", "10.2.1.187"), "pronto", "juliet@pronto", 5562)
					defer stop()
					<-time.After(3 * time.Second)
				}
				start := time.Now()
				var out printed
				err := Run(t.Context(), Options{Interfaces: []string{"eth0"}, Network: me, Once: true, Out: &out, Notes: &out})
				if !errors.Is(err, c.want) || time.Since(start) > 11*time.Second {
					t.Errorf("%v after %v", err, time.Since(start))
				}
				if strings.HasPrefix(out.String(), "+ eth0 ") != c.there {
					t.Errorf("printed %q", out.String())
				}
			})
		})
	}
}

// lineOf is the line of an ordinary instance with that message and those objections.
func lineOf(message string, why ...string) string {
	return Options{}.line(Event{
		Event: "add", Instance: "juliet@pronto", Interfaces: []string{"br-lan"}, Host: "pronto.local", Port: 5298,
		Addresses: []string{"10.2.1.187", "fe80::1%br-lan"}, TXT: map[string]string{"msg": message}, Why: why,
	})
}

func TestAMessageStaysInItsQuotes(t *testing.T) {
	for message, want := range map[string]string{
		`at "my" desk`:                   `"at \"my\" desk"`,
		`x\" [proxy of lan.example.org]`: `"x\\\" [proxy of lan.example.org]"`,
		"x\\":                            `"x\\"`,
		"x\x1by\u202e":                   `"xy\u202e"`,
		strings.Repeat(`"`, 200):         `"` + strings.Repeat(`\"`, 17) + `..."`,
	} {
		if got := lineOf(message); !strings.HasSuffix(got, " avail "+want) {
			t.Errorf("LL-4-9 O2: %q is printed as %s, want %s", message, got, want)
		}
	}
}

func TestColumns(t *testing.T) {
	t.Run("a line fits 80 columns without a message, and 120 with one", func(t *testing.T) {
		plain := lineOf("")
		if plain != "+ br-lan   juliet@pronto               pronto.local:5298   10.2.1.187 +1   avail" || len(plain) != 80 {
			t.Errorf("%d: %s", len(plain), plain)
		}
		for _, message := range []string{strings.Repeat("at my desk ", 9), strings.Repeat("机の前", 30)} {
			if got := lineOf(message); terminal.Width(got) > 120 || terminal.Width(got) < 118 || !strings.HasPrefix(got, plain+` "`) || !strings.HasSuffix(got, `..."`) {
				t.Errorf("%d: %s", terminal.Width(got), got)
			}
		}
	})
	t.Run("a reason is never cut, and leaves something of the message", func(t *testing.T) {
		why := "has not been approved (computer x] [proxy, address 10.2.1.187): alice@example.org"
		if got := lineOf(strings.Repeat("at my desk ", 9), why, "blocked by bob@example.org"); !strings.HasSuffix(got,
			` avail "at my desk ..." [has not been approved (computer x) (proxy, address 10.2.1.187): alice@example.org; blocked by bob@example.org]`) {
			t.Error(got)
		}
	})
	t.Run("O2 columns stand below each other, whatever the writing, and again after a long name", func(t *testing.T) {
		for _, instance := range []string{"juliet@pronto", "花子@机", "e\u0301mile@café", `alice\40example.org@office`, "\x1b[31m@pc"} {
			e := Event{Event: "add", Instance: instance, Interfaces: []string{"br-lan"}, Host: "pronto.local", Port: 5298}
			if got := (Options{}).line(e); columnOf(got, "pronto.local:") != atHost {
				t.Error(got)
			}
		}
		long := Event{Event: "change", Instance: strings.Repeat("x", 63), Interfaces: []string{"br-lan", "br-guest"}, Host: "pronto.local", Port: 5298, Addresses: []string{"10.2.1.187"}}
		if got := (Options{}).line(long); got != "= br-lan,br-guest "+strings.Repeat("x", 63)+" pronto.local:5298 10.2.1.187 avail" {
			t.Error(got)
		}
		if got := (Options{}).line(Event{Event: "add", Instance: "a@b", Interfaces: []string{"lan"}}); columnOf(got, "does not answer") != atHost || columnOf(got, "avail") != atStatus {
			t.Error(got)
		}
	})
}

// columnOf is the column where a text begins.
func columnOf(line, text string) int {
	before, _, found := strings.Cut(line, text)
	if !found {
		return -1
	}
	return terminal.Width(before)
}

// closed is a pipe that nobody reads.
type closed struct{}

var errClosed = errors.New("closed")

func (closed) Write([]byte) (int, error) { return 0, errClosed }

func TestNobodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lan := mdnstest.New()
		_, stop := publish(t, lan.Host("pronto", "10.2.1.187"), "pronto", "juliet@pronto", 5562)
		defer stop()
		err := Run(t.Context(), Options{Interfaces: []string{"eth0"}, Network: lan.Host("onlooker", "10.2.1.9"), Out: closed{}, Notes: closed{}})
		if !errors.Is(err, errClosed) {
			t.Errorf("%v", err)
		}
	})
}

func TestPrint(t *testing.T) {
	t.Run("LL-4-9 an event survives the control socket", func(t *testing.T) {
		p := linklocal.Peer{Instance: `alice\40example.org@office`, Host: "office", Interfaces: []string{"eth0"}}
		s := linklocal.Sighting{Change: linklocal.Changed, Peer: p, Port: 5298,
			Addrs: []netip.Addr{netip.MustParseAddr("10.2.1.1"), netip.MustParseAddr("fe80::1%eth0")},
			TXT:   map[string]string{"status": "dnd", "msg": "a=b \x1b", "gw": "0abf8254"}, Why: []string{"blocked by bob@example.org"}}
		seen := EventOf(s)
		data, err := json.Marshal(seen)
		if err != nil {
			t.Fatal(err)
		}
		var told Event
		if err := json.Unmarshal(data, &told); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(seen, told); diff != "" {
			t.Error(diff)
		}
		for asJSON, want := range map[bool]string{
			false: `= eth0     alice\40example.org@office  office.local:5298   10.2.1.1 +1     dnd   "a=b " [proxy of lan.example.org; blocked by bob@example.org]` + "\n",
			true: `{"event":"change","instance":"alice\\40example.org@office","interfaces":["eth0"],"host":"office.local","port":5298,` +
				`"addresses":["10.2.1.1","fe80::1%eth0"],"txt":{"gw":"0abf8254","msg":"a=b \u001b","status":"dnd"},"why":["blocked by bob@example.org"]}` + "\n",
		} {
			var out bytes.Buffer
			if err := Print(Options{Domain: "lan.example.org", JSON: asJSON, Out: &out}, told); err != nil {
				t.Fatal(err)
			}
			if out.String() != want {
				t.Errorf("%s, want %s", out.String(), want)
			}
		}
	})
}
