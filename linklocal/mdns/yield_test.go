package mdns_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"meshbridge/linklocal/mdns"
)

const juliet = `juliet\@pronto._presence._tcp.local.`

// probe is what a host that wants a name asks first.
func probe(t *testing.T, name string, proposed ...string) *dns.Msg {
	t.Helper()
	m := new(dns.Msg)
	m.Question = []dns.Question{{Name: name, Qtype: dns.TypeANY, Qclass: dns.ClassINET}}
	for _, r := range proposed {
		m.Ns = append(m.Ns, rr(t, r))
	}
	return m
}

// The ways in which real programs ask for the name that we hold.
var wanting = map[string]func(*testing.T) *dns.Msg{
	"as Avahi asks": func(t *testing.T) *dns.Msg {
		return probe(t, juliet, juliet+" 120 IN SRV 0 0 5299 forza.local.", juliet+` 4500 IN TXT "txtvers=1"`)
	},
	"as python3-zeroconf asks": func(t *testing.T) *dns.Msg {
		m := probe(t, "_presence._tcp.local.", "_presence._tcp.local. 4500 IN PTR "+juliet)
		m.Question[0].Qtype = dns.TypePTR
		return m
	},
}

func TestYielding(t *testing.T) {
	for how, wants := range wanting {
		inOffice(t, "LL-3-14 who wants a name of ours gets it, and we the next: "+how, func(t *testing.T, o *office) {
			n := o.node("pronto", "10.2.1.1").browse().up()
			defer n.stop()
			n.publish("juliet@pronto", "txtvers=1")
			pass(5 * time.Second)
			o.ClearLog()
			s := o.stranger("10.2.1.9")
			s.send(wants(t))
			pass(250 * time.Millisecond)
			want(t, "answers in its way", len(o.says("pronto", juliet+" ")), 0)
			want(t, "goodbyes before it announces", len(o.says("pronto", "_presence._tcp.local. 0 IN PTR "+juliet)), 1)
			s.says(s.peer(`juliet\@pronto`, "forza", `"a=1"`)...)
			pass(5 * time.Second)
			wantAll(t, "states", n.status(), "probing juliet@pronto", "announced juliet@pronto", "renamed juliet@pronto-1", "announced juliet@pronto-1")
			wantAll(t, "seen", n.told(), "added juliet@pronto")
		})
		inOffice(t, "LL-3-14 LL-3-29 what we have not asked for yet waits until the other has it: "+how, func(t *testing.T, o *office) {
			n := o.node("pronto", "10.2.1.1").up()
			defer n.stop()
			pass(5 * time.Second)
			o.ClearLog()
			s := o.stranger("10.2.1.9")
			start := time.Since(o.start)
			n.publish("juliet@pronto", "txtvers=1")
			s.send(wants(t))
			pass(3 * time.Second)
			if asked := o.asks("pronto", juliet, dns.TypeANY); len(asked) != 3 || asked[0]-start < time.Second {
				t.Errorf("it started at %v and probed at %v", start, asked)
			}
		})
	}
	inOffice(t, "LL-3-10 LL-3-11 so is the name of the host", func(t *testing.T, o *office) {
		n := o.node("pronto", "10.2.1.1").up()
		defer n.stop()
		n.publish("juliet@pronto")
		pass(5 * time.Second)
		o.ClearLog()
		o.stranger("10.2.1.9").send(probe(t, "pronto.local.", "pronto.local. 120 IN A 10.2.1.9"))
		pass(5 * time.Second)
		want(t, "answers in its way", len(o.says("pronto", "pronto.local. 120")), 0)
		want(t, "host", n.HostName(), "pronto-1")
		want(t, "announcements of where she is now", len(o.says("pronto", "SRV 0 0 5562 pronto-1.local.")) > 0, true)
		wantAll(t, "states", n.status(), "probing juliet@pronto", "announced juliet@pronto")
	})
	inOffice(t, "LL-4-9 against who is of our kind a name is defended", func(t *testing.T, o *office) {
		n := o.node("pronto", "10.2.1.1").up()
		defer n.stop()
		n.Publish(mdns.Service{Type: presence, Instance: "juliet@pronto", Port: 5562, Notify: n.note,
			Kin: func(txt []string) bool { return slices.Equal(txt, []string{"txtvers=1"}) }})
		pass(5 * time.Second)
		o.ClearLog()
		o.stranger("10.2.1.9").send(wanting["as Avahi asks"](t))
		pass(5 * time.Second)
		wantAll(t, "states", n.status(), "probing juliet@pronto", "announced juliet@pronto")
		want(t, "answers", len(o.says("pronto", juliet+" 120")), 1)
	})
	inOffice(t, "LL-3-14 a name that is lost on one interface is taken back on the others", func(t *testing.T, o *office) {
		h := o.Host("pronto", "10.2.1.1")
		h.Attach("guests", "eth1", "10.3.1.1")
		n := o.engine(h, mdns.Config{Host: "pronto", Interfaces: []string{"eth0", "eth1"}}).up()
		defer n.stop()
		n.publish("juliet@pronto")
		pass(5 * time.Second)
		o.ClearLog()
		o.stranger("10.2.1.9").send(wanting["as Avahi asks"](t))
		pass(5 * time.Second)
		var on []string
		for _, f := range o.responses("pronto") {
			for _, r := range f.Answer {
				if strings.Contains(flat(r), "_presence._tcp.local. 0 IN PTR "+juliet) {
					on = append(on, f.Link)
				}
			}
		}
		slices.Sort(on)
		want(t, "goodbyes", len(slices.Compact(on)), 2)
	})
	inOffice(t, "LL-3-16 LL-3-29 who wants every name gets a minute of them", func(t *testing.T, o *office) {
		n := o.node("pronto", "10.2.1.1").up()
		defer n.stop()
		n.publish("juliet@pronto")
		s := o.stranger("10.2.1.9")
		for range 2 * 60 * 10 {
			pass(100 * time.Millisecond)
			states := n.status()
			if last, announced := strings.CutPrefix(states[len(states)-1], "announced "); announced {
				name := strings.ReplaceAll(last, "@", `\@`) + "._presence._tcp.local."
				s.send(probe(t, name, name+" 120 IN SRV 0 0 9 other.local."))
			}
		}
		states := n.status()
		if last := states[len(states)-1]; !strings.HasPrefix(last, "failed") || len(states) > 150 {
			t.Errorf("%d states, the last %s", len(states), last)
		}
	})
}
