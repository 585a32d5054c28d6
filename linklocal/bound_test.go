package linklocal

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"meshbridge/linklocal/mdns"
)

func TestHandshakeIsBounded(t *testing.T) {
	t.Run("LL-STR-25 INJ-6 ten seconds for a handshake, however many there are to ask for", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m, stop := bare(func(Event) {}, func(c *Config) { c.AcceptAnonymous = true })
			defer stop()
			m.call(func() {
				for i := range maxCandidates - 1 {
					name := fmt.Sprintf("p%d@x", i)
					m.peers[name] = &peer{instance: name, links: map[int]mdns.Event{1: {Interface: bareLink()}}}
				}
			})
			near, far := net.Pipe()
			from := netip.MustParseAddr("10.2.1.66")
			v, _ := m.doors.enter(from)
			m.handlers.Go(func() { m.serve(near, bareLink(), v) })
			go io.WriteString(far, fuzzHeader+"to='nurse@bridge'><message/>")
			start := time.Now()
			_, _ = io.ReadAll(far)
			if d := time.Since(start); d > headerTimeout+2*lingerTime {
				t.Errorf("took %v", d)
			}
		})
	})
}
