package mdns

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// servicesName is where service types are listed (RFC 6763 section 9).
const servicesName = name("\x09_services\x07_dns-sd\x04_udp\x05local\x00")

// service is a Publication's side on the engine's goroutine.
type service struct {
	e     *Engine
	spec  Service
	typ   name // such as _presence._tcp.local
	claim *claim
	label string // current instance
	alias name   // the instance with its dots taken for separators; "" without dots
	content

	want     *content    // what waits for its turn
	updates  []time.Time // of the TXT within txtWindow
	updating *alarm
	state    State
	over     bool
}

// content is what a service says of itself beside where it is: rdata.
type content struct{ txt, null string }

func newService(e *Engine, spec Service) *service {
	s := &service{e: e, spec: spec, label: spec.Instance}
	s.claim = newClaim(e, s)
	return s
}

// start registers and probes.
func (s *service) start() {
	typ, err := typeName(s.spec.Type)
	if err == nil {
		_, err = typ.child(s.label)
	}
	if err != nil {
		s.gaveUp(fmt.Errorf("cannot publish %q of type %q: %w", s.label, s.spec.Type, err))
		return
	}
	if s.e.cfg.Host == "" {
		s.gaveUp(errNoHost)
		return
	}
	if s.e.host.claim.failed {
		s.gaveUp(errConflicts)
		return
	}
	s.typ, s.content = typ, content{s.encode(s.spec.TXT), s.fitting(s.spec.Null)}
	s.e.services = append(s.e.services, s)
	if len(s.e.services) > warnPublished && !s.e.warned {
		s.e.warned = true
		s.e.log.Warn("over 500 published instances; Avahi-based clients do not see them all, publish fewer", "published", len(s.e.services))
	}
	n, _ := typ.child(s.label)
	s.alias = n.split()
	if !s.claim.take(n) {
		s.claim.name = n
		s.claim.next() // another instance of ours has this name (LL-3-12)
		return
	}
	s.tell(Probing, nil)
	for _, i := range s.e.ifaces {
		s.claim.start(i)
	}
}

func (s *service) encode(txt []string) string {
	data, ok := txtData(txt)
	if !ok {
		s.e.log.Warn("TXT string over 255 octets left out", "instance", s.label)
	}
	return data
}

// fitting returns null if it can be sent.
func (s *service) fitting(null string) string {
	if len(null) > MaxNull {
		s.e.log.Warn("NULL record too large for multicast DNS, left out", "instance", s.label, "octets", len(null))
		return ""
	}
	return null
}

func (s *service) unique(i *iface) []record {
	if i.left {
		return nil
	}
	out := []record{
		srvRecord(s.claim.name, s.e.host.claim.name, s.spec.Port),
		txtRecord(s.claim.name, s.txt),
	}
	if s.null != "" {
		out = append(out, nullRecord(s.claim.name, s.null))
	}
	return out
}

// nulls lists the NULL record under every name that it stands under.
func (s *service) nulls() []record {
	if s.null == "" {
		return nil
	}
	out := []record{nullRecord(s.claim.name, s.null)}
	if s.alias != "" {
		out = append(out, nullRecord(s.alias, s.null))
	}
	return out
}

func (s *service) ptr() record { return ptrRecord(s.typ, s.claim.name) }

func (s *service) shared(*iface) []record { return []record{s.ptr()} }
func (s *service) needsHost() bool        { return true }

// yieldsTo reports whether the name is left to who wants to publish those records under it.
func (s *service) yieldsTo(theirs []record) bool {
	return s.spec.Kin == nil || !slices.ContainsFunc(theirs, func(r record) bool { return r.typ == typeTXT && s.spec.Kin(txtStrings(r.data)) })
}

func (s *service) rename(n int) string {
	if s.spec.Rename != nil {
		return s.spec.Rename(n)
	}
	return numbered(s.spec.Instance, n)
}

func (s *service) renamed(label string) {
	s.label, s.alias = label, s.claim.name.split()
	s.tell(Renamed, nil)
}

// owned reports Announced when the last joined interface got its first announcement.
func (s *service) owned(*iface) {
	s.updated()
	for _, i := range s.e.ifaces {
		if h := s.claim.on[i]; h != nil && h.phase != owned {
			return
		}
	}
	if s.state != Announced {
		s.tell(Announced, nil)
	}
}

func (s *service) gaveUp(err error) {
	s.end(Failed, err)
	s.e.log.Error("instance not published", "instance", s.label, "err", err)
}

// end takes s out of the engine.
func (s *service) end(st State, err error) {
	s.over = true
	s.e.agenda.stop(s.updating)
	s.claim.release()
	s.e.services = slices.DeleteFunc(s.e.services, func(o *service) bool { return o == s })
	s.tell(st, err)
}

func (s *service) tell(st State, err error) {
	s.state = st
	if s.spec.Notify != nil {
		s.spec.Notify(Status{State: st, Instance: s.label, Err: err})
	}
}

// latest is what s says, or will as soon as the update rate allows.
func (s *service) latest() content {
	if s.want != nil {
		return *s.want
	}
	return s.content
}

// set takes new content now or as soon as the update rate allows.
func (s *service) set(c content) {
	if s.over {
		return
	}
	s.want = &c
	s.update()
}

// update announces the wanted content if its time has come, else sets an alarm for it.
func (s *service) update() {
	if s.want == nil || s.over {
		return
	}
	if *s.want == s.content {
		s.want = nil
		return
	}
	if at := s.nextUpdate(); at.After(s.e.now) {
		if s.updating == nil || s.updating.index < 0 {
			s.updating = s.e.agenda.at(at, s.update)
		}
		return
	}
	old := s.nulls()
	s.claim.remember(append([]record{txtRecord(s.claim.name, s.txt)}, old...))
	s.content, s.want = *s.want, nil
	told := false
	for i, h := range s.claim.on {
		if h.phase == owned {
			s.replaceNull(i, old)
			s.announceTXT(i, h, 0)
			told = true
		}
	}
	if told {
		s.updated()
	}
}

// replaceNull says the NULL record where it is another than old: without waiting for
// anybody to ask, since a cache may hold old for more than an hour.
func (s *service) replaceNull(i *iface, old []record) {
	if slices.Equal(s.nulls(), old) {
		return
	}
	for _, l := range i.links {
		for _, r := range old {
			delete(l.sent, r.key()) // which holds the data
		}
	}
	i.say(s.nulls()...)
	if s.null == "" {
		i.say(withdrawn(old)...)
	}
}

// announceTXT says the TXT record alone, and once more (RFC 6762 section 8.4). Where a whole
// announcement is still to be repeated, the repetition is whole too.
func (s *service) announceTXT(i *iface, h *holding, told int) {
	i.say(txtRecord(s.claim.name, s.txt))
	if h.repeat != nil && h.repeat.index >= 0 {
		s.claim.repeat(i, h, told+1, func() { s.claim.announce(i, h, told+1) })
		return
	}
	s.claim.repeat(i, h, told+1, func() { s.announceTXT(i, h, told+1) })
}

// updated books an announcement of the TXT.
func (s *service) updated() {
	now := s.e.now
	if k := len(s.updates); k > 0 && s.updates[k-1].Equal(now) {
		return // several interfaces at once
	}
	s.updates = slices.DeleteFunc(s.updates, func(t time.Time) bool { return now.Sub(t) >= txtWindow })
	s.updates = append(s.updates, now)
}

// nextUpdate is when the TXT may change again: 2 s after the last change, and never more
// than ten changes in a minute (LL-5-3).
func (s *service) nextUpdate() time.Time {
	k := len(s.updates)
	if k == 0 {
		return s.e.now
	}
	at := s.updates[k-1].Add(txtGap)
	if k >= txtPerWindow {
		if full := s.updates[k-txtPerWindow].Add(txtWindow); full.After(at) {
			at = full
		}
	}
	return at
}

// withdraw says goodbye and ends the publication.
func (s *service) withdraw() {
	if s.over {
		return
	}
	s.goodbye()
	if s.typ != "" {
		s.e.giveUp(s.claim.name)
	}
	s.end(Withdrawn, nil)
}

// goodbye withdraws PTR, SRV, TXT and NULL wherever they were announced (RFC 6762 section
// 10.1).
func (s *service) goodbye() {
	for i := range s.claim.on {
		if !s.claim.owns(i) {
			continue
		}
		i.say(s.ptr().withTTL(0))
		i.say(withdrawn(s.claim.brief(i))...)
		i.say(withdrawn(s.nulls())...)
	}
}

// withdrawn lists the goodbyes of records.
func withdrawn(rs []record) []record {
	out := make([]record, len(rs))
	for k, r := range rs {
		out[k] = r.withTTL(0)
	}
	return out
}

// Retract says goodbye for the PTR of an instance that a former life of this process may
// have left behind in the caches of others. While the instance is published now it does
// nothing. Before an interface is joined the goodbye waits for the first.
func (e *Engine) Retract(serviceType, instance string) {
	e.post(func() {
		typ, err := typeName(serviceType)
		if err != nil {
			return
		}
		n, err := typ.child(instance)
		if err != nil || e.claims[n.fold()] != nil {
			return
		}
		e.giveUp(n)
		bye := ptrRecord(typ, n).withTTL(0)
		told := false
		for _, i := range e.ifaces {
			if !i.left {
				i.say(bye)
				told = true
			}
		}
		if !told {
			e.retract = append(e.retract, bye)
		}
	})
}

// giveUp keeps an own name from being seen as a peer's while its reflections may come.
func (e *Engine) giveUp(n name) {
	e.former[n.fold()] = e.now.Add(ownHold)
	e.lookBy(e.now.Add(reconcileEvery))
}

// forgetFormer ends the time in which own names given up are not seen as peers. When one
// was seen meanwhile, somebody else may have it now: ask again.
func (e *Engine) forgetFormer() {
	maps.DeleteFunc(e.former, func(_ name, until time.Time) bool { return until.Before(e.now) })
	if e.ignored && len(e.former) == 0 {
		e.ignored = false
		for _, i := range e.ifaces {
			for _, b := range e.browsers {
				i.ask(b.question())
			}
		}
	}
}
