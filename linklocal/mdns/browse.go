package mdns

import (
	"slices"
	"time"
)

// A browser asks for one service type, for ever (RFC 6762 section 5.2).
type browser struct {
	e      *Engine
	typ    name
	notify func(Event)
	on     map[*iface]*asking
}

// asking is a browser on one interface.
type asking struct {
	gap   time.Duration // to the next question
	alarm *alarm
}

// Browse finds instances of a service type, such as "_presence._tcp", for as long as the
// engine runs: on each joined interface it asks, first after 20 to 120 ms, then in gaps of
// 1, 2, 4 s and so on up to an hour, and listens to what is announced (RFC 6762 section
// 5.2). notify runs on the engine's goroutine and must not block. Own instances never
// appear. A malformed type finds nothing, which is logged.
func (e *Engine) Browse(serviceType string, notify func(Event)) {
	e.post(func() {
		typ, err := typeName(serviceType)
		if err != nil {
			e.log.Error("cannot browse", "type", serviceType, "err", err)
			return
		}
		b := &browser{e: e, typ: typ, notify: notify, on: map[*iface]*asking{}}
		e.browsers = append(e.browsers, b)
		for _, i := range e.ifaces {
			b.start(i)
			for _, f := range i.found {
				f.introduce(b)
			}
		}
	})
}

func (b *browser) question() question { return question{name: b.typ, typ: typePTR, class: classIN} }

// start begins asking on i. The first question welcomes unicast answers (RFC 6762 section
// 5.4); the next goes to everybody, because a unicast may end at another program on this
// port (LL-11.3-2).
func (b *browser) start(i *iface) {
	if i.left {
		return
	}
	b.stop(i)
	k := &asking{gap: questionGapFirst}
	b.on[i] = k
	first := b.question()
	first.unicast = true
	k.alarm = b.e.in(between(browseDelayMin, browseDelayMax), func() {
		i.ask(first)
		k.alarm = b.e.in(k.gap, func() { b.again(i, k) })
	})
}

func (b *browser) again(i *iface, k *asking) {
	i.askRoutinely(b.question())
	k.gap = min(2*k.gap, questionGapMax)
	k.alarm = b.e.in(k.gap, func() { b.again(i, k) })
}

func (b *browser) stop(i *iface) {
	if k := b.on[i]; k != nil {
		b.e.agenda.stop(k.alarm)
		delete(b.on, i)
	}
}

// browses reports whether n is a type that somebody browses.
func (e *Engine) browses(n name) bool {
	n = n.fold()
	return slices.ContainsFunc(e.browsers, func(b *browser) bool { return b.typ.fold() == n })
}

// isOwn reports whether n is an instance of ours, now or until a moment ago (LL-4-2).
func (e *Engine) isOwn(n name) bool {
	n = n.fold()
	if until, ok := e.former[n]; ok && !until.Before(e.now) {
		e.ignored = true
		return true
	}
	return e.claims[n] != nil
}
