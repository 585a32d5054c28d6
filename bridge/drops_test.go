package bridge

import (
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

func TestDrops(t *testing.T) {
	synctestRun(t, "each rule is counted always and logged once a minute", func(t *testing.T) {
		log := new(logbook)
		d := newDrops(slog.New(slog.NewTextHandler(log, nil)))
		for range 100 {
			d.count("INJ-9")
		}
		d.count("INJ-13")
		if log.times("rule=INJ-9 ") != 1 || log.times("rule=INJ-13 total=1") != 1 || d.of("INJ-9") != 100 {
			t.Error(log)
		}
		<-time.After(59 * time.Second)
		d.count("INJ-9")
		if log.times("rule=INJ-9") != 1 {
			t.Error(log)
		}
		<-time.After(time.Second)
		d.count("INJ-9")
		if log.times("rule=INJ-9 total=102") != 1 {
			t.Error(log)
		}
	})
	synctestRun(t, "any goroutine may count", func(t *testing.T) {
		d := newDrops(slog.New(slog.DiscardHandler))
		for i := range 10 {
			go func() {
				for range 100 {
					d.count(fmt.Sprint("R-", i%3))
				}
			}()
		}
		synctest.Wait()
		if n := d.of("R-0") + d.of("R-1") + d.of("R-2"); n != 1000 {
			t.Errorf("counted %d", n)
		}
	})
}
