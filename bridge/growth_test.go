//go:build linux

package bridge

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"meshbridge/internal/stanza"
	"meshbridge/linklocal/mdns"
	"meshbridge/linklocal/mdns/mdnstest"
)

// peopleCome puts so many people on the LAN, who come within a minute, and returns what
// makes them fall silent.
func (o *office) peopleCome(size int) (silence func()) {
	o.Helper()
	o.router.SetAddrs("eth0", "10.2.1.1/8")
	h := o.lan.Host("crowd", "10.9.255.254/8")
	h.StandFor(netip.MustParsePrefix("10.3.0.0/16"))
	conn, err := h.Open()
	o.must(err)
	at, err := h.Interfaces()
	o.must(err)
	c := &mdnstest.Crowd{Size: size, Base: netip.MustParseAddr("10.3.0.10"), Arrival: time.Minute}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx, conn, at[0]) }()
	o.pass(90 * time.Second)
	return func() {
		cancel()
		o.must(<-ended)
	}
}

// sentByUs counts the packets that the bridge has sent over one address family: questions to
// all, known answers that had no room beside them, responses, and questions to one machine
// whether somebody is still there.
func (o *office) sentByUs() (asking, knowing, responses, alone int) {
	for _, s := range o.lan.Log() {
		switch {
		case s.Host != "router" || !s.Dst.Addr().Is4():
		case s.Data[2]&0x80 != 0:
			responses++
		case !s.Multicast():
			alone++
		case s.Data[4] != 0 || s.Data[5] != 0:
			asking++
		default:
			knowing++
		}
	}
	return asking, knowing, responses, alone
}

// heap is what is alive in memory.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// processor is the time that this process has had.
func processor(t *testing.T) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// A growth is what an office of one size costs.
type growth struct {
	people, seen               int
	memory                     int64         // octets, of all who are seen
	announcement               time.Duration // processor time for one of somebody who is known
	asking, knowing, responses int           // packets in ten idle minutes
	alone                      int           // the same, to one machine each
	refused                    uint64        // records, until then
}

// grow measures an office. The people are there when the bridge comes.
func grow(t *testing.T, size int) (g growth) {
	g.people = size
	scene(t, fmt.Sprintf("LL-5-4 LL-5-7 M5 an office of %d", size), func(o *office) {
		silence := o.peopleCome(size)
		announcements := o.lan.Log()
		announcements = announcements[len(announcements)-min(size, 1000):]
		o.lan.ClearLog()
		before := heap()
		o.start()
		o.pass(time.Minute)
		o.lan.ClearLog()
		g.memory = heap() - before
		for _, p := range o.gateway.peers {
			if p.present && p.profile.Ver != "" {
				g.seen++
			}
		}
		o.pass(10 * time.Minute)
		g.asking, g.knowing, g.responses, g.alone = o.sentByUs()
		g.refused = o.counted("M5")
		silence()
		began := processor(t)
		for _, s := range announcements {
			o.lan.Inject("lan", mdns.Packet{Data: s.Data, Src: s.Src, Dst: s.Dst})
			o.pass(time.Millisecond)
		}
		g.announcement = (processor(t) - began) / time.Duration(len(announcements))
		runtime.KeepAlive(announcements)
	})
	return g
}

func (g growth) String() string {
	return fmt.Sprintf("| %d | %d | %.1f MiB | %.1f KiB | %d µs | %d | %d | %d | %d | %d |\n", g.people, g.seen, float64(g.memory)/(1<<20),
		float64(g.memory)/float64(g.seen)/(1<<10), g.announcement.Microseconds(), g.asking, g.knowing, g.responses, g.alone, g.refused)
}

// The table stands between these lines of the page.
const (
	growthBegin = "<!-- made by make growth -->"
	growthEnd   = "<!-- end -->"
)

// TestGrowth writes what offices of all sizes cost into the page GROWTH_TABLE. Else it shows
// that two of them are seen whole, and that both are asked equally often.
func TestGrowth(t *testing.T) {
	page := os.Getenv("GROWTH_TABLE")
	if page == "" {
		small, large := grow(t, 10), grow(t, 300)
		for _, g := range []growth{small, large} {
			if g.seen != g.people || g.refused > 0 || g.responses > 0 || g.asking > 5 || g.knowing > g.asking*g.people/20 ||
				g.alone > min(6*g.people, 2*600) || g.alone < min(5*g.people, 2*540) {
				t.Errorf("%+v", g)
			}
		}
		return
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(text), growthBegin+"\n")
	_, tail, end := strings.Cut(rest, growthEnd)
	if !ok || !end {
		t.Fatalf("%s does not say where the table goes", page)
	}
	commit, err := exec.Command("git", "rev-parse", "--short=10", "HEAD").Output()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s, commit %s, %s/%s.\n\n", time.Now().UTC().Format(time.DateOnly), strings.TrimSpace(string(commit)), runtime.GOOS, runtime.GOARCH)
	b.WriteString("| people | seen | memory of all | of each | processor for an announcement | packets with questions | with further known answers | responses | questions to one machine | records refused |\n")
	b.WriteString("|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, size := range []int{10, 100, 1000, 2000, 10000} {
		b.WriteString(grow(t, size).String())
	}
	if t.Failed() {
		return
	}
	if err := os.WriteFile(page, []byte(head+growthBegin+"\n"+b.String()+growthEnd+tail), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestManyPeers is about what the server hears of a large office.
func TestManyPeers(t *testing.T) {
	const many = 500
	scene(t, "GW-10 500 people come: who is subscribed to one of them hears of one", func(o *office) {
		alice, _ := o.together()
		before := len(o.wire().sent())
		silence := o.peopleCome(many)
		defer silence()
		o.pass(time.Minute)
		if got := alice.presences(); len(got) > 0 {
			o.Errorf("Alice got %q", got)
		}
		for _, s := range o.wire().sent()[before:] {
			if s.Kind == stanza.Presence {
				o.Errorf("the server got %+v", s)
			}
		}
	})
}
