package mdns_test

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"meshbridge/linklocal/mdns"
	"meshbridge/linklocal/mdns/mdnstest"
)

// The names under which the data of alice@x.org@pronto stand.
const (
	dottedName = `alice\@x\.org\@pronto._presence._tcp.local.`
	splitName  = `alice\@x.org\@pronto._presence._tcp.local.`
	plainName  = `juliet\@pronto._presence._tcp.local.`
)

// nulled is an office in which pronto publishes an instance with data, announced and quiet.
func nulled(t *testing.T, name, instance, data string, fn func(t *testing.T, o *office, n *node, p *mdns.Publication)) {
	t.Helper()
	inOffice(t, name, func(t *testing.T, o *office) {
		n := o.node("pronto", "10.2.1.1").up()
		p := n.Publish(mdns.Service{Type: presence, Instance: instance, Port: 5562, TXT: []string{"a=1"}, Null: data})
		pass(10 * time.Second)
		fn(t, o, n, p)
		n.stop()
	})
}

// nulls lists the NULL records that a host said, in order.
func (o *office) nulls(host string) (list []*dns.NULL) {
	for _, f := range o.responses(host) {
		for _, rr := range slices.Concat(f.Answer, f.Ns, f.Extra) {
			if null, ok := rr.(*dns.NULL); ok {
				list = append(list, null)
			}
		}
	}
	return list
}

func TestNullRecord(t *testing.T) {
	const icon = "\x00\xff\\\"icon\x07"
	nulled(t, "LL-AV-1 LL-AV-15 LL-3-19 AMB-6 LL-3-23 LL-3-24 asked for under either name, the octets as they are", "alice@x.org@pronto", icon,
		func(t *testing.T, o *office, n *node, _ *mdns.Publication) {
			s := o.stranger("10.2.1.9")
			for _, name := range []string{dottedName, splitName} {
				o.ClearLog()
				s.asks(name, dns.TypeNULL)
				pass(time.Second)
				got := o.nulls("pronto")
				if len(got) != 1 {
					t.Fatalf("%s: %v", name, got)
				}
				want(t, name, got[0].Data, icon)
				want(t, "owner", got[0].Hdr.Name, name)
				want(t, "class", got[0].Hdr.Class, 0x8001)
				want(t, "time to live", got[0].Hdr.Ttl, 4500)
			}
			o.ClearLog()
			s.asks("_presence._tcp.local.", dns.TypeNULL)
			s.asks(`x.org\@pronto._presence._tcp.local.`, dns.TypeNULL)
			s.asks(splitName, dns.TypeTXT)
			pass(time.Second)
			want(t, "answers to other questions", len(o.responses("pronto")), 0)
		})
	inOffice(t, "not asked for, nobody hears of it: not in probes, announcements and what is added to answers", func(t *testing.T, o *office) {
		n := o.node("pronto", "10.2.1.1").up()
		n.Publish(mdns.Service{Type: presence, Instance: "alice@x.org@pronto", Port: 1, Null: strings.Repeat("x", 8192)})
		pass(5 * time.Second)
		s := o.stranger("10.2.1.9")
		s.asks("_presence._tcp.local.", dns.TypePTR)
		s.asks(dottedName, dns.TypeSRV)
		pass(time.Second)
		for _, f := range o.frames("pronto") {
			if len(f.Data) > 1440 {
				t.Errorf("a packet of %d octets: %v", len(f.Data), f.Question)
			}
		}
		want(t, "records", len(o.nulls("pronto")), 0)
		o.ClearLog()
		s.asks(dottedName, dns.TypeAAAA)
		pass(time.Second)
		want(t, "LL-5-10 NSEC", len(o.says("pronto", "NULL TXT SRV")), 1)
		n.stop()
	})
	nulled(t, "LL-AV-11 LL-5-3 new data are said before the TXT record that tells of them, at its pace", "alice@x.org@pronto", "old",
		func(t *testing.T, o *office, n *node, p *mdns.Publication) {
			o.ClearLog()
			for k := range 5 {
				p.Set([]string{"phsh=" + string(rune('a'+k))}, "new"+string(rune('a'+k)))
			}
			pass(10 * time.Second)
			var order []string
			for _, f := range o.responses("pronto") {
				for _, rr := range f.Answer {
					switch rr := rr.(type) {
					case *dns.NULL:
						order = append(order, rr.Hdr.Name[:8]+" "+rr.Data)
					case *dns.TXT:
						order = append(order, rr.Txt[0])
					}
				}
			}
			wantAll(t, "said", order, `alice\@x newa`, `alice\@x newa`, "phsh=a", "phsh=a", `alice\@x newe`, `alice\@x newe`, "phsh=e", "phsh=e")
			o.ClearLog()
			p.SetTXT([]string{"status=dnd"})
			pass(10 * time.Second)
			want(t, "said again with another TXT", len(o.nulls("pronto")), 0)
			p.Set([]string{"none"}, "")
			pass(10 * time.Second)
			for _, null := range o.nulls("pronto") {
				if null.Data != "newe" || null.Hdr.Ttl != 0 {
					t.Errorf("%v", null)
				}
			}
			want(t, "goodbyes when there are none any more", len(o.nulls("pronto")), 2)
			o.ClearLog()
			o.stranger("10.2.1.9").asks(splitName, dns.TypeNULL)
			pass(time.Second)
			want(t, "answers", len(o.responses("pronto")), 0)
		})
	nulled(t, "LL-9-2 LL-AV-15 goodbye for both names, behind everything else", "alice@x.org@pronto", "data",
		func(t *testing.T, o *office, n *node, p *mdns.Publication) {
			o.ClearLog()
			p.Withdraw()
			pass(time.Second)
			var names []string
			for _, f := range o.responses("pronto") {
				for _, rr := range f.Answer {
					if rr.Header().Ttl != 0 {
						t.Errorf("%v", rr)
					}
					names = append(names, dns.TypeToString[rr.Header().Rrtype])
				}
			}
			wantAll(t, "withdrawn", names, "PTR", "SRV", "TXT", "NULL", "NULL")
		})
	nulled(t, "LL-AV-2 8 KiB travel, in one packet and to everybody; a little is told to one alone", "juliet@pronto", strings.Repeat("x", mdns.MaxNull),
		func(t *testing.T, o *office, n *node, p *mdns.Publication) {
			asks := func() (list []frame) {
				o.ClearLog()
				m := new(dns.Msg)
				m.Question = []dns.Question{{Name: plainName, Qtype: dns.TypeNULL, Qclass: dns.ClassINET | 0x8000}}
				o.stranger("10.2.1.9").send(m)
				pass(2 * time.Second)
				return o.responses("pronto")
			}
			asks() // until a record was multicast, all hear it (RFC 6762 section 5.4)
			got := asks()
			if len(got) != 1 || !got[0].Multicast() || len(o.nulls("pronto")[0].Data) != mdns.MaxNull {
				t.Errorf("%v", got)
			}
			p.Set(nil, "small")
			pass(5 * time.Second)
			if got = asks(); len(got) != 1 || got[0].Multicast() {
				t.Errorf("%v", got)
			}
			p.Set(nil, strings.Repeat("x", mdns.MaxNull+1))
			pass(5 * time.Second)
			want(t, "of what is too large", len(slices.DeleteFunc(asks(), func(f frame) bool { _, ok := f.Answer[0].(*dns.NULL); return !ok })), 0)
		})
	inOffice(t, "LL-5-11 a one-shot resolver gets all of it", func(t *testing.T, o *office) {
		n := o.node("pronto", "10.2.1.1").up()
		n.Publish(mdns.Service{Type: presence, Instance: "juliet@pronto", Port: 1, Null: strings.Repeat("x", mdns.MaxNull)})
		pass(5 * time.Second)
		o.ClearLog()
		s := o.stranger("10.2.1.9")
		m := new(dns.Msg)
		m.Question = []dns.Question{{Name: plainName, Qtype: dns.TypeNULL, Qclass: dns.ClassINET}}
		data, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		ask := func() {
			o.Inject(mdnstest.DefaultLink, mdns.Packet{Data: data, Src: netip.MustParseAddrPort("10.2.1.9:40000"), Dst: s.to})
			synctest.Wait()
		}
		ask()
		got := o.nulls("pronto")
		if len(got) != 1 || len(got[0].Data) != mdns.MaxNull || o.responses("pronto")[0].Truncated {
			t.Fatalf("%d records", len(got))
		}
		for range 100 {
			ask()
		}
		within(t, "answers of six frames to a flood", time.Duration(len(o.nulls("pronto"))), 1, 5)
		n.stop()
	})
}

// fetching starts a Fetch of what fits and returns how to wait for it.
func (n *node) fetching(instance, fits string) func() (string, time.Duration, error) {
	type result struct {
		data string
		took time.Duration
		err  error
	}
	done := make(chan result, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 8*time.Second)
		defer cancel()
		start := time.Now()
		data, err := n.Fetch(ctx, presence, instance, 1, func(data string) bool { return data == fits })
		done <- result{data, time.Since(start), err}
	}()
	synctest.Wait()
	return func() (string, time.Duration, error) {
		r := <-done
		return r.data, r.took, r.err
	}
}

func TestFetch(t *testing.T) {
	null := func(name, data string) dns.RR {
		return &dns.NULL{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeNULL, Class: dns.ClassINET, Ttl: 120}, Data: data}
	}
	browsing(t, "LL-AV-6 LL-AV-7 V-8 NULL QU: one question with the unicast bit, none after the answer", func(t *testing.T, o *office, n *node) {
		s := o.stranger("10.2.1.9")
		s.says(s.peer("romeo@forza", "forza", `"a=1"`)...)
		pass(5 * time.Second)
		o.ClearLog()
		wait := n.fetching("romeo@forza", "icon")
		qs := o.queries("gate")
		if len(qs) != 1 || len(qs[0].Question) != 1 || qs[0].Question[0] != (dns.Question{Name: romeo, Qtype: dns.TypeNULL, Qclass: 0x8001}) {
			t.Fatalf("%v", qs)
		}
		s.says(null(romeo, "icon"))
		data, took, err := wait()
		want(t, "data", data, "icon")
		want(t, "took", took, 0)
		want(t, "error", err, nil)
		pass(time.Minute)
		want(t, "questions", len(o.asks("gate", romeo, dns.TypeNULL)), 1)
	})
	browsing(t, "LL-AV-8 INJ-25 data that do not fit are passed over, Avahi's goodbye for new ones is not", func(t *testing.T, o *office, n *node) {
		s := o.stranger("10.2.1.9")
		wait := n.fetching("romeo@forza", "new")
		s.says(null(romeo, "old"), null(`x\@forza._presence._tcp.local.`, "new"), null("_presence._tcp.local.", "new"))
		pass(1500 * time.Millisecond)
		bye := null(romeo, "new")
		bye.Header().Ttl = 0
		s.says(null(romeo, "old"), bye)
		data, took, err := wait()
		want(t, "data", data, "new")
		want(t, "took", took, 1500*time.Millisecond)
		want(t, "error", err, nil)
	})
	browsing(t, "LL-AV-15 a name with dots is asked for in both forms, and found in either", func(t *testing.T, o *office, n *node) {
		s := o.stranger("10.2.1.9")
		for _, name := range []string{dottedName, splitName} {
			o.ClearLog()
			wait := n.fetching("alice@x.org@pronto", "icon")
			want(t, "asked for as one label", len(o.asks("gate", dottedName, dns.TypeNULL)), 1)
			want(t, "asked for as split", len(o.asks("gate", splitName, dns.TypeNULL)), 1)
			s.says(null(name, "icon"))
			data, _, _ := wait()
			want(t, name, data, "icon")
		}
	})
	browsing(t, "LL-AV-7 asked again after 1, 2, 4 s, of everybody, then given up", func(t *testing.T, o *office, n *node) {
		o.ClearLog()
		start := time.Since(o.start)
		_, took, err := n.fetching("romeo@forza", "icon")()
		want(t, "error", errors.Is(err, mdns.ErrNoAnswer), true)
		want(t, "took", took, 8*time.Second)
		pass(time.Minute)
		asked := o.asks("gate", romeo, dns.TypeNULL)
		for k := range asked {
			asked[k] -= start
		}
		wantAll(t, "questions", asked, 0, time.Second, 3*time.Second, 7*time.Second)
		for _, q := range o.queries("gate")[1:] {
			if q.Question[0].Qtype == dns.TypeNULL && q.Question[0].Qclass != dns.ClassINET {
				t.Errorf("%v", q.Question)
			}
		}
	})
	browsing(t, "LL-AV-12 LL-9-3 who leaves is asked no more", func(t *testing.T, o *office, n *node) {
		s := o.stranger("10.2.1.9")
		rrs := s.peer("romeo@forza", "forza", `"a=1"`)
		s.says(rrs...)
		pass(5 * time.Second)
		wait := n.fetching("romeo@forza", "icon")
		pass(500 * time.Millisecond)
		rrs[0].Header().Ttl = 0
		s.says(rrs[0])
		_, took, err := wait()
		want(t, "error", errors.Is(err, mdns.ErrNoAnswer), true)
		within(t, "took", took, time.Second, 2*time.Second)
		asked := len(o.asks("gate", romeo, dns.TypeNULL))
		pass(time.Minute)
		want(t, "questions after it", len(o.asks("gate", romeo, dns.TypeNULL)), asked)
	})
	browsing(t, "too many at once, a name that is none, an interface that is not there: told so", func(t *testing.T, o *office, n *node) {
		for k := range 32 {
			n.fetching("p"+string(rune('A'+k))+"@x", "icon")
		}
		for instance, iface := range map[string]int{"one@more": 1, "some@where": 7, strings.Repeat("x", 64): 1} {
			ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
			if _, err := n.Fetch(ctx, presence, instance, iface, nil); err == nil || errors.Is(err, mdns.ErrNoAnswer) {
				t.Errorf("%s: %v", instance, err)
			}
			cancel()
		}
		pass(10 * time.Second)
	})
}
