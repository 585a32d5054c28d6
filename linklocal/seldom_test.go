package linklocal_test

import (
	"strings"
	"testing"
	"time"

	"meshbridge/linklocal/meshtest"
)

func TestImpostorsInTheLog(t *testing.T) {
	inOffice(t, "INJ-4 who tries again and again to be somebody else is counted each time and logged once a minute", func(t *testing.T, o *office) {
		_, r := o.staff()
		try := func(n int) {
			for range n {
				s := o.dial(r, nurse)
				o.say(s, "%s", meshtest.Header(juliet, nurse))
				o.closes(s, 5*time.Second)
			}
		}
		start := time.Now()
		try(20)
		if d := time.Since(start); d >= time.Minute {
			t.Fatalf("took %v", d)
		}
		lines := func() int { return strings.Count(o.logged(), "refused a stream: ") }
		if n := lines(); n != 1 || o.count("INJ-4") != 20 {
			t.Errorf("logged %d times, counted %d", n, o.count("INJ-4"))
		}
		o.wait(time.Minute)
		if try(1); lines() != 2 {
			t.Errorf("logged %d times after a minute", lines())
		}
	})
}
