package linklocal_test

import (
	"strings"
	"testing"
	"time"

	"meshbridge/linklocal"
)

func TestSetLimits(t *testing.T) {
	inOffice(t, "INJ-19 LL-STR-25 other limits hold at once, for who is connected too", func(t *testing.T, o *office) {
		j, r := o.staff()
		first := o.call(j, nurse)
		l := linklocal.DefaultLimits()
		l.PeerRate, l.PeerBurst, l.StreamsPerAddress = 1, 1, 1
		o.mesh.SetLimits(l)
		o.wait(time.Second)
		for range 3 {
			first.Say("<message><body>line</body></message>")
		}
		o.wait(1500 * time.Millisecond)
		if n := len(o.received()); n != 2 {
			t.Errorf("%d lines in the first second and a half at one a second", n)
		}
		o.forget()
		o.mesh.SetLimits(linklocal.DefaultLimits())
		o.wait(10 * time.Millisecond)
		if n := len(o.received()); n != 1 {
			t.Errorf("%d lines wait no longer", n)
		}
		l.PeerRate, l.PeerBurst = 50, 200
		o.mesh.SetLimits(l)
		o.publish("tybalt@example.com", tybalt)
		o.wait(5 * time.Second)
		over := o.dial(j, tybalt)
		o.closes(over, time.Second)
		if text := got(over); !strings.Contains(text, "policy-violation") {
			t.Errorf("told %q", text)
		}
		o.call(r, nurse)
		o.forget()
		o.say(first, "<message><body>still here</body></message>")
		if len(o.received()) != 1 {
			t.Error("who was connected was cut off")
		}
	})
}
