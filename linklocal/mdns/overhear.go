package mdns

import (
	"slices"
	"time"
)

// What others ask for in vain is likely to have vanished (RFC 6762 section 10.5). The RFC
// would have it forgotten at once; we ask first, because somebody's questions must not be
// able to take a peer away, and at a bounded rate, because they must not make us noisy.

// An overheard question is one that should be answered in everybody's hearing.
type overheard struct {
	first time.Time // when it was asked
	done  bool      // it was asked again, and looked into
}

// overhear takes in what a neighbour asks everybody. Who asks from another port, from off
// the link, or for a unicast answer is answered alone; who has more known answers to tell
// may not want the answer at all.
func (i *iface) overhear(a *arrival) {
	if !a.packet.Multicast() || a.packet.Src.Port() != Port || !a.onLink() || a.truncated || len(a.authority) > 0 {
		return
	}
	for _, q := range a.questions {
		if q.unicast || q.class != classIN || len(i.cache.get(q.name, q.typ)) == 0 {
			continue
		}
		i.overhearOne(a, q)
	}
}

func (i *iface) overhearOne(a *arrival, q question) {
	e, key := i.e, q.set()
	o := i.heard[key]
	switch {
	case o == nil && len(i.heard) >= maxOverheard:
		e.cfg.Count("LL-9-7")
	case o == nil:
		o = &overheard{first: e.now}
		i.heard[key] = o
		e.in(overhearTime, func() { delete(i.heard, key) })
	case o.done || e.now.Sub(o.first) < overhearGap:
	default:
		o.done = true
		unanswered := i.unanswered(a, q, o.first)
		e.in(overhearGrace, func() { i.raise(unanswered, o.first) })
	}
}

// unanswered lists records that q asks for, that the asker neither knows nor has published,
// and that nobody has said since.
func (i *iface) unanswered(a *arrival, q question, since time.Time) []*entry {
	var out []*entry
	for _, n := range i.cache.get(q.name, q.typ) {
		if len(out) < maxRaised && n.heard.Before(since) && !a.knows(n.record) && n.source != a.src {
			out = append(out, n)
		}
	}
	return out
}

// raise doubts the instances of records that were asked for in vain to the end.
func (i *iface) raise(records []*entry, since time.Time) {
	for _, n := range records {
		if i.cache.find(n.record) != n || !n.heard.Before(since) {
			continue
		}
		for _, f := range i.behind(n) {
			f.hint("LL-9-7", "others asked for it and had no answer", doubtTime)
		}
	}
}

// behind lists the instances attended to that a record is about: its own, or those on its
// host.
func (i *iface) behind(n *entry) []*found {
	var out []*found
	if n.typ != typeA && n.typ != typeAAAA {
		if f := i.instanceWith(n); f != nil && i.e.attended[f.name.fold()] > 0 {
			out = append(out, f)
		}
		return out
	}
	for key, f := range i.found {
		if len(out) < maxRaised && i.e.attended[key] > 0 && slices.ContainsFunc(i.cache.get(f.name, typeSRV), func(s *entry) bool { return hostOf(s.target()).fold() == n.name.fold() }) {
			out = append(out, f)
		}
	}
	return out
}
