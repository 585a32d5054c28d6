package linklocal_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"meshbridge/linklocal"
	"meshbridge/linklocal/mdns"
	"meshbridge/linklocal/mdns/mdnstest"
)

// onlooker is a Watch on a LAN in memory.
type onlooker struct {
	t      *testing.T
	lan    *mdnstest.LAN
	host   *mdnstest.Host
	cancel context.CancelFunc
	ended  chan error

	mu      sync.Mutex
	seen    []linklocal.Sighting
	settled string // when, and what is watched
	early   int    // seen before that
}

func watching(t *testing.T, name string, fn func(t *testing.T, o *onlooker)) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			lan := mdnstest.New()
			o := &onlooker{t: t, lan: lan, host: lan.Host("onlooker", "10.2.1.9/24", "fe80::9/64"), ended: make(chan error, 1)}
			fn(t, o)
		})
	})
}

func (o *onlooker) start(interfaces ...string) {
	ctx, cancel := context.WithCancel(o.t.Context())
	o.cancel = cancel
	start := time.Now()
	w := linklocal.Watch{
		Interfaces: interfaces, Network: o.host,
		Handle: func(s linklocal.Sighting) { o.mu.Lock(); defer o.mu.Unlock(); o.seen = append(o.seen, s) },
		Settled: func(joined []string) {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.early = len(o.seen)
			o.settled += fmt.Sprintf("%v %v", time.Since(start).Round(time.Second), joined)
		},
	}
	go func() { o.ended <- w.Run(ctx) }()
}

func (o *onlooker) settledAfter() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.settled
}

func (o *onlooker) stop() {
	o.t.Helper()
	o.cancel()
	if err := <-o.ended; err != nil {
		o.t.Errorf("Run: %v", err)
	}
}

// after lets time pass and returns what was seen in it, as
// "came juliet@pronto [eth0] pronto:5562 [addresses]".
func (o *onlooker) after(d time.Duration) (lines []string) {
	<-time.After(d)
	synctest.Wait()
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range o.seen {
		change := [...]string{"came", "changed", "left"}[s.Change]
		lines = append(lines, fmt.Sprintf("%s %s %v %s:%d %v %s", change, s.Instance, s.Interfaces, s.Host, s.Port, s.Addrs, s.Profile.Status))
	}
	o.seen = nil
	return lines
}

func (o *onlooker) sees(d time.Duration, want ...string) {
	o.t.Helper()
	if diff := cmp.Diff(want, o.after(d)); diff != "" {
		o.t.Errorf("(-want +got):\n%s", diff)
	}
}

// person publishes an instance on a machine of its own.
type person struct {
	*mdns.Publication
	engine *mdns.Engine
	stop   func()
}

func (o *onlooker) person(h *mdnstest.Host, interfaces []string, host, instance string, port uint16, txt ...string) *person {
	e, err := mdns.New(mdns.Config{Interfaces: interfaces, Host: host, Network: h})
	if err != nil {
		o.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	p := e.Publish(mdns.Service{Type: linklocal.ServiceType, Instance: instance, Port: port, TXT: txt})
	return &person{p, e, func() { cancel(); <-ended }}
}

func TestWatch(t *testing.T) {
	eth0 := []string{"eth0"}
	watching(t, "LL-4-4 who comes, changes and leaves, with port and addresses", func(t *testing.T, o *onlooker) {
		o.start("eth0")
		defer o.stop()
		o.sees(5 * time.Second)
		pronto := o.person(o.lan.Host("pronto", "10.2.1.187", "fe80::1"), eth0, "pronto", juliet, 5562, "txtvers=1", "status=avail")
		defer pronto.stop()
		o.sees(5*time.Second, "came juliet@pronto [eth0] pronto:5562 [10.2.1.187 fe80::1%eth0] avail")
		pronto.SetTXT([]string{"txtvers=1", "status=dnd"})
		o.sees(5*time.Second, "changed juliet@pronto [eth0] pronto:5562 [10.2.1.187 fe80::1%eth0] dnd")
		pronto.Withdraw()
		o.sees(5*time.Second, "left juliet@pronto [eth0] pronto:5562 [10.2.1.187 fe80::1%eth0] dnd")
		if s := o.settledAfter(); s != "2s [eth0]" {
			t.Errorf("settled after %s", s)
		}
	})
	watching(t, "who was there before is seen before the picture settles", func(t *testing.T, o *onlooker) {
		for k := range 40 {
			name := fmt.Sprintf("pc%d", k)
			p := o.person(o.lan.Host(name, fmt.Sprintf("10.2.1.%d", 100+k)), eth0, name, "user@"+name, 5298)
			defer p.stop()
		}
		<-time.After(10 * time.Second)
		o.start("eth0")
		defer o.stop()
		if n := len(o.after(5 * time.Second)); n != 40 || o.early != 40 {
			t.Errorf("%d of 40 seen, %d before it settled after %s", n, o.early, o.settledAfter())
		}
	})
	watching(t, "LL-STR-14 one instance on two interfaces is one", func(t *testing.T, o *onlooker) {
		o.host.Attach("wifi", "wlan0", "10.3.1.9/24")
		h := o.lan.Host("pronto", "10.2.1.187")
		h.Attach("wifi", "wlan0", "10.3.1.187/24")
		p := o.person(h, []string{"eth0", "wlan0"}, "pronto", juliet, 5562)
		defer p.stop()
		o.start("eth0", "wlan0", "absent0")
		defer o.stop()
		lines := o.after(5 * time.Second)
		const whole = "juliet@pronto [eth0 wlan0] pronto:5562 [10.2.1.187 10.3.1.187] avail"
		if len(lines) == 0 || !strings.HasSuffix(lines[len(lines)-1], whole) {
			t.Errorf("%q", lines)
		}
		h.Detach("wlan0")
		o.host.Detach("wlan0")
		lines = o.after(20 * time.Second)
		if len(lines) == 0 || lines[len(lines)-1] != "changed juliet@pronto [eth0] pronto:5562 [10.2.1.187] avail" {
			t.Errorf("%q", lines)
		}
	})
	watching(t, "LL-4-9 proxies of a bridge are shown as such", func(t *testing.T, o *onlooker) {
		p := o.person(o.lan.Host("office", "10.2.1.1"), eth0, "office", nurse, 5298, "txtvers=1", "gw=0abf8254")
		defer p.stop()
		o.start("eth0")
		defer o.stop()
		<-time.After(5 * time.Second)
		synctest.Wait()
		o.mu.Lock()
		defer o.mu.Unlock()
		if len(o.seen) != 1 || o.seen[0].Profile.Gateway != "0abf8254" || o.seen[0].TXT["gw"] != "0abf8254" {
			t.Errorf("%+v", o.seen)
		}
	})
	watching(t, "who does not answer is shown all the same, and again with the address once known", func(t *testing.T, o *onlooker) {
		mute := true
		o.lan.SetHooks(mdnstest.Hooks{Lose: func(s mdnstest.Sent) bool { return mute && s.Host == "pronto" }})
		p := o.person(o.lan.Host("pronto", "10.2.1.187"), eth0, "pronto", juliet, 5562)
		defer p.stop()
		o.start("eth0")
		defer o.stop()
		<-time.After(time.Second)
		o.lan.Inject(mdnstest.DefaultLink, heard(false))
		o.sees(15*time.Second, "came juliet@pronto [eth0] :0 [] avail")
		o.lan.SetHooks(mdnstest.Hooks{})
		o.sees(40*time.Second, "changed juliet@pronto [eth0] pronto:5562 [10.2.1.187] avail")
	})
	watching(t, "the picture has not settled while somebody is still asked for an address", func(t *testing.T, o *onlooker) {
		o.start("eth0")
		defer o.stop()
		<-time.After(time.Second / 2)
		o.lan.Inject(mdnstest.DefaultLink, heard(true))
		o.sees(9*time.Second, "came juliet@pronto [eth0] :0 [] avail")
		if s := o.settledAfter(); s != "5s [eth0]" || o.early != 1 {
			t.Errorf("settled after %s", s)
		}
	})
	watching(t, "no interface: settles in bounded time and says so", func(t *testing.T, o *onlooker) {
		o.start("absent0")
		defer o.stop()
		o.sees(11 * time.Second)
		if s := o.settledAfter(); s != "10s []" {
			t.Errorf("settled after %s", s)
		}
	})
	watching(t, "a port that is held is told as such", func(t *testing.T, o *onlooker) {
		held := errors.New("held")
		o.host.FailOpen(held)
		o.start("eth0")
		if err := <-o.ended; !errors.Is(err, held) {
			t.Errorf("%v", err)
		}
		if err := (linklocal.Watch{Interfaces: eth0}).Run(t.Context()); err == nil {
			t.Error("no Handle is taken")
		}
		if err := (linklocal.Watch{Handle: func(linklocal.Sighting) {}}).Run(t.Context()); err == nil {
			t.Error("no interface is taken")
		}
	})
}

// heard is a packet from juliet's machine that shows her without saying where she is:
// her PTR record and, if so asked, a TXT record.
func heard(withTXT bool) mdns.Packet {
	service := []byte("\x09_presence\x04_tcp\x05local\x00")
	instance := slices.Concat([]byte{byte(len(juliet))}, []byte(juliet), service)
	record := func(name []byte, typ byte, rdata []byte) []byte {
		return slices.Concat(name, []byte{0, typ, 0, 1, 0, 0, 0x11, 0x94, 0, byte(len(rdata))}, rdata)
	}
	data := slices.Concat([]byte{0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0}, record(service, 12, instance))
	if withTXT {
		data[7]++
		data = append(data, record(instance, 16, []byte("\x09txtvers=1"))...)
	}
	return mdns.Packet{
		Data: data, HopLimit: 255,
		Src: netip.MustParseAddrPort("10.2.1.187:5353"), Dst: netip.MustParseAddrPort("224.0.0.251:5353"),
	}
}
