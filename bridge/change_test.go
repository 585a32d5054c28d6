package bridge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"meshbridge/bridge/config"
	"meshbridge/internal/stanza"
	"meshbridge/linklocal/mdns"
)

// changes puts another configuration in force, as a reload does.
func (o *office) changes(change func(*config.Config)) []string {
	o.Helper()
	restarted, err := o.tryChange(change)
	o.must(err)
	return restarted
}

func (o *office) tryChange(change func(*config.Config)) ([]string, error) {
	o.Helper()
	next := o.cfg
	next.Colleagues = slices.Clone(o.cfg.Colleagues)
	change(&next)
	restarted, err := o.gateway.Change(context.Background(), next)
	if err == nil {
		o.cfg = next
	}
	return restarted, err
}

// traffic lets somebody write in these gaps until stopped, and returns what was written.
func (o *office) traffic(gap time.Duration, say func(text string)) (stop func() []string) {
	quit, done := make(chan struct{}), make(chan []string)
	go func() {
		var said []string
		tick := time.NewTicker(gap)
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-tick.C:
				said = append(said, fmt.Sprint("message ", n))
				say(said[n])
			case <-quit:
				done <- said
				return
			}
		}
	}()
	return func() []string { close(quit); return <-done }
}

func from(who string, texts []string) []string {
	var list []string
	for _, text := range texts {
		list = append(list, who+": "+text)
	}
	return list
}

func TestChange(t *testing.T) {
	scene(t, "live keys change under traffic: nothing is lost, no stream ends, nobody blinks", func(o *office) {
		alice, juliet := o.together()
		juliet.writes(aliceInstance, "hello")
		o.pass(2 * time.Second)
		alice.got()
		talk := juliet.stream(aliceInstance)
		up := o.traffic(20*time.Millisecond, func(text string) {
			fmt.Fprintf(talk, "<message to='%s' from='%s' type='chat'><body>%s</body></message>", aliceInstance, julietName, text)
		})
		down := o.traffic(20*time.Millisecond, func(text string) { alice.Send(julietJID, text) })
		for i := range 5 {
			o.pass(200 * time.Millisecond)
			if again := o.changes(func(c *config.Config) {
				c.Colleagues[0].Nick = fmt.Sprint("Alice ", i)
				c.Colleagues = append(c.Colleagues, config.Colleague{JID: mustJID(fmt.Sprint("new", i, "@example.org"))})
				c.Access.Domains = []string{"example.net"}
				c.Privacy = config.Privacy{Publish: []config.TXTKey{config.TXTNick}, Show: []config.TXTKey{config.TXTNick}}
				c.Outbox.Total, c.Outbox.MaxAge = 5000+i, time.Hour
				c.Limits.PeerRate, c.Limits.TotalRate = 100+i, 600
				c.LinkLocal.ShowAwayAs = config.AwayAsDND
				c.Upstream.WithdrawAfter = time.Hour
			}); len(again) != 0 {
				o.Errorf("begun anew: %v", again)
			}
		}
		o.pass(200 * time.Millisecond)
		wantUp, wantDown := up(), down()
		o.pass(10 * time.Second)
		told := alice.got()
		var reads []string
		for _, s := range told {
			if s.Kind == "message" {
				reads = append(reads, s.From+": "+bodyOf(s))
			}
		}
		o.expect("Alice reads", reads, from(julietJID, wantUp)...)
		o.expect("Juliet reads", juliet.reads(), from(aliceInstance, wantDown)...)
		if slices.Contains(presencesIn(told), julietJID+" unavailable") || len(o.wires) != 1 || o.goodbyes("router", aliceInstance) != 0 {
			o.Errorf("%d connections, %d goodbyes, Alice was told %q", len(o.wires), o.goodbyes("router", aliceInstance), presencesIn(told))
		}
		if juliet.stream(aliceInstance) != talk {
			o.Error("the conversation was broken")
		}
		if profile, _ := juliet.sees(aliceInstance); profile.Nick != "Alice 4" || profile.Message != "" {
			o.Errorf("Juliet sees %+v", profile)
		}
	})
	scene(t, "the server's side begins anew under traffic: nothing is lost, nothing comes twice, the LAN sees nothing", func(o *office) {
		alice, juliet := o.together()
		juliet.writes(aliceInstance, "hello")
		o.pass(2 * time.Second)
		alice.got()
		talk := juliet.stream(aliceInstance)
		up := o.traffic(20*time.Millisecond, func(text string) {
			fmt.Fprintf(talk, "<message to='%s' from='%s' type='chat'><body>%s</body></message>", aliceInstance, julietName, text)
		})
		o.pass(time.Second)
		again := o.changes(func(c *config.Config) { c.Upstream.MaxStanza = 128 << 10 })
		o.expect("begun anew", again, "upstream")
		o.pass(5 * time.Second)
		want := up()
		o.pass(10 * time.Second)
		told := alice.got()
		var reads []string
		for _, s := range told {
			if s.Kind == "message" {
				reads = append(reads, s.From+": "+bodyOf(s))
			}
		}
		o.expect("Alice reads", reads, from(julietJID, want)...)
		if len(o.wires) != 2 || o.goodbyes("router", aliceInstance) != 0 || juliet.stream(aliceInstance) != talk {
			o.Errorf("%d connections, %d goodbyes", len(o.wires), o.goodbyes("router", aliceInstance))
		}
		alice.expectSees(julietJID, "available")
		if n := o.gateway.box.Usage(); n.Entries != 0 {
			o.Errorf("%d entries are left", n.Entries)
		}
	})
	scene(t, "what is with the server has the time to arrive before the connection is made anew", func(o *office) {
		s := o.dialled
		juliet := o.juliet()
		o.start()
		s.comesOnline("phone", "")
		o.pass(6 * time.Second)
		s.got()
		juliet.writes(aliceInstance, "once, please")
		o.pass(100 * time.Millisecond)
		var ping stanza.Stanza
		written := 0
		for _, st := range s.got() {
			if isPing(st) {
				ping = st
			}
			if bodyOf(st) == "once, please" {
				written++
			}
		}
		answered := make(chan struct{})
		go func() {
			defer close(answered)
			<-time.After(time.Second)
			s.says(string(stanza.Append(nil, stanza.Component, result(ping))))
		}()
		o.changes(func(c *config.Config) { c.Upstream.MaxStanza = 128 << 10 })
		<-answered
		o.pass(20 * time.Second)
		for _, st := range s.got() {
			if bodyOf(st) == "once, please" {
				written++
			}
		}
		if written != 1 || len(o.wires) != 2 {
			o.Errorf("written %d times, on %d connections", written, len(o.wires))
		}
	}, standInHere)
	scene(t, "the LAN's side begins anew under traffic: nothing is lost, Juliet was never gone", func(o *office) {
		alice, juliet := o.together()
		alice.writes(julietJID, "hello")
		o.pass(2 * time.Second)
		juliet.got()
		down := o.traffic(100*time.Millisecond, func(text string) { alice.Send(julietJID, text) })
		o.pass(time.Second)
		o.expect("begun anew", o.changes(func(c *config.Config) { c.LinkLocal.DepartureDelay = 3 * time.Second }), "mesh")
		o.pass(20 * time.Second)
		want := down()
		o.pass(20 * time.Second)
		o.expect("Juliet reads", juliet.reads(), from(aliceInstance, want)...)
		told := alice.got()
		if slices.Contains(presencesIn(told), julietJID+" unavailable") || len(errorsIn(told)) != 0 || len(o.wires) != 1 {
			o.Errorf("%d connections; Alice was told %q, %q", len(o.wires), presencesIn(told), errorsIn(told))
		}
		juliet.expectSees(aliceInstance, "avail At my desk")
		if n := o.gateway.box.Usage(); n.Entries != 0 || len(o.gateway.flying) != 0 {
			o.Errorf("%d entries are left", n.Entries)
		}
	})
	scene(t, "another machine name: colleagues move to it, and who left meanwhile is shown to be gone", func(o *office) {
		alice, juliet := o.together()
		romeo := o.joins(romeoName, "forza", "10.2.1.188/24", "txtvers=1")
		o.pass(5 * time.Second)
		alice.subscribes(romeoJID)
		o.pass(6 * time.Second)
		alice.expectSees(romeoJID, "available")
		romeo.host.Detach("eth0")
		o.changes(func(c *config.Config) { c.LinkLocal.Machine = "attic" })
		o.pass(20 * time.Second)
		juliet.expectSees(aliceInstance, "")
		juliet.expectSees(`alice\40example.org@attic`, "avail At my desk")
		alice.expectSees(julietJID, "available")
		alice.expectSees(romeoJID, "unavailable")
		alice.got()
		juliet.writes(`alice\40example.org@attic`, "found you")
		o.pass(time.Second)
		o.expect("Alice reads", alice.reads(), julietJID+": found you")
		romeo.host.Attach("", "eth0", "10.2.1.188/24")
	})
	scene(t, "a LAN that does not work with it: the former configuration is in force again, and why is told", func(o *office) {
		alice, juliet := o.together()
		var undone []string
		_, err := look(context.Background(), o.gateway, func(g *Gateway) bool {
			g.opts.Network = &failsOnce{Network: o.router}
			g.opts.Undone = func(former config.Config, why error) {
				undone = append(undone, former.LinkLocal.Machine, why.Error())
			}
			return true
		})
		o.must(err)
		o.changes(func(c *config.Config) { c.LinkLocal.Machine = "attic" })
		o.pass(20 * time.Second)
		if len(undone) != 2 || undone[0] != "office" || !strings.Contains(undone[1], "no port for you") {
			o.Errorf("told %q", undone)
		}
		juliet.expectSees(aliceInstance, "avail At my desk")
		alice.expectSees(julietJID, "available")
		alice.writes(julietJID, "still here")
		o.pass(3 * time.Second)
		o.expect("Juliet reads", juliet.reads(), aliceInstance+": still here")
	})
	scene(t, "what cannot be is refused, and nothing of it is in force", func(o *office) {
		alice, juliet := o.together()
		_, err := o.tryChange(func(c *config.Config) {
			c.Colleagues[0].Nick = "Somebody else"
			c.LinkLocal.Machine = "no machine"
			c.Upstream.Secret = config.NewSecret("other")
		})
		if err == nil {
			o.Error("it was taken")
		}
		o.pass(5 * time.Second)
		if profile, _ := juliet.sees(aliceInstance); profile.Nick != "Alice" || len(o.wires) != 1 {
			o.Errorf("Juliet sees %+v", profile)
		}
		alice.expectSees(julietJID, "available")
	})
	scene(t, "a reload while the server is away tries at once", func(o *office) {
		s := o.dialled
		s.refuses = "host-unknown"
		o.launch()
		o.pass(10 * time.Second)
		before := s.dials
		o.expect("begun anew", o.changes(func(*config.Config) {}), "upstream")
		o.pass(time.Second)
		if s.dials != before+1 {
			o.Errorf("%d attempts, then %d", before, s.dials)
		}
	}, standInHere)
}

// failsOnce is a network of which no port can be had the first time.
type failsOnce struct {
	mdns.Network
	failed bool
}

func (n *failsOnce) Open() (mdns.Conn, error) {
	if !n.failed {
		n.failed = true
		return nil, errors.New("no port for you")
	}
	return n.Network.Open()
}
