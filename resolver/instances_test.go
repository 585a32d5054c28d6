package resolver

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"meshbridge/resolver/resolvertest"
	"meshbridge/resolver/uri"
)

// garden is a domain in whose zone people are listed.
const garden = `
_presence._tcp.example.com. 120 IN PTR juliet\@pronto._presence._tcp.example.com.
_presence._tcp.example.com. 60 IN PTR dr\.\032who\@j\195\188rgen._presence._tcp.example.com.
_presence._tcp.example.com. 60 IN PTR JULIET\@pronto._presence._tcp.example.com.
_presence._tcp.example.com. 60 IN PTR romeo\@forza._presence._tcp.example.net.
_presence._tcp.example.com. 60 IN PTR nurse\@bridge._presence._tcp.local.
juliet\@pronto._presence._tcp.example.com. 120 IN SRV 10 0 5299 other.example.com.
juliet\@pronto._presence._tcp.example.com. 120 IN SRV 0 0 5298 Pronto.example.com.
juliet\@pronto._presence._tcp.example.com. 45 IN TXT "txtvers=1" "msg=Gr\195\188\195\159e \"1\"\\d"
juliet\@pronto._presence._tcp.example.com. 45 IN TXT "nick=Ju"
pronto.example.com. 300 IN A 192.0.2.1
pronto.example.com. 30 IN AAAA 2001:db8::1
dr\.\ who\@j\195\188rgen._presence._tcp.example.com. 20 IN SRV 0 0 5298 who\@tardis.example.com.
tardis.example.com. 300 IN A 192.0.2.2
local\@host._presence._tcp.example.com. 20 IN SRV 0 0 5298 pronto.local.
zero\@host._presence._tcp.example.com. 20 IN SRV 0 0 0 pronto.example.com.
_presence._tcp.alias.example. 60 IN CNAME _presence._tcp.real.example.
_presence._tcp.real.example. 60 IN PTR a\@b._presence._tcp.alias.example.
SERVFAIL _presence._tcp.broken.example.
`

const presence = "_presence._tcp"

func TestInstances(t *testing.T) {
	labels := func(l Listing) (all []string) {
		for _, n := range l.Names {
			all = append(all, n.Label)
		}
		return all
	}
	ask := func(t *testing.T, r *rig, domain string) (Listing, error) {
		return New(r.cfg).Instances(t.Context(), presence, domain)
	}
	t.Run("LL-11.4-1 who is listed, each once, and nobody of another domain", func(t *testing.T) {
		r := newRig(t, garden)
		list, err := ask(t, r, "Example.com")
		if err != nil || list.Left != 2 || list.TTL.Seconds() != 60 {
			t.Errorf("%+v, %v", list, err)
		}
		if want := []string{"juliet@pronto", "dr. who@jürgen"}; !slices.Equal(labels(list), want) {
			t.Errorf("%q", labels(list))
		}
	})
	t.Run("LL-11.4-1 an alias is followed within the answer", func(t *testing.T) {
		list, err := ask(t, newRig(t, garden, resolvertest.Chase), "alias.example")
		if err != nil || !slices.Equal(labels(list), []string{"a@b"}) {
			t.Errorf("%+v, %v", list, err)
		}
	})
	t.Run("nobody is no error, a server that fails is one", func(t *testing.T) {
		r := newRig(t, garden)
		if list, err := ask(t, r, "nobody.example"); err != nil || len(list.Names) != 0 || list.TTL != 0 {
			t.Errorf("%+v, %v", list, err)
		}
		if _, err := ask(t, r, "broken.example"); !errors.Is(err, ErrTemporary) {
			t.Errorf("%v", err)
		}
	})
	t.Run("LL-11.4-2 about .local the DNS is not asked", func(t *testing.T) {
		r := newRig(t, garden)
		for _, domain := range []string{"local", "office.local", "office.LOCAL."} {
			if _, err := ask(t, r, domain); !errors.Is(err, ErrNotFQDN) {
				t.Errorf("%s: %v", domain, err)
			}
		}
		if asked := r.server.Asked(); len(asked) != 0 {
			t.Errorf("asked %q", asked)
		}
	})
	t.Run("LL-11.4-1 more than a packet holds comes over TCP, within bounds", func(t *testing.T) {
		var zone strings.Builder
		for n := range maxInstances + 7 {
			fmt.Fprintf(&zone, "_presence._tcp.example.com. 60 IN PTR person%d\\@pc._presence._tcp.example.com.\n", n)
		}
		r := newRig(t, zone.String())
		list, err := ask(t, r, "example.com")
		if err != nil || len(list.Names) != maxInstances || list.Left != 7 {
			t.Errorf("%d names, %d left out, %v", len(list.Names), list.Left, err)
		}
		if asked := r.server.Asked(); !slices.Equal(asked, []string{"_presence._tcp.example.com. PTR", "_presence._tcp.example.com. PTR over TCP"}) {
			t.Errorf("asked %q", asked)
		}
	})
}

func TestInstance(t *testing.T) {
	at := func(r *rig, label string) (Instance, error) {
		n, ok := instanceName(label+"._presence._tcp.example.com.", "_presence._tcp.EXAMPLE.com.")
		if !ok {
			r.t.Fatal(label)
		}
		return New(r.cfg).Instance(r.t.Context(), "example.com", n)
	}
	t.Run("LL-11.4-1 LL-3-18 LL-3-26 host, port, addresses and what the record says", func(t *testing.T) {
		r := newRig(t, garden)
		got, err := at(r, `juliet\@pronto`)
		want := Instance{Host: "pronto.example.com", Port: 5298, TTL: 30e9, TXT: []string{"txtvers=1", `msg=Grüße "1"\d`, "nick=Ju"}}
		text := fmt.Sprint(got.Addresses)
		got.Addresses = nil
		if diff := cmp.Diff(want, got); diff != "" || err != nil || text != "[2001:db8::1 192.0.2.1]" {
			t.Errorf("%s, %v, %s", text, err, diff)
		}
		got, err = at(r, `dr\.\ who\@j\195\188rgen`)
		if err != nil || got.Host != "tardis.example.com" || fmt.Sprint(got.Addresses) != "[192.0.2.2]" || got.TXT != nil {
			t.Errorf("%+v, %v", got, err)
		}
	})
	t.Run("LL-11.4-2 a host under .local is refused, and not asked for", func(t *testing.T) {
		r := newRig(t, garden)
		if _, err := at(r, `local\@host`); !errors.Is(err, ErrLinkLocal) {
			t.Errorf("%v", err)
		}
		if asked := r.server.Asked(); slices.ContainsFunc(asked, func(q string) bool { return strings.Contains(q, ".local") }) || len(asked) != 1 {
			t.Errorf("asked %q", asked)
		}
	})
	t.Run("without an SRV record, or with port 0, it is not there", func(t *testing.T) {
		r := newRig(t, garden)
		for _, label := range []string{`zero\@host`, `nobody\@host`} {
			if _, err := at(r, label); !errors.Is(err, ErrNoRecords) {
				t.Errorf("%s: %v", label, err)
			}
		}
	})
	t.Run("the server in memory answers as the one on loopback does", func(t *testing.T) {
		r := newRig(t, garden)
		want, err := at(r, `juliet\@pronto`)
		if err != nil {
			t.Fatal(err)
		}
		r.cfg.Dial = resolvertest.New(t, garden).Dial
		got, err := at(r, `juliet\@pronto`)
		if diff := cmp.Diff(fmt.Sprint(want), fmt.Sprint(got)); diff != "" || err != nil {
			t.Errorf("%v, %s", err, diff)
		}
	})
}

// FuzzInstances feeds answers of strangers to all three questions.
func FuzzInstances(f *testing.F) {
	for _, rr := range []string{
		`_presence._tcp.example.com. 60 IN PTR dr\.\032who\@j\195\188rgen._presence._tcp.example.com.`,
		`_presence._tcp.example.com. 60 IN SRV 0 0 5298 who\@tardis.example.com.`,
		`_presence._tcp.example.com. 60 IN TXT "txtvers=1" "a\b\"\255" ""`,
	} {
		record, err := dns.NewRR(rr)
		if err != nil {
			f.Fatal(err)
		}
		m := &dns.Msg{MsgHdr: dns.MsgHdr{Response: true}, Answer: []dns.RR{record}}
		packet, err := m.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packet)
	}
	const name = "_presence._tcp.example.com"
	f.Fuzz(func(t *testing.T, packet []byte) {
		m := new(dns.Msg)
		if m.Unpack(packet) != nil {
			return
		}
		pointers, _, _ := recordsIn(m, name, dns.TypePTR)
		for _, rr := range pointers {
			if n, ok := instanceName(rr.(*dns.PTR).Ptr, name+"."); ok && (n.Label == "" || len(n.Label) > 63) {
				t.Errorf("%q", n.Label)
			}
		}
		services, _, _ := recordsIn(m, name, dns.TypeSRV)
		if at, err := leading(services); err == nil && (!uri.DNSName(at.Host) || linkLocal(at.Host) || at.Port == 0) {
			t.Errorf("%+v", at)
		}
		texts, ttl, _ := recordsIn(m, name, dns.TypeTXT)
		for _, rr := range texts {
			for _, s := range wireStrings(rr) {
				if len(s) > 255 || ttl <= 0 {
					t.Errorf("%q, %v", s, ttl)
				}
			}
		}
	})
}
