package pace

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// take waits for a token and returns how long that took.
func take(l *Limiter, who string) time.Duration {
	start := time.Now()
	if w := l.Take(who, func() {}); w != nil {
		<-w.Granted()
	}
	return time.Since(start)
}

func TestLimiter(t *testing.T) {
	office := Rates{Each: 50, Burst: 200, All: 500}
	inTime := func(name string, fn func(t *testing.T)) {
		t.Helper()
		t.Run(name, func(t *testing.T) { synctest.Test(t, fn) })
	}
	inTime("INJ-19 a burst at once, then the rate", func(t *testing.T) {
		l := New(office)
		for i := range 1000 {
			want := time.Duration(0)
			if i >= 200 {
				want = 20 * time.Millisecond
			}
			if d := take(l, "a"); d != want {
				t.Fatalf("token %d took %v, want %v", i, d, want)
			}
		}
	})
	inTime("INJ-19 the bucket fills again", func(t *testing.T) {
		l := New(office)
		for range 200 {
			take(l, "a")
		}
		<-time.After(2 * time.Second)
		for i := range 100 {
			if d := take(l, "a"); d != 0 {
				t.Fatalf("token %d took %v", i, d)
			}
		}
		if d := take(l, "a"); d != 20*time.Millisecond {
			t.Errorf("one more took %v", d)
		}
	})
	inTime("INJ-19 all together have a rate, and it is used whole", func(t *testing.T) {
		l := New(office)
		start, done := time.Now(), make(chan struct{})
		for i := range 50 {
			go func() {
				for range 100 {
					take(l, fmt.Sprint(i))
				}
				done <- struct{}{}
			}()
		}
		for range 50 {
			<-done
		}
		if d := time.Since(start); d != 9*time.Second { // 5,000, of which 500 at once
			t.Errorf("took %v", d)
		}
	})
	inTime("INJ-19 whoever took little of late does not wait for those who flood", func(t *testing.T) {
		l := New(office)
		stop := time.Now().Add(time.Minute)
		for i := range 40 {
			go func() {
				for time.Now().Before(stop) {
					take(l, fmt.Sprint("flood", i))
				}
			}()
		}
		<-time.After(10 * time.Second)
		var worst time.Duration
		for range 100 {
			worst = max(worst, take(l, "honest"))
			<-time.After(300 * time.Millisecond)
		}
		if worst > 2*time.Millisecond {
			t.Errorf("waited %v", worst)
		}
		<-time.After(time.Minute)
	})
	inTime("a wait that is given up takes nothing and lets the next have its turn", func(t *testing.T) {
		l := New(Rates{Each: 1, Burst: 1, All: 10})
		take(l, "a")
		first := l.Take("a", func() { t.Error("woken") })
		second := l.Take("a", func() {})
		l.Cancel(first)
		start := time.Now()
		<-second.Granted()
		if d := time.Since(start); d != time.Second {
			t.Errorf("took %v", d)
		}
		l.Cancel(second)
		l.Cancel(&Wait{who: "nobody"})
	})
	inTime("those who are full again are forgotten, and nobody else", func(t *testing.T) {
		l := New(office)
		take(l, "a")
		l.Sweep()
		if len(l.shares) != 1 {
			t.Error("forgotten too early")
		}
		<-time.After(20 * time.Millisecond)
		l.Sweep()
		if len(l.shares) != 0 {
			t.Error("kept")
		}
	})
}

func TestRatesHold(t *testing.T) {
	t.Run("INJ-19 whatever they do, nobody gets more than a burst and the rate, and everybody who waits is served", func(t *testing.T) {
		rapid.Check(t, func(rt *rapid.T) {
			r := Rates{rapid.IntRange(1, 100).Draw(rt, "each"), rapid.IntRange(1, 50).Draw(rt, "burst"), rapid.IntRange(1, 200).Draw(rt, "all")}
			n := rapid.IntRange(1, 8).Draw(rt, "people")
			tokens := rapid.SliceOfN(rapid.IntRange(1, 60), n, n).Draw(rt, "tokens")
			synctest.Test(t, func(t *testing.T) { hold(t, r, tokens) })
		})
	})
}

// hold lets people take so many tokens each, and looks at when they got them.
func hold(t *testing.T, r Rates, tokens []int) {
	l, start := New(r), time.Now()
	got := make(chan []time.Duration)
	for i, n := range tokens {
		go func() {
			var at []time.Duration
			for range n {
				take(l, fmt.Sprint(i))
				at = append(at, time.Since(start))
			}
			got <- at
		}()
	}
	var all []time.Duration
	for range tokens {
		at := <-got
		within(t, at, r.Each, r.Burst)
		all = append(all, at...)
	}
	slices.Sort(all)
	within(t, all, r.All, r.All)
}

// within requires that no stretch of time has more than a burst and the rate.
func within(t *testing.T, at []time.Duration, rate, burst int) {
	t.Helper()
	interval := time.Second / time.Duration(rate)
	for i := burst; i < len(at); i++ {
		if least := interval * time.Duration(i-burst+1); at[i] < least {
			t.Errorf("token %d at %v, before %v", i, at[i], least)
			return
		}
	}
}
