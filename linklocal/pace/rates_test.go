package pace

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestSetRates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Rates{Each: 10, Burst: 10, All: 100})
		for range 10 {
			take(l, "a")
		}
		if d := take(l, "a"); d != 100*time.Millisecond {
			t.Fatalf("INJ-19 at 10 a second the next took %v", d)
		}
		waiting := make(chan time.Duration)
		go func() { waiting <- take(l, "a") }()
		synctest.Wait()
		l.SetRates(Rates{Each: 1000, Burst: 10, All: 2000})
		if d := <-waiting; d != time.Millisecond {
			t.Errorf("INJ-19 who waited got the new rate after %v", d)
		}
		if d := take(l, "a"); d != time.Millisecond {
			t.Errorf("INJ-19 then the next took %v", d)
		}
		l.SetRates(Rates{Each: 1, Burst: 1, All: 2000})
		if d := take(l, "a"); d != time.Second {
			t.Errorf("INJ-19 slower again: %v", d)
		}
		for range 3 {
			take(l, "b")
		}
		if l.Rates() != (Rates{Each: 1, Burst: 1, All: 2000}) {
			t.Errorf("%+v", l.Rates())
		}
	})
}
