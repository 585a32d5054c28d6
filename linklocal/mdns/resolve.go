package mdns

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// A lookup is one Resolve on its way.
type lookup struct {
	i     *iface
	name  name
	key   name      // folded
	since time.Time // records heard before do not count
	gap   time.Duration
	alarm *alarm // retransmission
	hold  *alarm // waiting for the second family
	host  name   // whose addresses were asked for
	done  func(Endpoint, error)
}

// Resolve finds where an instance listens, on the interface with that index: SRV and
// addresses from the cache while valid, else asked for by multicast until they come or ctx
// ends (RFC 6762 section 5.2, LL-4-4, LL-4-7). With fresh it asks even if the cache knows,
// except for what was heard within the last second. It blocks; the error is ErrNoAnswer,
// ErrNoInterface or ErrStopped.
func (e *Engine) Resolve(ctx context.Context, serviceType, instance string, iface int, fresh bool) (Endpoint, error) {
	type result struct {
		Endpoint
		error
	}
	typ, err := typeName(serviceType)
	if err != nil {
		return Endpoint{}, err
	}
	n, err := typ.child(instance)
	if err != nil {
		return Endpoint{}, err
	}
	answer := make(chan result, 1)
	l := &lookup{name: n, done: func(p Endpoint, err error) { answer <- result{p, err} }}
	e.post(func() { e.lookup(l, iface, fresh) })
	select {
	case r := <-answer:
		return r.Endpoint, r.error
	case <-ctx.Done():
		e.post(func() { e.endLookup(l, Endpoint{}, ErrNoAnswer) })
		return Endpoint{}, fmt.Errorf("%w (%w)", ErrNoAnswer, context.Cause(ctx))
	case <-e.done:
		return Endpoint{}, ErrStopped
	}
}

// lookup begins one.
func (e *Engine) lookup(l *lookup, index int, fresh bool) {
	if l.i = e.iface(index); l.i == nil {
		l.done(Endpoint{}, ErrNoInterface)
		return
	}
	if fresh {
		l.since = e.now.Add(-multicastGap)
	}
	l.key, l.gap = l.name.fold(), retransmitFirst
	e.lookups = append(e.lookups, l)
	if !l.advance() {
		l.ask()
	}
}

// ask sends the questions that are open, and again after a doubling gap.
func (l *lookup) ask() {
	srv := l.entries(l.name, typeSRV)
	switch {
	case len(srv) == 0:
		l.i.ask(question{name: l.name, typ: typeSRV, class: classIN})
		if len(l.entries(l.name, typeTXT)) == 0 {
			l.i.ask(question{name: l.name, typ: typeTXT, class: classIN})
		}
	default:
		l.host = hostOf(srv[0].target())
		l.i.ask(question{name: l.host, typ: typeA, class: classIN})
		l.i.ask(question{name: l.host, typ: typeAAAA, class: classIN})
	}
	e := l.i.e
	e.agenda.stop(l.alarm)
	l.alarm = e.in(l.gap, func() { l.ask() })
	l.gap = min(2*l.gap, questionGapMax)
}

// entries lists what is known and new enough, the newest packet's alone.
func (l *lookup) entries(n name, typ uint16) []*entry {
	set := slices.Clone(l.i.cache.latest(n, typ))
	return slices.DeleteFunc(set, func(o *entry) bool { return o.heard.Before(l.since) })
}

// advance looks at what has come, and reports whether nothing need be asked: all is known,
// or one family is and the other gets a moment.
func (l *lookup) advance() bool {
	srv := l.entries(l.name, typeSRV)
	if len(srv) == 0 {
		return false
	}
	v4, v6, whole := l.addresses(hostOf(srv[0].target()))
	switch {
	case v4 && v6, whole:
		l.finish()
	case (v4 || v6) && l.hold == nil:
		l.hold = l.i.e.in(secondFamily, l.finish)
		l.askHost(hostOf(srv[0].target()))
	case !v4 && !v6 && l.host.fold() != hostOf(srv[0].target()).fold():
		l.gap = retransmitFirst
		l.ask()
	}
	return true
}

// askHost asks for both families once, when one came without the other.
func (l *lookup) askHost(host name) {
	if l.host.fold() == host.fold() {
		return
	}
	l.host = host
	l.i.ask(question{name: host, typ: typeA, class: classIN})
	l.i.ask(question{name: host, typ: typeAAAA, class: classIN})
}

// addresses tells which families of host are known; whole, when the host says that it has
// only the ones it has (RFC 6762 section 6.1).
func (l *lookup) addresses(host name) (v4, v6, whole bool) {
	v4 = len(l.entries(host, typeA)) > 0
	v6 = len(l.entries(host, typeAAAA)) > 0
	return v4, v6, (v4 || v6) && len(l.entries(host, typeNSEC)) > 0
}

// finish answers with what is known. What expired meanwhile is asked for again.
func (l *lookup) finish() {
	srv := l.entries(l.name, typeSRV)
	if len(srv) == 0 {
		l.resume()
		return
	}
	host := hostOf(srv[0].target())
	p := Endpoint{Host: host.hostText(), Port: srv[0].port()}
	for _, typ := range []uint16{typeA, typeAAAA} {
		for _, n := range l.all(host, typ) {
			p.Addrs = append(p.Addrs, withZone(n.addr(), l.i.Name))
		}
	}
	if len(p.Addrs) == 0 {
		l.resume()
		return
	}
	l.i.e.endLookup(l, p, nil)
}

// resume goes on asking when nothing is left to answer with: as planned, or a second after
// askHost (RFC 6762 section 5.2).
func (l *lookup) resume() {
	a := &l.i.e.agenda
	a.stop(l.hold)
	l.hold = nil
	if l.alarm == nil || l.alarm.index < 0 {
		l.alarm = l.i.e.in(retransmitFirst-secondFamily, l.ask)
	}
}

// all lists the valid addresses of host: those new enough and not superseded, whichever
// packet they came in.
func (l *lookup) all(host name, typ uint16) []*entry {
	set := slices.Clone(l.i.cache.get(host, typ))
	return slices.DeleteFunc(set, func(o *entry) bool { return o.fading || o.heard.Before(l.since) })
}

// endLookup stops all questions of l (LL-4-6) and answers it, once.
func (e *Engine) endLookup(l *lookup, p Endpoint, err error) {
	k := slices.Index(e.lookups, l)
	if k < 0 {
		return
	}
	e.lookups = slices.Delete(e.lookups, k, k+1)
	e.agenda.stop(l.alarm)
	e.agenda.stop(l.hold)
	l.done(p, err)
}

// advanceLookups follows a packet: it looks at those that it says something about.
func (e *Engine) advanceLookups(a *arrival) {
	if len(e.lookups) == 0 {
		return
	}
	said := map[name]bool{}
	for _, rs := range [][]record{a.answers, a.additional} {
		for _, r := range rs {
			said[r.name.fold()] = true
		}
	}
	for _, l := range slices.Clone(e.lookups) {
		if l.i == a.i && (said[l.key] || said[l.host.fold()]) {
			l.advance()
		}
	}
}

// failLookups ends those on an interface that went.
func (e *Engine) failLookups(i *iface) {
	for _, l := range slices.Clone(e.lookups) {
		if l.i == i {
			e.endLookup(l, Endpoint{}, ErrNoInterface)
		}
	}
}

// failLookupsOf ends those for an instance that left (LL-9-3).
func (e *Engine) failLookupsOf(i *iface, n name) {
	for _, l := range slices.Clone(e.lookups) {
		if l.i == i && l.name.fold() == n.fold() {
			e.endLookup(l, Endpoint{}, ErrNoAnswer)
		}
	}
}

// looksUp and looksUpHost report whether a lookup waits for that name.
func (e *Engine) looksUp(i *iface, n name) bool {
	n = n.fold()
	return slices.ContainsFunc(e.lookups, func(l *lookup) bool { return l.key == n && l.i == i })
}

func (e *Engine) looksUpHost(i *iface, n name) bool {
	n = n.fold()
	return slices.ContainsFunc(e.lookups, func(l *lookup) bool { return l.i == i && l.host.fold() == n })
}
