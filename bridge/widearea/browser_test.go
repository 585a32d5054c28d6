package widearea

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

	"go.uber.org/goleak"

	"meshbridge/linklocal"
	"meshbridge/resolver"
	"meshbridge/resolver/resolvertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a Browser in virtual time, and the DNS that it asks.
type rig struct {
	*testing.T
	server *resolvertest.Server
	ended  chan error

	mu      sync.Mutex
	settled time.Time          // guarded by mu
	seen    []string           // guarded by mu
	last    linklocal.Sighting // guarded by mu
	counted []string           // guarded by mu
}

// with runs fn while nothing is told.
func (r *rig) with(fn func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fn()
}

func inDomain(t *testing.T, name, zone string, play func(r *rig)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := &rig{T: t, server: resolvertest.New(t, zone), ended: make(chan error, 1)}
			ctx, cancel := context.WithCancel(t.Context())
			b := Browser{
				Domain:   "Example.com",
				Resolver: resolver.New(resolver.Config{Servers: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.53:53")}, Dial: r.server.Dial}),
				Handle:   r.handle,
				Count:    func(rule string) { r.with(func() { r.counted = append(r.counted, rule) }) },
				Settled:  func() { r.with(func() { r.settled = time.Now() }) },
			}
			go func() { r.ended <- b.Run(ctx) }()
			play(r)
			cancel()
			if err := <-r.ended; err != nil {
				t.Errorf("Run: %v", err)
			}
		})
	})
}

func (r *rig) handle(s linklocal.Sighting) {
	r.with(func() {
		r.last = s
		r.seen = append(r.seen, [...]string{"+", "=", "-"}[s.Change]+" "+s.Instance+" "+string(s.Profile.Status))
	})
}

// pass lets time pass, and returns what was seen meanwhile.
func (r *rig) pass(d time.Duration) (seen []string) {
	<-time.After(d)
	synctest.Wait()
	r.with(func() { seen, r.seen = r.seen, nil })
	return seen
}

// facts returns what was counted, whether all was looked up, and who was seen last.
func (r *rig) facts() (counted []string, settled bool, last linklocal.Sighting) {
	r.with(func() { counted, settled, last = slices.Clone(r.counted), !r.settled.IsZero(), r.last })
	return counted, settled, last
}

func (r *rig) expectCounted(want ...string) {
	r.Helper()
	counted, _, _ := r.facts()
	r.expect("counted", counted, want...)
}

func (r *rig) expect(what string, got []string, want ...string) {
	r.Helper()
	if !slices.Equal(got, want) {
		r.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

// zone lists people at hosts of their own, their records good for ttl seconds.
func zone(ttl int, people ...string) string {
	var z strings.Builder
	for k, p := range people {
		owner := strings.ReplaceAll(p, "@", `\@`) + "._presence._tcp.example.com."
		fmt.Fprintf(&z, "_presence._tcp.example.com. %d IN PTR %s\n", ttl, owner)
		fmt.Fprintf(&z, "%s %d IN SRV 0 0 5298 pc%d.example.com.\n", owner, ttl, k)
		fmt.Fprintf(&z, "%s %d IN TXT \"txtvers=1\" \"status=avail\" \"nick=%s\"\n", owner, ttl, p)
		fmt.Fprintf(&z, "pc%d.example.com. %d IN A 192.0.2.%d\n", k, ttl, k+1)
	}
	return z.String()
}

const juliet, romeo = "juliet@pronto", "romeo@forza"

func TestBrowser(t *testing.T) {
	inDomain(t, "LL-11.4-1 a zone with two people: two, with all that the records say, and the domain they are of", zone(120, juliet, romeo), func(r *rig) {
		r.expect("seen", r.pass(5*time.Second), "+ juliet@pronto avail", "+ romeo@forza avail")
		_, settled, s := r.facts()
		if s.Domain != "example.com" || !slices.Equal(s.Interfaces, []string{"example.com"}) || s.Host != "pc1.example.com." ||
			s.Port != 5298 || fmt.Sprint(s.Addrs) != "[192.0.2.2]" || s.TXT["nick"] != romeo || s.Profile.Nick != romeo {
			r.Errorf("%+v", s)
		}
		if !settled {
			r.Error("not settled")
		}
	})
	inDomain(t, "LL-11.4-1 who comes, changes, moves and leaves is noticed when the records have run out, what is the same is not told", zone(120, juliet), func(r *rig) {
		r.expect("seen", r.pass(5*time.Second), "+ juliet@pronto avail")
		r.server.Replace(strings.Replace(zone(120, juliet, romeo), "status=avail", "status=dnd", 1))
		r.expect("before", r.pass(110*time.Second))
		r.expect("after", r.pass(20*time.Second), "+ romeo@forza avail", "= juliet@pronto dnd")
		r.server.Replace(zone(120, romeo)) // at her former host
		r.expect("again", r.pass(130*time.Second), "- juliet@pronto dnd", "= romeo@forza avail")
		r.expect("the same", r.pass(time.Hour))
		r.server.Replace("")
		r.expect("nobody", r.pass(130*time.Second), "- romeo@forza avail")
	})
	for _, ttl := range []int{0, 1, 10} {
		inDomain(t, fmt.Sprintf("LL-11.4-4 records that hold for %d s are not asked for before ten have passed", ttl), zone(ttl, juliet, romeo), func(r *rig) {
			const step = 10 * time.Millisecond // to which times are known
			asked, next := map[string]time.Time{}, 0
			for end := time.Now().Add(5 * time.Minute); time.Now().Before(end); {
				r.pass(step)
				all := r.server.Asked()
				for _, q := range all[next:] {
					if before, known := asked[q]; known && time.Since(before) < refreshMin-step {
						r.Fatalf("%s again after %v", q, time.Since(before))
					}
					asked[q] = time.Now()
				}
				next = len(all)
			}
			if len(asked) != 9 || next < 9*20 {
				r.Errorf("%d questions of %d kinds", next, len(asked))
			}
		})
	}
	inDomain(t, "LL-11.4-2 a host under .local is dropped and counted, and nobody asks about it", strings.Replace(zone(120, juliet, romeo), "pc0.example.com.", "pronto.local.", 1), func(r *rig) {
		r.expect("seen", r.pass(5*time.Second), "+ romeo@forza avail")
		r.expectCounted("LL-11.4-2")
		if asked := strings.Join(r.server.Asked(), "\n"); strings.Contains(asked, ".local") {
			r.Errorf("asked\n%s", asked)
		}
	})
	inDomain(t, "LL-11.4-1 instances of another domain and of the link, and what is no text, are left out", zone(120, juliet)+
		`_presence._tcp.example.com. 120 IN PTR nurse\@bridge._presence._tcp.local.`+"\n"+
		`_presence._tcp.example.com. 120 IN PTR a\@b._presence._tcp.example.net.`+"\n"+
		`_presence._tcp.example.com. 120 IN PTR bell\007\@b._presence._tcp.example.com.`+"\n", func(r *rig) {
		r.expect("seen", r.pass(5*time.Second), "+ juliet@pronto avail")
		r.expectCounted("LL-11.4-1", "LL-11.4-1", "LL-3-20")
	})
	inDomain(t, "LL-11.4-1 while the DNS is silent people stay for a while, and are asked for less and less", zone(30, juliet, romeo), func(r *rig) {
		r.expect("seen", r.pass(5*time.Second), "+ juliet@pronto avail", "+ romeo@forza avail")
		whole := zone(30, juliet, romeo)
		faults := "SERVFAIL _presence._tcp.example.com.\nSERVFAIL juliet\\@pronto._presence._tcp.example.com.\nSERVFAIL romeo\\@forza._presence._tcp.example.com.\n"
		r.server.Replace(whole + faults)
		r.expect("for a minute", r.pass(time.Minute))
		r.server.Replace(whole)
		r.expect("back in time", r.pass(10*time.Minute))
		r.server.Replace(whole + faults)
		gone := r.pass(10 * time.Minute)
		slices.Sort(gone)
		r.expect("too long", gone, "- juliet@pronto avail", "- romeo@forza avail")
		before := len(r.server.Asked())
		r.pass(time.Hour)
		if n := len(r.server.Asked()) - before; n > 4*12 {
			r.Errorf("%d questions in an hour", n)
		}
		r.server.Replace(whole)
		back := r.pass(2 * retryMax)
		slices.Sort(back)
		r.expect("back", back, "+ juliet@pronto avail", "+ romeo@forza avail")
	})
	many := make([]string, 600)
	for k := range many {
		many[k] = fmt.Sprintf("p%d@pc", k)
	}
	inDomain(t, "LL-11.4-1 of too many there are five hundred, and twenty questions a second", strings.ReplaceAll(zone(3600, many...), "192.0.2.", "192.0.2.1 ;"), func(r *rig) {
		before := 0
		for range 10 {
			r.pass(10 * time.Second)
			if n := len(r.server.Asked()); n-before > 220 {
				r.Errorf("%d questions in ten seconds", n-before)
			} else {
				before = n
			}
		}
		r.pass(2 * time.Minute)
		if counted, settled, _ := r.facts(); !settled || len(counted) != 100 {
			r.Errorf("settled %v, left out %d", settled, len(counted))
		}
	})
}

func TestRefusedDomain(t *testing.T) {
	for _, domain := range []string{"local", "office.local", "", "localhost", "192.0.2.1"} {
		t.Run("LL-11.4-2 no question about "+domain, func(t *testing.T) {
			dial := resolvertest.New(t, "")
			b := Browser{Domain: domain, Resolver: resolver.New(resolver.Config{Dial: dial.Dial})}
			if err := b.Run(t.Context()); !errors.Is(err, resolver.ErrNotFQDN) || len(dial.Asked()) != 0 {
				t.Errorf("%v, asked %q", err, dial.Asked())
			}
		})
	}
	t.Run("a DNS that cannot be asked at the start is an error", func(t *testing.T) {
		s := resolvertest.New(t, "SERVFAIL _presence._tcp.example.com.")
		b := Browser{Domain: "example.com", Resolver: resolver.New(resolver.Config{Servers: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.53:53")}, Dial: s.Dial})}
		if err := b.Run(t.Context()); !errors.Is(err, resolver.ErrTemporary) {
			t.Errorf("%v", err)
		}
	})
}
