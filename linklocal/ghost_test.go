package linklocal_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"meshbridge/linklocal"
	"meshbridge/linklocal/mdns"
	"meshbridge/linklocal/mdns/mdnstest"
	"meshbridge/linklocal/meshtest"
)

// pull takes a client's machine from the network: nothing is heard of it any more, and
// what is sent to it gets lost.
func (o *office) pull(c *meshtest.Client) (at time.Time) {
	c.Host.Detach("eth0")
	o.SetLatency(func(_ netip.Addr, to netip.AddrPort) time.Duration {
		if to.Addr() == c.Addr {
			return time.Hour
		}
		return 0
	})
	for _, s := range o.Connections() {
		for _, end := range []*meshtest.Conn{s, s.Far()} {
			end.SetUnsent(10)
		}
	}
	return time.Now()
}

// departs waits until a peer is told to have gone, and returns when and why.
func (o *office) departs(instance string, within time.Duration) (after time.Duration, why string) {
	o.t.Helper()
	after = o.until(within, instance+" is gone", func() bool {
		k := slices.IndexFunc(of[linklocal.PeerGone](o), func(e linklocal.PeerGone) bool { return e.Instance == instance })
		if k >= 0 {
			why = of[linklocal.PeerGone](o)[k].Why
		}
		return k >= 0
	})
	return after, why
}

func (o *office) checks() mdns.Checks {
	o.t.Helper()
	s, err := o.mesh.Survey(o.t.Context())
	if err != nil {
		o.t.Fatal(err)
	}
	return s.Checks
}

func TestGhosts(t *testing.T) {
	inOffice(t, "LL-9-6 vanished, and a message finds nobody to connect to: gone within ten seconds, the message given back", func(t *testing.T, o *office) {
		j, _ := o.staff()
		o.pull(j)
		o.send(juliet, 1, "x")
		_, why := o.departs(juliet, 10*time.Second)
		if why != "it does not take a connection" {
			t.Errorf("because %q", why)
		}
		o.wait(time.Minute)
		if d, r := o.tokens(); len(d) != 0 || len(r) != 1 {
			t.Errorf("delivered %v, returned %v", d, r)
		}
		if d := cmp.Diff(mdns.Checks{Doubts: 1, Vanished: 1}, o.checks()); d != "" {
			t.Error(d)
		}
	})
	inOffice(t, "LL-9-6 vanished under an open stream: gone within ten seconds of the message", func(t *testing.T, o *office) {
		j, _ := o.staff()
		o.call(j, nurse)
		o.pull(j)
		o.send(juliet, 1, "x")
		_, why := o.departs(juliet, 10*time.Second)
		if why != "it does not acknowledge a message" {
			t.Errorf("because %q", why)
		}
		o.wantReturned(linklocal.ErrAbsent, 1)
	})
	inOffice(t, "LL-9-6 a stream that breaks is reason enough", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		o.pull(j)
		s.Far().Conn.Close() // as TCP_USER_TIMEOUT does
		if _, why := o.departs(juliet, 10*time.Second); why != "its connection broke" {
			t.Errorf("because %q", why)
		}
	})
	inOffice(t, "LL-9-6 a client that takes no connections while its machine answers is still here", func(t *testing.T, o *office) {
		j, _ := o.staff()
		j.StopListening()
		o.forget()
		o.send(juliet, 1, "x")
		o.wait(time.Minute)
		if d := cmp.Diff([]string(nil), o.people()); d != "" {
			t.Error(d)
		}
		if c := o.checks(); c.Doubts == 0 || c.Vanished != 0 {
			t.Errorf("%+v", c)
		}
	})
	inOffice(t, "watched and vanished without any traffic: gone within sixty seconds", func(t *testing.T, o *office) {
		o.mesh.Attend(strings.ToUpper(romeo), true)
		j, r := o.staff()
		o.mesh.Attend(juliet, true)
		o.wait(5 * time.Minute)
		o.pull(j)
		o.departs(juliet, 60*time.Second)
		o.wait(5 * time.Minute)
		o.pull(r)
		o.departs(romeo, 60*time.Second)
	})
	inOffice(t, "not watched: gone within 130 seconds, and not asked more often than that takes", func(t *testing.T, o *office) {
		j, _ := o.staff()
		o.mesh.Attend(juliet, true)
		o.mesh.Attend(juliet, false)
		o.wait(30 * time.Minute) // before others ask for PTR records anew
		if c := o.checks(); c.Liveness > 2*1800/110+2 || c.Doubts > 0 {
			t.Errorf("%+v in half an hour", c)
		}
		o.pull(j)
		if _, why := o.departs(juliet, 130*time.Second); why != "it did not answer when asked" {
			t.Errorf("because %q", why)
		}
	})
	inOffice(t, "LL-9-8 a peer that says nothing for ten minutes unless it is asked is here", func(t *testing.T, o *office) {
		j, _ := o.staff()
		o.forget()
		o.wait(10 * time.Minute)
		if len(o.people()) != 0 {
			t.Errorf("%v", o.people())
		}
		o.send(juliet, 1, "x")
		o.hears(o.answer(j), "<body>x</body>")
	})
	inOffice(t, "LL-9-9 INJ-24 a spoofed goodbye, and the peer answers: nobody hears of it", func(t *testing.T, o *office) {
		j, _ := o.staff()
		goodbye, _ := o.recorded(j)
		o.forget()
		for range 30 {
			for _, p := range goodbye {
				p.Src = netip.MustParseAddrPort("10.2.1.66:5353")
				o.Inject(mdnstest.DefaultLink, p)
			}
			o.wait(2 * time.Second)
		}
		if len(o.people()) != 0 || o.count("LL-9-9") == 0 {
			t.Errorf("%v, counted %d", o.people(), o.count("LL-9-9"))
		}
	})
	inOffice(t, "LL-4-9 proxies of another bridge are not asked after", func(t *testing.T, o *office) {
		o.client("gate", "peter@gate", "10.2.1.2/24", "txtvers=1", "gw="+linklocal.GatewayMark("other.example.com"))
		o.wait(10 * time.Minute)
		if c := o.checks(); c != (mdns.Checks{}) {
			t.Errorf("%+v", c)
		}
	})
}

func TestNaps(t *testing.T) {
	inOffice(t, "GW-19 ten naps of a second and a half, with a goodbye: nobody hears of them", func(t *testing.T, o *office) {
		o.nap(10, 1500*time.Millisecond, 10*time.Second)
		if d := cmp.Diff([]string(nil), o.people()); d != "" {
			t.Error(d)
		}
	})
	inOffice(t, "GW-19 LL-9-6 ten naps of a second and a half without one, and messages meanwhile: nobody hears of them", func(t *testing.T, o *office) {
		j, _ := o.staff()
		s := o.call(j, nurse)
		o.forget()
		for n := range 10 {
			j.Host.Detach("eth0")
			s.Far().SetUnsent(10)
			o.send(juliet, uint64(n+1), fmt.Sprint(n))
			o.wait(1500 * time.Millisecond)
			j.Host.Attach(mdnstest.DefaultLink, "eth0", julietAt)
			s.Far().SetUnsent(0)
			o.wait(10 * time.Second)
		}
		if d := cmp.Diff([]string(nil), o.people()); d != "" {
			t.Error(d)
		}
		if d, r := o.tokens(); len(d) != 10 || len(r) != 0 {
			t.Errorf("delivered %v, returned %v", d, r)
		}
	})
	inOffice(t, "GW-19 who comes and goes is told of four times, then counts as here for longer, and it is said why", func(t *testing.T, o *office) {
		o.nap(10, 3*time.Second, 5*time.Second)
		four := slices.Repeat([]string{"-" + juliet, "+" + juliet}, 4)
		if d := cmp.Diff(four, o.people()); d != "" {
			t.Error(d)
		}
		if n := strings.Count(o.logged(), "comes and goes"); n == 0 || n > 2 {
			t.Errorf("logged %d times", n)
		}
	})
	inOffice(t, "GW-19 naps that get longer: half a minute at most, and ten calm minutes later two seconds again", func(t *testing.T, o *office) {
		goodbye, hello := o.napper()
		var delays []time.Duration
		leave := func() {
			o.inject(goodbye)
			o.forget()
			after, _ := o.departs(juliet, 40*time.Second)
			delays = append(delays, after.Round(100*time.Millisecond))
			o.inject(hello)
		}
		for range 9 {
			leave()
			o.wait(30 * time.Second)
		}
		for range 13 { // nobody else answers for her
			o.wait(50 * time.Second)
			o.inject(hello)
		}
		leave()
		o.wait(30 * time.Second)
		leave() // the second of four again
		if d := cmp.Diff([]time.Duration{2e9, 2e9, 2e9, 2e9, 4e9, 8e9, 16e9, 30e9, 30e9, 2e9, 2e9}, delays); d != "" {
			t.Error(d)
		}
	})
	inOffice(t, "browse shows who is in doubt, and who counts as here because they come and go", func(t *testing.T, o *office) {
		goodbye, hello := o.napper()
		for range 4 {
			o.inject(goodbye)
			o.wait(3 * time.Second)
			o.inject(hello)
			o.wait(3 * time.Second)
		}
		seen := o.onlooker()
		o.wait(2 * time.Second)
		if s := seen()[juliet]; s.Doubt != (mdns.Doubt{}) || s.Port == 0 {
			t.Errorf("at first: %+v", s)
		}
		at := time.Now()
		o.inject(goodbye)
		o.wait(2500 * time.Millisecond)
		s := seen()[juliet]
		if s.Change == linklocal.Left || !strings.Contains(s.Doubt.Why, "comes and goes") || s.Doubt.Until.Sub(at) != 4*time.Second || s.Port == 0 {
			t.Errorf("after the goodbye: %+v", s)
		}
		o.wait(3 * time.Second)
		if s := seen()[juliet]; s.Change != linklocal.Left {
			t.Errorf("at the end: %+v", s)
		}
		o.inject(hello)
		o.wait(2 * time.Second)
		o.send(juliet, 1, "x") // nobody listens there
		o.wait(4 * time.Second)
		if s := seen()[juliet]; s.Doubt.Why == "" || s.Doubt.Until.Sub(s.Doubt.Since) != 7*time.Second {
			t.Errorf("after a message: %+v", s)
		}
	})
	inOffice(t, "what is remembered of who left is bounded", func(t *testing.T, o *office) {
		o.mesh.LeaveOften(3 * linklocal.MaxRestless)
		if n := o.mesh.Restless(); n != linklocal.MaxRestless {
			t.Errorf("%d are remembered", n)
		}
	})
}

// napper puts Juliet on the LAN by what she said once, as her real client would defend
// itself, and returns how she leaves and comes.
func (o *office) napper() (goodbye, hello []mdns.Packet) {
	o.publish(nurseJ, nurse)
	lan := meshtest.New()
	c, err := lan.NewClient("pronto", juliet, julietAt)
	if err != nil {
		o.t.Fatal(err)
	}
	goodbye, hello = o.recorded(c)
	c.SignOff()
	o.inject(hello)
	o.wait(4 * time.Second)
	o.forget()
	return goodbye, hello
}

// inject puts packets on the LAN.
func (o *office) inject(packets []mdns.Packet) {
	for _, p := range packets {
		o.Inject(mdnstest.DefaultLink, p)
	}
	synctest.Wait()
}

// nap lets Juliet say goodbye and come back.
func (o *office) nap(times int, away, here time.Duration) {
	goodbye, hello := o.napper()
	for range times {
		o.inject(goodbye)
		o.wait(away)
		o.inject(hello)
		o.wait(here)
	}
}

// onlooker looks on as browse does, and returns what it was told last, by instance.
func (o *office) onlooker() func() map[string]linklocal.Sighting {
	seen := map[string]linklocal.Sighting{}
	ctx, cancel := context.WithCancel(o.t.Context())
	ended := make(chan error)
	go func() {
		ended <- o.mesh.Look(ctx, false, nil, func(s linklocal.Sighting) error {
			o.mu.Lock()
			defer o.mu.Unlock()
			seen[s.Instance] = s
			return nil
		})
	}()
	o.t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) && !errors.Is(err, linklocal.ErrStopped) && !errors.Is(err, mdns.ErrStopped) {
			o.t.Errorf("looking on ended with %v", err)
		}
	})
	return func() map[string]linklocal.Sighting {
		o.mu.Lock()
		defer o.mu.Unlock()
		now := map[string]linklocal.Sighting{}
		for k, s := range seen {
			now[k] = s
		}
		return now
	}
}
