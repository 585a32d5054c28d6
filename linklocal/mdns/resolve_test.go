package mdns_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"meshbridge/linklocal/mdns"
)

const romeo = `romeo\@forza._presence._tcp.local.`

// resolving starts a Resolve and returns how to wait for it.
func (n *node) resolving(timeout time.Duration, fresh bool) func() (mdns.Endpoint, time.Duration, error) {
	type result struct {
		mdns.Endpoint
		took time.Duration
		err  error
	}
	done := make(chan result, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		defer cancel()
		start := time.Now()
		ep, err := n.Resolve(ctx, presence, "romeo@forza", 1, fresh)
		done <- result{ep, time.Since(start), err}
	}()
	synctest.Wait()
	return func() (mdns.Endpoint, time.Duration, error) {
		r := <-done
		return r.Endpoint, r.took, r.err
	}
}

func TestResolve(t *testing.T) {
	browsing(t, "LL-4-4 LL-4-7 LL-4-6 one packet with SRV and TXT, then the addresses, no more once answered", func(t *testing.T, o *office, n *node) {
		s := o.stranger("10.2.1.9")
		rrs := s.peer("romeo@forza", "forza", `"a=1"`)
		o.ClearLog()
		wait := n.resolving(5*time.Second, false)
		qs := o.queries("gate")
		if len(qs) != 1 || len(qs[0].Question) != 2 {
			t.Fatalf("%v", qs)
		}
		want(t, "first question", qs[0].Question[0], dns.Question{Name: romeo, Qtype: dns.TypeSRV, Qclass: 1})
		want(t, "second question", qs[0].Question[1], dns.Question{Name: romeo, Qtype: dns.TypeTXT, Qclass: 1})
		s.says(rrs[1])
		want(t, "A asked", len(o.asks("gate", "forza.local.", dns.TypeA)), 1)
		want(t, "AAAA asked", len(o.asks("gate", "forza.local.", dns.TypeAAAA)), 1)
		s.says(rrs[3], flush(t, "forza.local. 120 IN AAAA fe80::9"))
		ep, _, err := wait()
		if err != nil {
			t.Fatal(err)
		}
		want(t, "endpoint", fmt.Sprint(ep), "{forza 5298 [10.2.1.9 fe80::9%eth0]}")
		pass(time.Minute)
		want(t, "questions for SRV", len(o.asks("gate", romeo, dns.TypeSRV)), 1)
		want(t, "questions for A", len(o.asks("gate", "forza.local.", dns.TypeA)), 1)
	})
	browsing(t, "LL-4-4 what the cache knows is not asked for", func(t *testing.T, o *office, n *node) {
		s := o.stranger("10.2.1.9")
		s.says(append(s.peer("romeo@forza", "forza", `"a=1"`), flush(t, "forza.local. 120 IN AAAA fe80::9"))...)
		pass(5 * time.Second)
		o.ClearLog()
		_, took, err := n.resolving(5*time.Second, false)()
		want(t, "error", err, nil)
		want(t, "took", took, 0)
		want(t, "questions", len(o.asks("gate", romeo, dns.TypeSRV)), 0)
	})
}

func TestResolveAnew(t *testing.T) {
	browsing(t, "LL-11.1-3 LL-9-8 fresh, or after the SRV expired, it is asked anew", func(t *testing.T, o *office, n *node) {
		s := o.stranger("10.2.1.9")
		rrs := append(s.peer("romeo@forza", "forza", `"a=1"`), flush(t, "forza.local. 120 IN AAAA fe80::9"))
		s.says(rrs...)
		pass(5 * time.Second)
		o.ClearLog()
		wait := n.resolving(5*time.Second, true)
		want(t, "asked when fresh", len(o.asks("gate", romeo, dns.TypeSRV)), 1)
		moved := flush(t, "forza.local. 120 IN A 10.2.1.77")
		s.says(rrs[1], moved, rrs[4])
		ep, _, _ := wait()
		want(t, "address", fmt.Sprint(ep.Addrs), "[10.2.1.77 fe80::9%eth0]")
		pass(3 * time.Minute)
		o.ClearLog()
		wait = n.resolving(5*time.Second, false)
		want(t, "asked when expired", len(o.asks("gate", romeo, dns.TypeSRV)), 1)
		s.says(rrs[1], moved, rrs[4])
		wait()
	})
	browsing(t, "LL-11.1-3 LL-3-24 a host that moved, announced with the flush bit, has its new address alone", func(t *testing.T, o *office, n *node) {
		s := o.stranger("10.2.1.9")
		s.says(s.peer("romeo@forza", "forza", `"a=1"`)...)
		pass(5 * time.Second)
		s.says(flush(t, "forza.local. 120 IN A 10.2.1.77"), flush(t, "forza.local. 120 IN A 10.2.1.78"))
		for range 2 {
			ep, _, _ := n.resolving(5*time.Second, false)()
			want(t, "addresses", fmt.Sprint(ep.Addrs), "[10.2.1.77 10.2.1.78]")
			pass(5 * time.Second)
		}
	})
}

func TestResolveEnds(t *testing.T) {
	browsing(t, "asked again after 1, 2, 4 s, then ErrNoAnswer", func(t *testing.T, o *office, n *node) {
		start := time.Since(o.start)
		_, took, err := n.resolving(10*time.Second, false)()
		want(t, "error", errors.Is(err, mdns.ErrNoAnswer), true)
		want(t, "took", took, 10*time.Second)
		pass(time.Minute)
		asked := o.asks("gate", romeo, dns.TypeSRV)
		for k := range asked {
			asked[k] -= start
		}
		wantAll(t, "questions", asked, 0, time.Second, 3*time.Second, 7*time.Second)
	})
	browsing(t, "LL-11.1-6 one family is enough, the other gets 150 ms", func(t *testing.T, o *office, n *node) {
		wait := n.resolving(5*time.Second, false)
		s := o.stranger("10.2.1.9")
		rrs := s.peer("romeo@forza", "forza", `"a=1"`)
		s.says(rrs[1], flush(t, "forza.local. 120 IN AAAA fe80::9"))
		ep, took, err := wait()
		want(t, "error", err, nil)
		want(t, "took", took, 150*time.Millisecond)
		want(t, "zone", fmt.Sprint(ep.Addrs), "[fe80::9%eth0]")
	})
}

func TestResolveResumes(t *testing.T) {
	browsing(t, "LL-4-4 an address that expires while the other family is awaited is asked for again", func(t *testing.T, o *office, n *node) {
		s := o.stranger("10.2.1.9")
		rrs := s.peer("romeo@forza", "forza", `"a=1"`)
		rrs[3].Header().Ttl = 10
		s.says(rrs...)
		pass(9900 * time.Millisecond)
		o.ClearLog()
		wait := n.resolving(20*time.Second, false)
		pass(1100 * time.Millisecond)
		asked := o.asks("gate", "forza.local.", dns.TypeA)
		want(t, "questions", len(asked), 2)
		want(t, "gap", asked[len(asked)-1]-asked[0], time.Second)
		s.says(rrs[3])
		ep, took, err := wait()
		want(t, "error", err, nil)
		want(t, "took", took, 1250*time.Millisecond)
		want(t, "endpoint", fmt.Sprint(ep), "{forza 5298 [10.2.1.9]}")
		pass(time.Minute)
		want(t, "questions in all", len(o.asks("gate", "forza.local.", dns.TypeA)), 2)
	})
	browsing(t, "LL-4-4 so is an SRV", func(t *testing.T, o *office, n *node) {
		s := o.stranger("10.2.1.9")
		rrs := s.peer("romeo@forza", "forza", `"a=1"`)
		rrs[1].Header().Ttl = 10
		s.says(rrs...)
		pass(9900 * time.Millisecond)
		wait := n.resolving(20*time.Second, false)
		pass(1100 * time.Millisecond)
		s.says(rrs[1])
		_, _, err := wait()
		want(t, "error", err, nil)
	})
}

func TestResolveShortcuts(t *testing.T) {
	browsing(t, "LL-5-10 NSEC spares the wait", func(t *testing.T, o *office, n *node) {
		p := o.node("forza", "10.2.1.9").up()
		defer p.stop()
		p.publish("romeo@forza")
		pass(10 * time.Second)
		ep, took, err := n.resolving(5*time.Second, true)()
		want(t, "error", err, nil)
		within(t, "took", took, 0, 20*time.Millisecond)
		want(t, "endpoint", fmt.Sprint(ep), "{forza 5562 [10.2.1.9]}")
	})
	browsing(t, "LL-9-3 when the instance leaves, its questions end", func(t *testing.T, o *office, n *node) {
		s := o.stranger("10.2.1.9")
		rrs := s.peer("romeo@forza", "forza", `"a=1"`)
		s.says(rrs[0], rrs[2])
		wait := n.resolving(time.Minute, false)
		s.says(gone(rrs[0], rrs[2])...)
		_, took, err := wait()
		want(t, "error", errors.Is(err, mdns.ErrNoAnswer), true)
		want(t, "took", took, time.Second)
		o.ClearLog()
		pass(10 * time.Second)
		want(t, "questions", len(o.asks("gate", romeo, dns.TypeSRV))+len(o.asks("gate", romeo, dns.TypeTXT)), 0)
	})
	browsing(t, "an interface that is not joined, and an engine that has stopped", func(t *testing.T, o *office, n *node) {
		_, err := n.Resolve(context.Background(), presence, "romeo@forza", 77, false)
		want(t, "error", err, mdns.ErrNoInterface)
		other := o.node("x", "10.2.1.3").up()
		other.stop()
		_, err = other.Resolve(context.Background(), presence, "romeo@forza", 1, false)
		want(t, "error", err, mdns.ErrStopped)
	})
}
