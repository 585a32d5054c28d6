package mdns_test

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"meshbridge/linklocal/mdns"
	"meshbridge/linklocal/mdns/mdnstest"
)

// many is the largest office that anybody has written of.
const many = 2000

// packetsOfAll is how many packets of 1440 octets hold that many known answers. Each has the
// 39 octets of a name, and 15 to 18 around it.
const packetsOfAll = many*(39+18)/1440 + 1

// crowd puts people on the LAN, who come within a minute, and a node that browses. The
// returned function ends both.
func (o *office) crowd(c *mdnstest.Crowd) (*node, func()) {
	o.t.Helper()
	n := o.node("office", "10.2.0.1/8", "fe80::1/64").browse().up()
	h := o.Host("crowd", "10.9.255.254/8")
	conn, err := h.Open()
	if err != nil {
		o.t.Fatal(err)
	}
	at, err := h.Interfaces()
	if err != nil {
		o.t.Fatal(err)
	}
	c.Base, c.Arrival = netip.MustParseAddr("10.2.0.10"), time.Minute
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx, conn, at[0]) }()
	o.pass(90 * time.Second)
	return n, func() {
		cancel()
		if err := <-ended; err != nil {
			o.t.Error(err)
		}
		n.stop()
	}
}

// pass lets time go by.
func (o *office) pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// of counts the events of a kind.
func (n *node) of(kind mdns.EventKind) (count int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, e := range n.events {
		if e.Kind == kind {
			count++
		}
	}
	return count
}

// A tally is what a node sent: packets with questions, packets with further known answers,
// and responses, over IPv4 alone; and the most packets with questions within a second.
type tally struct{ asking, knowing, responses, peak int }

// sent counts what a node has sent since the log was cleared.
func (o *office) sent(host string) (all tally) {
	perSecond := map[int64]int{}
	for _, s := range o.Log() {
		switch {
		case s.Host != host || !s.Dst.Addr().Is4():
		case s.Data[2]&0x80 != 0:
			all.responses++
		case s.Data[4] != 0 || s.Data[5] != 0:
			all.asking++
			second := int64(s.At.Sub(o.start) / time.Second)
			perSecond[second]++
			all.peak = max(all.peak, perSecond[second])
		default:
			all.knowing++
		}
	}
	return all
}

func TestCrowd(t *testing.T) {
	inOffice(t, "M5 LL-5-4 LL-5-7 two thousand people: all are seen, and ten idle minutes are calm", func(t *testing.T, o *office) {
		c := &mdnstest.Crowd{Size: many}
		n, end := o.crowd(c)
		defer end()
		if got := n.of(mdns.Added); got != many || n.counts["M5"] != 0 {
			t.Fatalf("%d of %d seen, %d records had no room", got, many, n.counts["M5"])
		}
		for _, e := range n.events {
			if len(e.TXT) < 9 {
				t.Fatalf("%q without its TXT: %q", e.Instance, e.TXT)
			}
		}
		o.ClearLog()
		told, _ := c.Told()
		o.pass(10 * time.Minute)
		// The questions after 127, 255 and 511 s, with what is known.
		if got := o.sent("office"); got.asking != 3 || got.knowing == 0 || got.asking+got.knowing > 3*packetsOfAll || got.responses > 0 {
			t.Errorf("sent %+v, want at most %d packets", got, 3*packetsOfAll)
		}
		if again, _ := c.Told(); again != told {
			t.Errorf("%d people answered though we listed them as known", again-told)
		}
		if n.of(mdns.Changed)+n.of(mdns.Removed) > 0 {
			t.Errorf("%d changed, %d left", n.of(mdns.Changed), n.of(mdns.Removed))
		}
	})
	inOffice(t, "LL-5-8 two thousand people are kept fresh by few packets, spread", func(t *testing.T, o *office) {
		n, end := o.crowd(&mdnstest.Crowd{Size: many, Terse: true}) // each TXT must be asked for
		defer end()
		o.pass(20 * time.Minute) // past the early questions of browsing
		o.ClearLog()
		o.pass(4 * time.Hour)
		// Four rounds of two thousand questions, one packet of them a second: everybody
		// came within one minute, and 2 % of 75 minutes are 90 s. And a few for all.
		const most = 4*(60+90) + 40
		if got := o.sent("office"); got.asking > most || got.knowing > 10*packetsOfAll || got.peak > 3 || got.responses > 0 {
			t.Errorf("sent %+v, want at most %d questions", got, most)
		}
		if n.of(mdns.Added) != many || n.of(mdns.Removed) > 0 {
			t.Errorf("%d came, %d left", n.of(mdns.Added), n.of(mdns.Removed))
		}
	})
	inOffice(t, "LL-5-8 two thousand people who vanish are asked for together", func(t *testing.T, o *office) {
		n, end := o.crowd(&mdnstest.Crowd{Size: many})
		o.SetHooks(mdnstest.Hooks{Lose: func(s mdnstest.Sent) bool { return s.Host == "crowd" }})
		defer end()
		o.pass(20 * time.Minute)
		o.ClearLog()
		o.pass(time.Hour)
		forAll := 0
		for _, s := range o.Log() {
			var m dns.Msg
			if err := m.Unpack(s.Data); err != nil {
				t.Fatal(err)
			}
			for _, q := range m.Question {
				if q.Qtype == dns.TypePTR && s.Host == "office" && s.Dst.Addr().Is4() {
					forAll++
				}
			}
		}
		// At 80, 85, 90 and 95 % of 75 minutes, and twice by the schedule of browsing.
		if got := o.sent("office"); forAll != 6 || got.asking > 4*(60+90)+40 || got.peak > 3 {
			t.Errorf("%d questions for all; sent %+v", forAll, got)
		}
		if gone := n.of(mdns.Removed); gone != many {
			t.Errorf("%d left", gone)
		}
	})
	inOffice(t, "LL-5-8 nobody is lost where a third of all packets are", func(t *testing.T, o *office) {
		n, end := o.crowd(&mdnstest.Crowd{Size: many})
		defer end()
		draw := rand.New(rand.NewPCG(1, 2))
		o.SetHooks(mdnstest.Hooks{Lose: func(s mdnstest.Sent) bool { return draw.IntN(3) == 0 }})
		o.pass(time.Hour)
		o.ClearLog()
		o.pass(90 * time.Minute)
		if got := o.sent("office"); got.asking > 400 || got.knowing > 40*packetsOfAll {
			t.Errorf("sent %+v", got)
		}
		if gone := n.of(mdns.Removed); gone > many/50 { // four losses of two packets each in a row
			t.Errorf("%d left", gone)
		}
	})
	inOffice(t, "M5 ten thousand people: as many are seen as there is room for, the rest is counted", func(t *testing.T, o *office) {
		n, end := o.crowd(&mdnstest.Crowd{Size: 5 * many})
		defer end()
		o.pass(10 * time.Minute)
		if seen, gone := n.of(mdns.Added), n.of(mdns.Removed); seen != mdns.MaxInstances || gone > 0 || n.counts["M5"] < 5*many-seen {
			t.Errorf("%d seen, %d left, %d refused", seen, gone, n.counts["M5"])
		}
		for _, e := range n.events {
			if len(e.TXT) < 9 {
				t.Fatalf("%q without its TXT: %q", e.Instance, e.TXT)
			}
		}
	})
}
