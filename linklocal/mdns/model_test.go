package mdns

import (
	"fmt"
	"net/netip"
	"sort"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A model is the cache of one interface as RFC 6762 section 10 describes it, in the plainest
// words there are: no alarms, no indexes, no sets.
type model struct {
	now     time.Time
	entries []modelEntry
}

type modelEntry struct {
	record
	heard, expires time.Time
}

// pass lets time go by: what is over is gone.
func (m *model) pass(to time.Time) {
	m.now = to
	var left []modelEntry
	for _, n := range m.entries {
		if n.expires.After(m.now) {
			left = append(left, n)
		}
	}
	m.entries = left
}

// hear takes in one packet.
func (m *model) hear(rs []record) {
	for _, addresses := range []bool{false, true} { // whose addresses are of interest is seen first
		for _, r := range rs {
			if isAddress := r.typ == typeA || r.typ == typeAAAA; isAddress == addresses && (!isAddress || m.hosts(r.name)) {
				m.take(r)
			}
		}
	}
}

// hosts reports whether an instance that we know of is on that host.
func (m *model) hosts(host name) bool {
	for _, n := range m.entries {
		if n.typ == typeSRV && n.target() == host {
			return true
		}
	}
	return false
}

// take: what is withdrawn is gone in a second, unless it is said again (section 10.1).
func (m *model) take(r record) {
	if r.ttl == 0 {
		m.end(r, time.Second)
		return
	}
	m.flush(r)
	m.renew(r)
}

// doubt: who is asked for has ten seconds to answer (section 10.4).
func (m *model) doubt(rs []record) {
	for _, r := range rs {
		m.end(r, 10*time.Second)
	}
}

// renew begins the life of a record, or begins it anew.
func (m *model) renew(r record) {
	life := modelEntry{r, m.now, m.now.Add(time.Duration(r.ttl) * time.Second)}
	for k, n := range m.entries {
		if n.same(r) {
			m.entries[k] = life
			return
		}
	}
	m.entries = append(m.entries, life)
}

// flush: with the flush bit, others of the set that were heard more than a second ago have
// one more (section 10.2).
func (m *model) flush(r record) {
	for k, n := range m.entries {
		if r.flush && r.typ != typePTR && n.name == r.name && n.typ == r.typ && !n.same(r) && m.now.Sub(n.heard) > time.Second {
			m.entries[k].expires = earlier(n.expires, m.now.Add(time.Second))
		}
	}
}

func (m *model) end(r record, in time.Duration) {
	for k, n := range m.entries {
		if n.same(r) {
			m.entries[k].expires = earlier(n.expires, m.now.Add(in))
		}
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// list is what is known and until when, in order.
func list(since time.Time, add func(func(r record, expires time.Time))) string {
	var lines []string
	add(func(r record, expires time.Time) {
		lines = append(lines, fmt.Sprintf("%q %d %q until %v", r.name, r.typ, r.data, expires.Sub(since)))
	})
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}

// vocabulary is what can be said: three instances that move between two hosts of one
// machine, with texts that change.
func vocabulary(t testing.TB) []record {
	typ, _ := typeName("_presence._tcp")
	var out []record
	var hosts []name
	for _, h := range []string{"verona", "mantua"} {
		host, _ := makeName(h, "local")
		hosts = append(hosts, host)
		out = append(out, addrRecord(host, netip.MustParseAddr("10.2.1.9")), addrRecord(host, netip.MustParseAddr("fe80::9")))
	}
	for _, instance := range []string{"tybalt@verona", "dr. benvolio@verona", "mercut\xc3\xado"} {
		n := instanceName(t, instance)
		out = append(out, ptrRecord(typ, n), txtRecord(n, "\x03a=1"), txtRecord(n, "\x03a=2"))
		for _, host := range hosts {
			out = append(out, srvRecord(n, host, 5298))
		}
	}
	return out
}

// saying draws what a host announces: any records in any order, with the flush bit where it
// belongs and now and then forgotten, and times to live of seconds up to more than an hour.
func saying(rt *rapid.T, words []record) []record {
	var out []record
	for range rapid.IntRange(1, 8).Draw(rt, "records") {
		r := rapid.SampledFrom(words).Draw(rt, "record")
		r.ttl = rapid.SampledFrom([]uint32{1, 2, 5, 30, 120, 4500}).Draw(rt, "ttl")
		r.flush = r.flush && rapid.IntRange(0, 3).Draw(rt, "flush") > 0
		out = append(out, r)
	}
	return out
}

// jump lets time go by for a still engine, from alarm to alarm.
func jump(e *Engine, to time.Time) {
	for {
		at, ok := e.agenda.next()
		if !ok || at.After(to) {
			break
		}
		if at.After(e.now) {
			e.now = at
		}
		e.agenda.ring(e.now)
		e.flush()
	}
	e.now = to
}

func TestCacheModel(t *testing.T) {
	t.Run("LL-5-8 LL-9-4 any packets leave the cache as RFC 6762 section 10 says", func(t *testing.T) {
		words := vocabulary(t)
		rapid.Check(t, func(rt *rapid.T) {
			e, counts := still(t)
			m := &model{now: e.now}
			for range rapid.IntRange(1, 40).Draw(rt, "steps") {
				rs := saying(rt, words)
				switch rapid.IntRange(0, 5).Draw(rt, "step") {
				case 0:
					e.doubt(rs)
					m.doubt(rs)
				case 1:
					rs = goodbyes(rs)
					fallthrough
				default:
					e.receive(from("10.2.1.9:5353", packResponses(plain(rs))[0]))
					m.hear(rs)
				}
				compare(rt, e, m)
				to := e.now.Add(time.Duration(rapid.SampledFrom([]int{0, 1, 500, 999, 1000, 1001, 4000, 10000, 96000, 3600000}).Draw(rt, "ms")) * time.Millisecond)
				jump(e, to)
				m.pass(to)
				compare(rt, e, m)
			}
			if counts["M3"]+counts["M4"]+counts["M5"] > 0 {
				rt.Fatalf("refused: %v", counts)
			}
		})
	})
}

// doubt has records of the cache reconfirmed.
func (e *Engine) doubt(rs []record) {
	for _, r := range rs {
		if n := e.ifaces[0].cache.find(r); n != nil {
			e.ifaces[0].reconfirm(n)
		}
	}
}

func goodbyes(rs []record) []record {
	out := withdrawn(rs)
	for k := range out {
		out[k].flush = false
	}
	return out
}

func compare(rt *rapid.T, e *Engine, m *model) {
	rt.Helper()
	got := list(time.Unix(1e9, 0), func(add func(record, time.Time)) {
		for _, set := range e.ifaces[0].cache.sets {
			for _, n := range set {
				add(n.record, n.expires)
			}
		}
	})
	wanted := list(time.Unix(1e9, 0), func(add func(record, time.Time)) {
		for _, n := range m.entries {
			add(n.record, n.expires)
		}
	})
	if got != wanted {
		rt.Fatalf("at %v the cache has\n%s\nand the model\n%s", e.now.Sub(time.Unix(1e9, 0)), got, wanted)
	}
}
