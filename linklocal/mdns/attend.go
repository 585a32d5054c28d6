package mdns

import (
	"net/netip"
	"sync/atomic"
	"time"
)

// Who vanishes says no goodbye, and a PTR record lives for 75 minutes. So instances can be
// attended to: one of which nothing was heard for a while is asked whether it is there, with
// one question to its machine alone (RFC 6762 section 5.5). Silence is no proof, because the
// answer may have gone to another program on this port (LL-11.3-2): it only raises a doubt,
// and those are settled by asking in everybody's hearing.

// Attend asks after an instance of a browsed type, on each interface where it is seen,
// whenever nothing was heard of it for as long as silence says; 0 ends that. What it cannot
// answer any more it is not asked twice: without an answer it is in doubt (see Doubt), and
// gone when nobody settles that. Questions are paced: 7 a second for those with a silence of
// less than a minute, 2 for the others, and 1 by multicast for those who answer no unicast.
func (e *Engine) Attend(serviceType, instance string, silence time.Duration) {
	typ, err := typeName(serviceType)
	if err != nil {
		return
	}
	n, err := typ.child(instance)
	if err != nil {
		return // nobody can have that name
	}
	e.post(func() {
		if n = n.fold(); silence > 0 {
			e.attended[n] = silence
		} else {
			delete(e.attended, n)
		}
		for _, i := range e.ifaces {
			if f := i.found[n]; f != nil {
				f.attend()
			}
		}
	})
}

// Checks counts what was done to find out who has vanished.
type Checks struct {
	Liveness uint64 // questions after instances of which nothing was heard for a while
	Doubts   uint64 // times that the records of an instance were doubted and asked for again (RFC 6762 section 10.4)
	Vanished uint64 // instances that were gone then
}

// checks are Checks in the making: the engine counts, anybody reads.
type checks struct{ liveness, doubts, vanished atomic.Uint64 }

// Checks tells what was done since the start.
func (e *Engine) Checks() Checks {
	c := &e.checks
	return Checks{c.liveness.Load(), c.doubts.Load(), c.vanished.Load()}
}

// attention is what goes on about one instance on one interface.
type attention struct {
	alarm *alarm // for the next look, question, or missing answer
	mute  int    // questions to it alone that it left unanswered, and yet was there
}

// A pacer gives out times at least a gap apart.
type pacer struct {
	gap  time.Duration
	next time.Time
}

// slot takes the next time that is free.
func (p *pacer) slot(now time.Time) time.Time {
	if p.next.Before(now) {
		p.next = now
	}
	at := p.next
	p.next = at.Add(p.gap)
	return at
}

// pacers keep questions apart, so that few who are watched never wait for many who are not.
type pacers struct{ closely, seldom, loudly, seeking pacer }

func newPacers() pacers {
	every := func(perSecond time.Duration) pacer { return pacer{gap: time.Second / perSecond} }
	return pacers{every(closelyPerSecond), every(seldomPerSecond), every(loudlyPerSecond), every(seeksPerSecond)}
}

// attend sets the time of the next look at f.
func (f *found) attend() {
	e := f.i.e
	e.agenda.stop(f.care.alarm)
	if silence := e.attended[f.name.fold()]; silence > 0 && f.shown && f.doubt == nil && !f.i.left {
		f.care.alarm = e.agenda.at(f.heard.Add(silence), f.look)
	}
}

// heardOf notes a sign of life: a record of f has come.
func (f *found) heardOf() {
	f.heard = f.i.e.now
	if f.doubt != nil {
		f.dismiss()
	}
	if f.missing > 0 { // back, and its TXT record is in this packet or to be asked for
		f.i.e.agenda.stop(f.alarm)
		f.missing, f.asked = 0, 0
		f.ask()
	}
	if f.care.alarm == nil || f.care.alarm.index < 0 {
		f.attend()
	}
}

// look asks after f as soon as the pace allows, unless it was heard of meanwhile.
func (f *found) look() {
	e := f.i.e
	silence := e.attended[f.name.fold()]
	_, reachable := f.responder()
	switch {
	case silence == 0 || f.i.left:
	case f.heard.Add(silence).After(e.now):
		f.attend()
	case !reachable || f.care.mute >= muteAfter:
		f.care.alarm = e.agenda.at(e.pace.loudly.slot(e.now), f.askAloud)
	case silence < time.Minute:
		f.care.alarm = e.agenda.at(e.pace.closely.slot(e.now), f.askAlone)
	default:
		f.care.alarm = e.agenda.at(e.pace.seldom.slot(e.now), f.askAlone)
	}
}

// overdue reports whether f is still to be asked after, now that its turn has come.
func (f *found) overdue() bool {
	silence := f.i.e.attended[f.name.fold()]
	if silence > 0 && !f.heard.Add(silence).After(f.i.e.now) {
		return true
	}
	f.attend()
	return false
}

// askAloud asks by multicast, which is what settles a doubt, too. Now and then who did not
// answer alone gets another chance to.
func (f *found) askAloud() {
	if !f.overdue() {
		return
	}
	if f.care.mute++; f.care.mute > muteRounds {
		f.care.mute = muteAfter - 1
	}
	f.i.e.checks.liveness.Add(1)
	if !f.suspect("nothing was heard of it for a while", doubtTime) {
		f.attend()
	}
}

// askAlone asks the machine of f, and nobody else.
func (f *found) askAlone() {
	e := f.i.e
	if !f.overdue() {
		return
	}
	to, ok := f.responder()
	if !ok {
		f.attend() // look finds another way
		return
	}
	e.checks.liveness.Add(1)
	f.i.inquire(to, f.question())
	asked := e.now
	f.care.alarm = e.in(answerTime, func() {
		if !f.heard.Before(asked) {
			f.care.mute = 0
			f.attend()
			return
		}
		f.care.mute++
		if !f.suspect("it did not answer when asked", doubtTime) {
			f.attend()
		}
	})
}

// responder is where f can be asked alone: the neighbour who announced it last. Nothing is
// sent beyond the link, whatever a packet says, nor to ourselves.
func (f *found) responder() (netip.AddrPort, bool) {
	a := f.source().WithZone("")
	ok := a.IsValid() && !a.IsMulticast() && !a.IsUnspecified() && f.i.onLink(a) && !f.i.owns(a) && f.i.link(familyOf(a)) != nil
	return netip.AddrPortFrom(a, Port), ok
}

// question is one that only f answers. SRV and addresses are not asked for before somebody
// wants to talk (LL-4-4).
func (f *found) question() question {
	q := question{name: f.name, typ: typeTXT, class: classIN}
	if !f.known {
		q.typ = typeSRV // there is no TXT record
	}
	return q
}

// inquire asks one neighbour (RFC 6762 section 5.5).
func (i *iface) inquire(to netip.AddrPort, q question) {
	l := i.link(familyOf(to.Addr()))
	l.unicastUntil = i.e.now.Add(unicastWindow)
	q.unicast = true
	for _, p := range packQuestions([]question{q}, func(question) []record { return nil }) {
		l.put(p, to)
	}
}

func familyOf(a netip.Addr) Family {
	if a.Is4() {
		return IPv4
	}
	return IPv6
}
