package bridge

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
)

func TestKept(t *testing.T) {
	scene(t, "COMP-14 ten messages of an outage arrive in order, with the time they were taken in", func(o *office) {
		alice, juliet := o.together()
		o.server.Stop()
		var want []string
		var times []time.Time
		for i := range 10 {
			o.pass(time.Second)
			times = append(times, time.Now())
			juliet.writes(aliceInstance, fmt.Sprint("line ", i))
			want = append(want, fmt.Sprint(julietJID, ": line ", i))
		}
		o.pass(10 * time.Second)
		o.must(o.server.Start())
		alice.Available("", "")
		o.pass(time.Minute)
		got := messagesIn(alice.got())
		var words []string
		for i, s := range got {
			words = append(words, s.From+": "+bodyOf(s))
			delay := s.Child(stanza.NSDelay, "delay")
			if delay == nil || delay.Attr("from") != component {
				o.Fatalf("no delay of the component: %s", stanza.Append(nil, stanza.Client, s))
			}
			stamp, err := time.Parse(time.RFC3339Nano, delay.Attr("stamp"))
			if err != nil || !strings.HasSuffix(delay.Attr("stamp"), "Z") || stamp.Sub(times[i]).Abs() > 100*time.Millisecond {
				o.Errorf("line %d: stamp %s, taken in at %v", i, delay.Attr("stamp"), times[i].UTC())
			}
		}
		o.expect("Alice reads", words, want...)
	})
	scene(t, "COMP-14 MAP-E5 of eleven the last is refused with an error, and one notice for all that follow", func(o *office) {
		alice, juliet := o.together()
		o.server.Stop()
		for i := range 13 {
			juliet.raw(aliceInstance, fmt.Sprintf(`<message id='%d' to='%s'><body>line %d</body></message>`, i, aliceInstance, i))
		}
		o.pass(3 * time.Second)
		got := stanzas(juliet.got())
		refused := aliceInstance + " resource-constraint"
		o.expect("Juliet is told", errorsIn(got), refused, refused, refused)
		if notices := len(messagesIn(got)) - 3; notices != 1 {
			o.Errorf("%d notices", notices)
		}
		o.must(o.server.Start())
		alice.Available("", "")
		o.pass(time.Minute)
		if n := len(alice.reads()); n != 10 {
			o.Errorf("Alice reads %d", n)
		}
	}, func(o *office) { o.cfg.Outbox.PerRecipient = 10 })
	scene(t, "GW-15 COMP-14 messages to a sleeping laptop: no error, and in order with the time when it is back", func(o *office) {
		alice, juliet := o.together()
		juliet.signOff()
		o.pass(10 * time.Second)
		alice.got()
		var want []string
		for i := range 10 {
			alice.writes(julietJID, fmt.Sprint("line ", i))
			want = append(want, fmt.Sprint(aliceInstance, ": line ", i))
		}
		alice.writes(julietJID, "one too many")
		o.pass(time.Hour)
		o.expect("Alice is told", errorsIn(alice.got()), julietJID+" resource-constraint")
		juliet.signOn("txtvers=1", "status=avail")
		o.pass(10 * time.Second)
		got := stanzas(juliet.got())
		for _, s := range got {
			if d := s.Child(stanza.NSDelay, "delay"); d == nil || d.Attr("from") != component {
				o.Errorf("no delay: %s", stanza.Append(nil, stanza.Client, s))
			}
		}
		var words []string
		for _, s := range got {
			words = append(words, s.From+": "+shown(s))
		}
		o.expect("Juliet reads", words, want...)
	}, func(o *office) { o.cfg.Outbox.PerRecipient = 10 })
	scene(t, "COMP-14 what has been kept for too long goes back to a colleague as an error", func(o *office) {
		alice, juliet := o.together()
		juliet.signOff()
		o.pass(10 * time.Second)
		alice.got()
		alice.writes(julietJID, "one")
		alice.writes(julietJID, "two")
		o.pass(12 * time.Minute)
		gone := julietJID + " remote-server-timeout"
		o.expect("Alice is told", errorsIn(alice.got()), gone, gone)
		if n := len(o.gateway.routes); n != 0 {
			o.Errorf("%d routes are left", n)
		}
	}, func(o *office) { o.cfg.Outbox.MaxAge = 10 * time.Minute })
	scene(t, "COMP-14 an expiry during an outage is told when somebody can be told", func(o *office) {
		alice, juliet := o.together()
		juliet.signOff()
		o.pass(10 * time.Second)
		alice.got()
		alice.writes(julietJID, "one")
		o.server.Stop()
		o.pass(12 * time.Minute)
		o.must(o.server.Start())
		alice.Available("", "")
		o.pass(2 * time.Minute)
		o.expect("Alice is told", errorsIn(alice.got()), julietJID+" remote-server-timeout")
	}, func(o *office) { o.cfg.Outbox.MaxAge = 10 * time.Minute })
	t.Run("while the clock is before the build there is no delay stamp", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := newCoreRig(t)
			c.floor = clockFloor // virtual time is before it
			c.peer(julietName, "pronto")
			c.fromMesh(linklocal.Received{Peer: julietName, Proxy: aliceJID, Stanza: chat("", "1", "late")})
			c.rest(time.Minute)
			c.Gateway.up(c.session)
			for _, s := range messagesIn(c.session.take()) {
				if s.Child(stanza.NSDelay, "delay") != nil {
					t.Error("stamped with a time that is not known")
				}
			}
		})
	})
}
