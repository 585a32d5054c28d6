package mdns_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// updates lists when each TXT of juliet was first announced, and the last text.
func updates(o *office) (times []time.Duration, last string) {
	for _, f := range o.responses("pronto") {
		for _, rr := range f.Answer {
			if txt, ok := rr.(*dns.TXT); ok && f.Multicast() && txt.Txt[0] != last {
				last = txt.Txt[0]
				times = append(times, f.after)
			}
		}
	}
	return times, last
}

func TestTXTUpdates(t *testing.T) {
	inOffice(t, "LL-5-3 sixty changes in ten seconds", func(t *testing.T, o *office) {
		n := o.node("pronto", "10.2.1.1").up()
		defer n.stop()
		p := n.publish("juliet@pronto", "n=0")
		pass(3 * time.Second)
		var changed time.Duration
		for k := range 60 {
			p.SetTXT([]string{fmt.Sprintf("n=%d", k+1)})
			changed = time.Since(o.start)
			pass(time.Second / 6)
		}
		pass(time.Minute)
		times, last := updates(o)
		want(t, "last state", last, "n=60")
		within(t, "wait for the last", times[len(times)-1]-changed, 0, 6*time.Second)
		checkRate(t, times)
	})
	inOffice(t, "LL-5-3 ten minutes of changes", func(t *testing.T, o *office) {
		n := o.node("pronto", "10.2.1.1").up()
		defer n.stop()
		p := n.publish("juliet@pronto", "n=0")
		for k := range 1200 {
			pass(500 * time.Millisecond)
			p.SetTXT([]string{fmt.Sprintf("n=%d", k+1)})
		}
		pass(2 * time.Minute)
		times, last := updates(o)
		want(t, "last state", last, "n=1200")
		checkRate(t, times)
		within(t, "updates", time.Duration(len(times)), 90, 120)
	})
}

func TestOneUpdate(t *testing.T) {
	inOffice(t, "LL-5-4 LL-3-24 an update is TXT alone with flush bit, twice, a second apart", func(t *testing.T, o *office) {
		n := o.node("pronto", "10.2.1.1").up()
		defer n.stop()
		p := n.publish("juliet@pronto", "n=0")
		pass(10 * time.Second)
		o.ClearLog()
		asked := time.Since(o.start)
		p.SetTXT([]string{"n=1"})
		pass(time.Minute)
		got := o.responses("pronto")
		want(t, "packets", len(got), 2)
		want(t, "at once", got[0].after, asked)
		want(t, "gap", got[1].after-got[0].after, time.Second)
		for _, f := range got {
			want(t, "records", len(f.Answer), 1)
			want(t, "class", f.Answer[0].Header().Class, uint16(0x8001))
		}
	})
	settled(t, "LL-5-2 the same TXT again sends nothing", func(t *testing.T, o *office, n *node) {
		p := n.publish("romeo@pronto", "n=1")
		pass(10 * time.Second)
		o.ClearLog()
		p.SetTXT([]string{"n=1"})
		p.SetTXT([]string{"n=2"})
		p.SetTXT([]string{"n=1"})
		pass(10 * time.Second)
		times, _ := updates(o)
		within(t, "updates", time.Duration(len(times)), 0, 2)
	})
	inOffice(t, "a change while probing is announced as it is then", func(t *testing.T, o *office) {
		n := o.node("pronto", "10.2.1.1").up()
		defer n.stop()
		p := n.publish("juliet@pronto", "n=0")
		pass(500 * time.Millisecond)
		p.SetTXT([]string{"n=1"})
		pass(3 * time.Second)
		times, last := updates(o)
		want(t, "announced", last, "n=1")
		want(t, "updates", len(times), 1)
	})
}

func checkRate(t *testing.T, times []time.Duration) {
	t.Helper()
	for k := 1; k < len(times); k++ {
		within(t, "gap", times[k]-times[k-1], 2*time.Second, time.Hour)
		if k >= 10 && times[k]-times[k-10] < time.Minute {
			t.Errorf("eleven updates within %v", times[k]-times[k-10])
		}
	}
}

func TestPace(t *testing.T) {
	inOffice(t, "LL-5-14 six hundred instances come and go within a budget of a packet per 10 ms", func(t *testing.T, o *office) {
		n := o.node("office", "10.2.1.1").up()
		for k := range 600 {
			n.publish(fmt.Sprintf("colleague%03d@office", k), "txtvers=1", "status=avail", "gw=0abf8254")
		}
		pass(10 * time.Second)
		peers := map[string]bool{}
		var last time.Duration
		look := func(ttlZero bool) {
			for k, f := range o.frames("office") {
				if k > 0 {
					within(t, "gap", f.after-last, 10*time.Millisecond, time.Hour)
				}
				last = f.after
				if len(f.Data) > 1440 {
					t.Errorf("packet of %d octets", len(f.Data))
				}
				for _, rr := range f.Answer {
					if ptr, ok := rr.(*dns.PTR); ok && (ptr.Hdr.Ttl == 0) == ttlZero {
						peers[ptr.Ptr] = true
					}
				}
			}
		}
		look(false)
		want(t, "announced", len(peers), 600)
		o.ClearLog()
		clear(peers)
		stop := time.Now()
		n.stop()
		within(t, "time to stop", time.Since(stop), 0, 2*time.Second+100*time.Millisecond)
		look(true)
		want(t, "withdrawn", len(peers), 600)
	})
}
