package mdns

import "time"

// Doubt says that an instance may have vanished and is being asked for.
type Doubt struct {
	Why   string    // in words
	Since time.Time // when it arose
	Until time.Time // without a sign of life until then the instance is gone
}

// Doubt tells that an instance may have vanished from the interface with that index, as
// when nobody could connect to it. Its records are asked for three times; it is gone if
// nothing of it is heard within seven seconds (RFC 6762 section 10.4). It never blocks. What
// is in doubt already is not doubted again, nor what was asked for three seconds ago.
func (e *Engine) Doubt(serviceType, instance string, iface int, why string) {
	typ, err := typeName(serviceType)
	if err != nil {
		return
	}
	n, err := typ.child(instance)
	if err != nil {
		return
	}
	e.post(func() {
		if i := e.iface(iface); i != nil {
			if f := i.found[n.fold()]; f != nil {
				f.suspect(why, doubtTime)
			}
		}
	})
}

// Alive tells that an instance has shown otherwise that it is there, as by taking a
// connection: it is not in doubt any more on the interface with that index. It never blocks.
func (e *Engine) Alive(serviceType, instance string, iface int) {
	typ, err := typeName(serviceType)
	if err != nil {
		return
	}
	n, err := typ.child(instance)
	if err != nil {
		return
	}
	e.post(func() {
		if i := e.iface(iface); i != nil {
			if f := i.found[n.fold()]; f != nil && f.doubt != nil {
				f.heardOf()
			}
		}
	})
}

// doubt is one that is open.
type doubt struct {
	Doubt
	asked int
	alarm *alarm // for the next question, or the end
}

// suspect begins to ask for the records of f. Any of them that is heard settles it. It
// reports false when that is not done now.
func (f *found) suspect(why string, window time.Duration) bool {
	e := f.i.e
	if f.doubt != nil || !f.shown || f.i.left || e.now.Before(f.sure) {
		return false
	}
	e.agenda.stop(f.care.alarm)
	e.checks.doubts.Add(1)
	e.log.Debug("is an instance still there?", "instance", f.name.first(), "if", f.i.Name, "why", why)
	f.doubt = &doubt{Doubt: Doubt{Why: why, Since: e.now, Until: e.now.Add(window)}}
	f.sure = e.now.Add(doubtGap)
	f.doubt.alarm = e.in(between(browseDelayMin, browseDelayMax), f.reask)
	return true
}

// reask puts the questions of a doubt: a TXT record everybody has, and the SRV record is
// what a conversation needs next. The gaps double (RFC 6762 section 5.2).
func (f *found) reask() {
	d, e := f.doubt, f.i.e
	f.i.ask(question{name: f.name, typ: typeTXT, class: classIN})
	f.i.ask(question{name: f.name, typ: typeSRV, class: classIN})
	d.asked++
	if d.asked < doubtQuestions {
		d.alarm = e.in(retransmitFirst<<(d.asked-1), f.reask)
		return
	}
	d.alarm = e.agenda.at(d.Until, f.vanish)
}

// hint is a suspicion that a neighbour's packet raises. Neighbours cannot make us ask for
// more than a few instances a second; what is beyond is no loss, as a hint is no proof.
func (f *found) hint(rule, why string, window time.Duration) {
	e := f.i.e
	switch {
	case f.doubt != nil || e.now.Before(f.sure):
	case !e.hints.take(e.now, hintBurst, hintsPerSecond):
		e.cfg.Count(rule)
	default:
		f.suspect(why, window)
	}
}

// drop forgets what goes on about f, which has left.
func (f *found) drop() {
	a := &f.i.e.agenda
	a.stop(f.care.alarm)
	if f.doubt != nil {
		a.stop(f.doubt.alarm)
		f.doubt = nil
	}
}

// dismiss ends a doubt: f is there.
func (f *found) dismiss() {
	f.i.e.agenda.stop(f.doubt.alarm)
	f.doubt = nil
	f.attend()
}

// doubts reports whether the instance that a PTR record shows is in doubt, or has vanished.
func (i *iface) doubts(ptr *entry) bool {
	f := i.found[ptr.target().fold()]
	return f != nil && (f.doubt != nil || f.missing > 0)
}

// vanish takes f for gone: nobody answered for it. Its PTR record stays in the cache, told to
// nobody as known, for it may be back without a word, as after a while out of reach of the radio.
func (f *found) vanish() {
	i := f.i
	i.e.checks.vanished.Add(1)
	f.why = f.doubt.Why
	f.doubt = nil
	for _, typ := range []uint16{typeTXT, typeSRV} {
		for len(i.cache.get(f.name, typ)) > 0 {
			i.cache.remove(i.cache.get(f.name, typ)[0])
		}
	}
	f.missing = seekFirst
	f.settle(false)
	f.seek()
	i.forgetIfEmpty()
}

// seek asks less and less often for somebody who has vanished, until the PTR record expires.
// When a switch failed and everybody has, the questions are spread.
func (f *found) seek() {
	if f.ptr() == nil || f.i.left {
		return
	}
	e := f.i.e
	f.alarm = e.in(f.missing, func() {
		f.alarm = e.agenda.at(e.pace.seeking.slot(e.now), func() {
			f.i.ask(f.question())
			f.missing = min(2*f.missing, seekLast)
			f.seek()
		})
	})
}
