package bridge

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"meshbridge/bridge/config"
	"meshbridge/bridge/control"
	"meshbridge/bridge/view"
	"meshbridge/linklocal"
	"meshbridge/upstream"
)

// status asks the bridge how it is.
func (o *office) status() control.Status {
	o.Helper()
	s, err := o.gateway.status(context.Background(), control.Config{File: "bridge.yaml"})
	o.must(err)
	return s
}

// expectTrouble checks that a status tells of one thing and what to do about it.
func (o *office) expectTrouble(s control.Status, about, what, next string, degraded bool) {
	o.Helper()
	for _, t := range s.Troubles {
		if t.About == about && strings.Contains(t.What, what) && strings.Contains(t.Next, next) && t.Degraded == degraded {
			return
		}
	}
	o.Errorf("no trouble about %s, %q, %q in %+v", about, what, next, s.Troubles)
}

func TestStatus(t *testing.T) {
	scene(t, "PRIV-6 all is well: who is where, and nothing of what they say", func(o *office) {
		alice, juliet := o.together()
		juliet.says("status=dnd", "msg=marker of a status", "nick=Jules")
		juliet.writes(aliceInstance, "marker of a body")
		alice.writes(julietJID, "marker of a body")
		o.pass(10 * time.Second)
		s := o.status()
		if s.State != "ok" || len(s.Troubles) != 0 {
			o.Errorf("%s: %+v", s.State, s.Troubles)
		}
		if u := s.Upstream; u.State != "up" || u.Address != "127.0.0.1:5347" || u.Reconnects != 0 || u.SinceSeconds < 10 || u.Error != "" || u.Domain != component {
			o.Errorf("%+v", u)
		}
		if len(s.Interfaces) != 1 || !s.Interfaces[0].Joined || s.Interfaces[0].Packets == 0 || s.Interfaces[0].LastSeconds == nil || s.Interfaces[0].Peers != 1 || !s.Mesh.Up || s.Mesh.Port == 0 {
			o.Errorf("%+v %+v", s.Interfaces, s.Mesh)
		}
		want := control.Peer{Instance: julietName, JID: julietJID, Present: true, Level: "bound", Streams: 1, Watchers: 1}
		if len(s.Peers) != 1 || s.Peers[0] != want {
			o.Errorf("%+v", s.Peers)
		}
		her := control.Colleague{JID: aliceJID, Nick: "Alice", Listed: true, Asked: true, Accepted: true, Online: true, Instance: aliceInstance}
		if len(s.Colleagues) != 1 || s.Colleagues[0] != her {
			o.Errorf("%+v", s.Colleagues)
		}
		if s.Memory.Heap == 0 || s.UptimeSeconds < 10 || s.Version != "test" || s.PID == 0 {
			o.Errorf("%+v", s)
		}
		text, err := json.Marshal(s)
		o.must(err)
		if strings.Contains(string(text), "marker") || strings.Contains(string(text), secret) || strings.Contains(string(text), "null") {
			o.Errorf("%s", text)
		}
	})
	scene(t, "what waits: for whom, since when, and who would be told when it is dropped", func(o *office) {
		alice, juliet := o.together()
		romeo := o.joins(romeoName, "forza", "10.2.1.188/24", "txtvers=1")
		o.pass(5 * time.Second)
		juliet.signOff()
		romeo.signOff()
		o.pass(5 * time.Second)
		alice.got()
		alice.Send(julietJID, "marker one")
		o.pass(time.Minute)
		alice.Send(julietJID, "marker two")
		alice.Send(romeoJID, "marker three")
		o.pass(time.Minute)
		s := o.status()
		if b := s.Outbox; b.Messages != 3 || b.Bytes == 0 || b.OldestSeconds != 120 || b.InFlight != 0 || len(b.Recipients) != 2 ||
			b.Recipients[0] != (control.Recipient{Direction: "down", To: julietName, Messages: 2, OldestSeconds: 120}) {
			o.Errorf("%+v", b)
		}
		list, err := o.gateway.Outbox(o.Context())
		o.must(err)
		if len(list) != 3 || list[0].To != julietName || !strings.HasPrefix(list[0].From, aliceJID) || list[0].AgeSeconds != 120 || list[0].Bytes < 50 || list[0].State != "waiting" || list[0].Direction != "down" {
			o.Errorf("%+v", list)
		}
		text, _ := json.Marshal(list)
		if strings.Contains(string(text), "marker") {
			o.Errorf("PRIV-6 %s", text)
		}
		d, err := o.gateway.Drop(o.Context(), []uint64{list[0].ID, 99999}, "")
		if err != nil || d.Messages != 1 {
			o.Errorf("%+v, %v", d, err)
		}
		o.pass(time.Second)
		o.expect("Alice is told", errorsIn(alice.got()), julietJID+" remote-server-timeout")
		d, err = o.gateway.Drop(o.Context(), nil, romeoJID)
		if err != nil || d.Messages != 1 {
			o.Errorf("%+v, %v", d, err)
		}
		o.pass(time.Second)
		o.expect("Alice is told", errorsIn(alice.got()), romeoJID+" remote-server-timeout")
		juliet.signOn("txtvers=1")
		o.pass(10 * time.Second)
		o.expect("Juliet reads", juliet.reads(), aliceInstance+": marker two")
		if d, err := o.gateway.Drop(o.Context(), nil, "nobody@example.org"); err != nil || d.Messages != 0 {
			o.Errorf("%+v, %v", d, err)
		}
		o.server.Stop()
		o.pass(5 * time.Second)
		if _, err := o.gateway.Drop(o.Context(), nil, julietName); err == nil || !strings.Contains(err.Error(), "nobody could be told") {
			o.Errorf("dropped while nobody can be told: %v", err)
		}
	})
	scene(t, "COMP-5 a server that refuses us: degraded, why, the remedy, and when it is tried again", func(o *office) {
		o.dialled.refuses = "not-authorized"
		o.launch()
		o.pass(10 * time.Second)
		s := o.status()
		o.expectTrouble(s, "upstream", "not-authorized", "mend that and reload", true)
		o.expectTrouble(s, "upstream", "write the secret of the server's component entry into secret_file", "the next attempt comes in 4m", true)
		if s.State != "degraded" || s.Upstream.State != "waiting" || s.Upstream.Class != "refused" {
			o.Errorf("%s: %+v", s.State, s.Upstream)
		}
	}, standInHere)
	scene(t, "COMP-5 three conflicts: the remedy is told", func(o *office) {
		o.dialled.refuses = "conflict"
		o.launch()
		o.pass(30 * time.Second)
		s := o.status()
		o.expectTrouble(s, "upstream", "stop the other program that uses this domain and secret", "mend that and reload", true)
		if s.Upstream.RetrySeconds < 4*60 {
			o.Errorf("%+v", s.Upstream)
		}
	}, standInHere)
	scene(t, "a reconnect is counted, an interface that is gone is told, and so is a store that fails", func(o *office) {
		o.together()
		o.server.Disconnect()
		o.pass(20 * time.Second)
		s := o.status()
		if s.Upstream.State != "up" || s.Upstream.Reconnects != 1 || s.Upstream.SinceSeconds > 20 {
			o.Errorf("%+v", s.Upstream)
		}
		o.router.Detach("eth0")
		o.pass(10 * time.Second)
		_, err := look(o.Context(), o.gateway, func(*Gateway) bool { o.store.err = errors.New("no space left; make room"); return true })
		o.must(err)
		s = o.status()
		o.expectTrouble(s, "eth0", "not up", "linklocal.interfaces", true)
		o.expectTrouble(s, "store", "not saved", "make room", true)
		if s.State != "degraded" || s.Interfaces[0].Joined {
			o.Errorf("%+v", s)
		}
		o.store.err = nil
		o.router.Attach("", "eth0", "10.2.1.1/24")
	})
	scene(t, "LL-4-9 another bridge for the same component domain: status says so, and when it is gone no more", func(o *office) {
		o.together()
		twin := o.joins(`bob\40example.org@attic`, "attic", "10.2.1.9/24", "txtvers=1", "gw="+linklocal.GatewayMark(component))
		o.pass(5 * time.Second)
		s := o.status()
		o.expectTrouble(s, "mesh", `(10.2.1.9) shows 1 colleagues, such as bob\40example.org@attic`, "stop one of the two", true)
		twin.signOff()
		o.pass(5 * time.Second)
		if s := o.status(); s.State != "ok" {
			o.Errorf("%+v", s.Troubles)
		}
	})
	scene(t, "drops: the rule, how often, who was last, and when", func(o *office) {
		alice, juliet := o.together()
		mallory := o.friend("mallory@example.com")
		mallory.Send(julietJID, "let me in")
		mallory.Send(julietJID, "let me in!")
		o.pass(30 * time.Second)
		s := o.status()
		i := slices.IndexFunc(s.Drops, func(d control.Drop) bool { return d.Last == "mallory@example.com" })
		if i < 0 || s.Drops[i].Count != 2 || s.Drops[i].LastSeconds != 30 || s.Drops[i].Rule == "" {
			o.Errorf("%+v", s.Drops)
		}
		_, _ = alice, juliet
	})
	t.Run("COMP-17 a shared component is told until it is not shared any more", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := newCoreRig(t)
			c.up()
			for _, on := range []bool{true, false} {
				upstreamEvent{upstream.Shared{On: on}}.apply(c.Gateway)
				s := c.snapshot(linklocal.Survey{}, time.Now())
				found := slices.ContainsFunc(troubles(s, "office-bridge"), func(t control.Trouble) bool {
					return t.Degraded && t.About == "upstream" && strings.Contains(t.What, "another connection serves lan.example.org too") && strings.Contains(t.Next, "stop the other program")
				})
				if found != on || s.Upstream.Shared != on {
					t.Errorf("shared %v: %+v", on, s.Upstream)
				}
			}
		})
	})
}

func TestTroubles(t *testing.T) {
	quiet := control.Status{Upstream: control.Upstream{State: "up"}, Outbox: control.Outbox{LimitMessages: 10, LimitBytes: 1000}}
	for _, c := range []struct {
		name     string
		change   func(*control.Status)
		about    string // "": nothing is wrong
		next     string
		degraded bool
	}{
		{"nothing", func(*control.Status) {}, "", "", false},
		{"a refused reload", func(s *control.Status) { s.Config.Refused = "x.yaml:1:1: y" }, "config", "office-bridge reload", true},
		{"an interface on which nothing is heard", func(s *control.Status) {
			s.Interfaces = []control.Interface{{Name: "br-guest", Joined: true, SinceSeconds: 601}}
		}, "br-guest", "office-bridge browse --local -i br-guest", false},
		{"the same a moment after it came", func(s *control.Status) {
			s.Interfaces = []control.Interface{{Name: "br-guest", Joined: true, SinceSeconds: 599}}
		}, "", "", false},
		{"an outbox with little room for messages", func(s *control.Status) { s.Outbox.Messages = 9 }, "outbox", "outbox.total", true},
		{"one with little room for bytes", func(s *control.Status) { s.Outbox.Bytes = 900 }, "outbox", "office-bridge outbox list", true},
		{"a colleague who has not accepted", func(s *control.Status) {
			s.Colleagues = []control.Colleague{{JID: "a@b", Listed: true, Asked: true}}
		}, "a@b", "ask them to accept", false},
		{"a name that leads nowhere", func(s *control.Status) {
			s.Upstream = control.Upstream{State: "waiting", Error: "upstream.uri xmpp:x leads nowhere now", RetrySeconds: 70}
		}, "upstream", "office-bridge resolve --trace shows every step; the next attempt comes in 1m", true},
		{"somebody held", func(s *control.Status) {
			s.Held = []control.Held{{Peer: "j@pc", Why: "another machine", Next: "approve"}}
		}, "j@pc", "approve", false},
	} {
		s := quiet
		c.change(&s)
		got := troubles(s, "office-bridge")
		switch {
		case c.about == "" && len(got) == 0:
		case len(got) != 1 || got[0].About != c.about || !strings.Contains(got[0].Next, c.next) || got[0].Degraded != c.degraded || got[0].What == "":
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

func TestBrowseTheBridge(t *testing.T) {
	scene(t, "LL-4-9 what the bridge itself sees and shows, as it changes", func(o *office) {
		_, juliet := o.together()
		ctx, stop := context.WithCancel(context.Background())
		events := make(chan view.Event, 100)
		ended := make(chan error, 1)
		go func() {
			ended <- o.gateway.browse(ctx, false, func(e any) error { events <- e.(view.Event); return nil })
		}()
		next := func() view.Event {
			o.pass(3 * time.Second)
			select {
			case e := <-events:
				return e
			default:
				o.Error("nothing was told")
				return view.Event{}
			}
		}
		if e := next(); e.Event != "add" || e.Instance != aliceInstance || e.Port != o.status().Mesh.Port || e.TXT["gw"] != linklocal.GatewayMark(component) || e.Host != "office.local" || len(e.Addresses) == 0 {
			o.Errorf("%+v", e)
		}
		if e := next(); e.Event != "add" || e.Instance != o.gateway.contactShown() {
			o.Errorf("%+v", e)
		}
		if e := next(); e.Event != "add" || e.Instance != julietName || e.Port != juliet.port || e.Host != "pronto.local" || !slices.Contains(e.Addresses, "10.2.1.187") {
			o.Errorf("%+v", e)
		}
		juliet.says("status=away")
		if e := next(); e.Event != "change" || e.Instance != julietName || e.TXT["status"] != "away" {
			o.Errorf("%+v", e)
		}
		blocks := func(on bool) {
			_, err := look(ctx, o.gateway, func(g *Gateway) bool { return g.setBlock(aliceAndJuliet, byColleague, on) })
			o.must(err)
		}
		blocks(true)
		if e := next(); e.Event != "change" || e.Instance != julietName || !slices.Equal(e.Why, []string{"blocked by " + aliceJID}) {
			o.Errorf("%+v", e)
		}
		blocks(false)
		if e := next(); e.Event != "change" || e.Instance != julietName || e.Why != nil {
			o.Errorf("%+v", e)
		}
		juliet.signOff()
		if e := next(); e.Event != "remove" || e.Instance != julietName {
			o.Errorf("%+v", e)
		}
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			o.Errorf("%v", err)
		}
		once := 0
		o.must(o.gateway.browse(o.Context(), true, func(any) error { once++; return nil }))
		if once != 2 { // Alice and the gateway
			o.Errorf("%d are there", once)
		}
	})
}

func TestServiceReload(t *testing.T) {
	scene(t, "a service: live, refused, and a new gateway where everybody's address changes", func(o *office) {
		o.cfg.Control.Socket = ""
		alice, juliet := o.alice(), o.juliet()
		next, failure := o.cfg, error(nil)
		var levels, told []string
		s, err := NewService("bridge.yaml", o.cfg, func() (config.Config, error) { return next, failure }, ServiceOptions{
			Options:   Options{Log: o.logger(), Version: "test", Network: o.router, Transport: o.lan.Transport(), Dial: o.tap, floor: time.Unix(1, 0)},
			Reloading: func() { told = append(told, "reloading") },
			Reloaded:  func() { told = append(told, "ready") },
		})
		o.must(err)
		_ = levels
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		o.pass(10 * time.Second)
		juliet.expectSees(aliceInstance, "avail At my desk")
		alice.subscribes(julietJID)

		failure = errors.New("bridge.yaml:4:1: colour: unknown key; remove it")
		_, err = s.Reload(o.Context())
		if err == nil || !strings.Contains(err.Error(), ":4:1: colour") || o.log.times("reload refused: bridge.yaml:4:1: colour") != 1 {
			o.Errorf("%v\n%s", err, o.log)
		}
		now, err := s.Status(o.Context())
		o.must(err)
		o.expectTrouble(now, "config", ":4:1: colour", "reload", true)

		failure = nil
		next.Colleagues = slices.Clone(next.Colleagues)
		next.Colleagues[0].Nick = "Alicia"
		done, err := s.Reload(o.Context())
		if err != nil || len(done.Restarted) != 0 {
			o.Errorf("%+v, %v", done, err)
		}
		o.pass(5 * time.Second)
		if profile, _ := juliet.sees(aliceInstance); profile.Nick != "Alicia" {
			o.Errorf("Juliet sees %+v", profile)
		}
		if now, err = s.Status(o.Context()); err != nil || now.State != "ok" || now.Config.Refused != "" {
			o.Errorf("%+v, %v", now.Troubles, err)
		}

		next.State += "-other"
		done, err = s.Reload(o.Context())
		if err != nil || !slices.Equal(done.Restarted, []string{"all"}) {
			o.Errorf("%+v, %v", done, err)
		}
		o.pass(20 * time.Second)
		juliet.expectSees(aliceInstance, "avail At my desk")
		if now, err = s.Status(o.Context()); err != nil || now.Upstream.State != "up" || len(o.wires) != 2 {
			o.Errorf("%+v, %v, %d connections", now, err, len(o.wires))
		}

		before := next.State
		next.State = "/proc/no/such/folder"
		_, _ = s.Reload(o.Context()) // that it was to no avail shows later
		o.pass(20 * time.Second)
		if now, err = s.Status(o.Context()); err != nil || now.Upstream.State != "up" || !strings.Contains(now.Config.Refused, "/proc/no/such/folder") {
			o.Errorf("%+v, %v", now, err)
		}
		if s.cfg.State != before {
			o.Errorf("in force: %s", s.cfg.State)
		}
		o.expect("systemd is told", told, "reloading", "ready", "reloading", "ready", "reloading", "ready", "reloading", "ready")
		cancel()
		o.must(<-ended)
	})
}
