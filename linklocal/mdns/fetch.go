package mdns

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// A fetch is a question for the NULL record of an instance on its way. What is found goes
// to who asked and is not cached here.
type fetch struct {
	i     *iface
	name  name   // of the instance
	asked []name // under which its data may stand, folded
	fits  func(string) bool
	gap   time.Duration
	alarm *alarm // retransmission
	done  func(string, error)
}

// errManyFetches is told to who asks while maxFetches wait.
var errManyFetches = errors.New("mdns: too many NULL records are asked for at once; try again later")

// Fetch asks on the interface with that index for the data of an instance, the rdata of
// its NULL record, until some come that fit or ctx ends. It asks under the instance's name
// and the one in which its dots are separators, since there is where clients publish it that
// write names as text. The first question welcomes a unicast answer, the next go to
// everybody, because a unicast may end at another program on this port.
//
// fits judges data; it runs on the engine's goroutine and must not block. Fetch blocks; the
// error is ErrNoAnswer, also when the instance leaves meanwhile, ErrNoInterface or
// ErrStopped.
func (e *Engine) Fetch(ctx context.Context, serviceType, instance string, iface int, fits func(data string) bool) (string, error) {
	type result struct {
		data string
		error
	}
	typ, err := typeName(serviceType)
	if err != nil {
		return "", err
	}
	n, err := typ.child(instance)
	if err != nil {
		return "", err
	}
	answer := make(chan result, 1)
	f := &fetch{name: n, fits: fits, gap: retransmitFirst, done: func(data string, err error) { answer <- result{data, err} }}
	e.post(func() { e.fetch(f, iface) })
	select {
	case r := <-answer:
		return r.data, r.error
	case <-ctx.Done():
		e.post(func() { e.endFetch(f, "", ErrNoAnswer) })
		return "", fmt.Errorf("%w (%w)", ErrNoAnswer, context.Cause(ctx))
	case <-e.done:
		return "", ErrStopped
	}
}

// fetch begins one.
func (e *Engine) fetch(f *fetch, index int) {
	switch f.i = e.iface(index); {
	case f.i == nil:
		f.done("", ErrNoInterface)
		return
	case len(e.fetches) >= maxFetches:
		f.done("", errManyFetches)
		return
	}
	f.asked = []name{f.name.fold()}
	if alias := f.name.split(); alias != "" {
		f.asked = append(f.asked, alias.fold())
	}
	e.fetches = append(e.fetches, f)
	f.ask(true)
}

// ask sends the question, and again after a doubling gap.
func (f *fetch) ask(unicast bool) {
	f.i.ask(question{name: f.name, typ: typeNULL, class: classIN, unicast: unicast})
	if alias := f.name.split(); alias != "" {
		f.i.ask(question{name: alias, typ: typeNULL, class: classIN, unicast: unicast})
	}
	f.alarm = f.i.e.in(f.gap, func() { f.ask(false) })
	f.gap = min(2*f.gap, questionGapMax)
}

// advanceFetches gives the NULL records of a packet to those who wait for them. A time to
// live of nought is no reason not to: Avahi withdraws new data once while it replaces the
// old.
func (e *Engine) advanceFetches(a *arrival) {
	for _, f := range slices.Clone(e.fetches) {
		for _, r := range slices.Concat(a.answers, a.additional) {
			if f.i == a.i && r.typ == typeNULL && r.class == classIN && slices.Contains(f.asked, r.name.fold()) && f.fits(r.data) {
				e.endFetch(f, r.data, nil)
				break
			}
		}
	}
}

// endFetch asks no more (LL-AV-7) and answers, once.
func (e *Engine) endFetch(f *fetch, data string, err error) {
	k := slices.Index(e.fetches, f)
	if k < 0 {
		return
	}
	e.fetches = slices.Delete(e.fetches, k, k+1)
	e.agenda.stop(f.alarm)
	f.done(data, err)
}

// failFetches ends those on an interface that went.
func (e *Engine) failFetches(i *iface) {
	for _, f := range slices.Clone(e.fetches) {
		if f.i == i {
			e.endFetch(f, "", ErrNoInterface)
		}
	}
}

// failFetchesOf ends those for an instance that left (LL-AV-12).
func (e *Engine) failFetchesOf(i *iface, n name) {
	for _, f := range slices.Clone(e.fetches) {
		if f.i == i && f.name.fold() == n.fold() {
			e.endFetch(f, "", ErrNoAnswer)
		}
	}
}
