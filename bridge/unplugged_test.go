package bridge

import (
	"testing"
	"time"
)

func TestUnplugged(t *testing.T) {
	scene(t, "LL-3-27 the LAN's interface is unplugged for a minute: what Alice writes waits, everybody is back soon, and it is delivered once", func(o *office) {
		alice, juliet := o.together()
		o.router.Detach("eth0")
		o.pass(5 * time.Second)
		alice.Send(julietJID, "are you there?")
		alice.expectSees(julietJID, "available")
		o.pass(10 * time.Second)
		alice.expectSees(julietJID, "unavailable")
		o.pass(45 * time.Second)
		o.expect("read while it was gone", juliet.reads())
		o.router.Attach("lan", "eth0", "10.2.1.1/24")
		o.pass(5 * time.Second)
		alice.expectSees(julietJID, "available")
		juliet.expectSees(aliceInstance, "avail At my desk")
		o.pass(5 * time.Second)
		o.expect("read when it was back", juliet.reads(), aliceInstance+": are you there?")
		if s := o.status(); s.State != "ok" {
			o.Errorf("%+v", s.Troubles)
		}
	})
	scene(t, "LL-3-27 made anew in three seconds, as by netifd: nobody leaves, and what Alice writes meanwhile is delivered once", func(o *office) {
		alice, juliet := o.together()
		o.router.Detach("eth0")
		alice.Send(julietJID, "are you there?")
		o.pass(3 * time.Second)
		o.router.Attach("lan", "eth0", "10.2.1.1/24")
		o.pass(30 * time.Second)
		o.expect("read", juliet.reads(), aliceInstance+": are you there?")
		for _, p := range alice.presences() {
			o.Errorf("Alice was told %s", p)
		}
	})
}
