package mdns

import (
	"slices"
	"time"
)

// An iface is one configured interface that is joined, or was and still has records that
// age out. What a turn wants to say on it is collected here and packed by flush.
type iface struct {
	Interface
	e     *Engine
	links []*link // one per family; empty once left
	left  bool
	ears  *ears

	retryAt time.Time // when a failing family may be tried again
	retries int

	cache  cache
	found  map[name]*found       // browsed instances, by folded name
	behold []name                // instances touched by the packet in work
	heard  map[setKey]*overheard // questions of others
	slack  float64               // 0 to 1, of this packet: spreads refreshing (RFC 6762 section 5.2)

	probeAt   time.Time // when the next batch of probes starts
	askAt     time.Time // when the next batch of TXT questions goes
	askRoom   int       // octets left in its packet
	probes    []*claim
	records   []record // announcements and goodbyes
	questions []question
	asked     map[setKey]int // where each of them is
}

func newIface(e *Engine, at Interface) *iface {
	i := &iface{Interface: at, e: e, found: map[name]*found{}, heard: map[setKey]*overheard{}, ears: &ears{at: at, joined: e.now}}
	i.cache = newCache(i)
	return i
}

// reconcile makes joined and existing interfaces agree, and sets its own next alarm.
func (e *Engine) reconcile() {
	e.looked = e.now
	defer func() { e.lookAgain(e.now.Add(e.patience())) }()
	all, err := e.network.Interfaces()
	if err != nil {
		e.log.Warn("cannot list interfaces", "err", err)
		return
	}
	changed := false
	for _, i := range slices.Clone(e.ifaces) {
		k := slices.IndexFunc(all, func(n Interface) bool { return n.Index == i.Index && n.Name == i.Name })
		switch {
		case i.left:
			i.forgetIfEmpty()
		case k < 0 || len(all[k].families()) == 0:
			i.leave()
			changed = true
		case !i.equal(all[k]), i.broken():
			i.readdress(all[k])
			changed = true
		}
	}
	for _, n := range all {
		if slices.Contains(e.cfg.Interfaces, n.Name) && len(n.families()) > 0 && !e.joined(n.Index) {
			e.join(n)
			changed = true
		}
	}
	if changed {
		e.note()
	}
	e.forgetFormer()
}

func (e *Engine) joined(index int) bool {
	return slices.ContainsFunc(e.ifaces, func(i *iface) bool { return i.Index == index && !i.left })
}

// iface returns the joined interface with that index, or nil.
func (e *Engine) iface(index int) *iface {
	for _, i := range e.ifaces {
		if i.Index == index && !i.left {
			return i
		}
	}
	return nil
}

// join starts on an interface that came up: probe, announce, browse (LL-3-27).
func (e *Engine) join(at Interface) {
	k := slices.IndexFunc(e.ifaces, func(i *iface) bool { return i.Index == at.Index && i.Name == at.Name })
	var i *iface
	if k >= 0 {
		i = e.ifaces[k]
		i.Interface, i.left = at, false
		i.ears = &ears{at: at, joined: e.now}
	} else {
		i = newIface(e, at)
		e.ifaces = append(e.ifaces, i)
	}
	i.openLinks()
	e.log.Info("interface joined", "if", i.Name)
	i.startAll()
	i.records = append(i.records, e.retract...)
	e.retract = nil
}

// openLinks joins the groups of the families that i has and the sockets offer.
func (i *iface) openLinks() {
	for _, f := range i.families() {
		if i.link(f) != nil || !slices.Contains(i.e.conn.Families(), f) {
			continue
		}
		if err := i.e.conn.Join(i.Interface, f); err != nil {
			i.e.log.Warn("cannot join multicast group, trying again later", "if", i.Name, "family", int(f), "err", err)
			continue
		}
		i.links = append(i.links, newLink(i, f))
	}
}

func (i *iface) link(f Family) *link {
	for _, l := range i.links {
		if l.family == f {
			return l
		}
	}
	return nil
}

// broken reports that a family is to be tried again.
func (i *iface) broken() bool {
	return !i.e.now.Before(i.retryAt) && i.unsound()
}

// unsound reports a family that could not be joined or not be sent on.
func (i *iface) unsound() bool {
	return !i.left && slices.ContainsFunc(i.families(), func(f Family) bool {
		l := i.link(f)
		return slices.Contains(i.e.conn.Families(), f) && (l == nil || l.failed)
	})
}

// readdress takes new addresses: A and AAAA are announced anew without probing (RFC 6762
// section 8.4). A family that comes, or could not send before, hears everything once more;
// on an interface that could say nothing at all the names are probed.
func (i *iface) readdress(at Interface) {
	moved := !i.equal(at)
	i.Interface = at
	healthy, before := 0, len(i.links)
	again := false
	for _, l := range slices.Clone(i.links) {
		switch {
		case !slices.Contains(at.families(), l.family):
			i.dropLink(l)
			before--
		case l.failed:
			again = l.knock() || again
		default:
			healthy++
		}
	}
	i.openLinks()
	again = again || len(i.links) > before
	i.backOff()
	switch {
	case again && healthy == 0:
		i.startAll()
	case again:
		for _, c := range i.e.allClaims() {
			c.reannounce(i)
		}
		i.browseAnew()
	case moved:
		i.e.host.claim.reannounce(i)
	}
}

// backOff spaces the attempts to repair a family that keeps failing.
func (i *iface) backOff() {
	if !i.broken() {
		i.retries = 0
		return
	}
	i.retryAt = i.e.now.Add(reconcileEvery << min(i.retries, 6))
	i.retries++
}

// startAll begins everything on an interface that just came.
func (i *iface) startAll() {
	for _, c := range i.e.allClaims() {
		c.start(i)
	}
	i.browseAnew()
}

func (i *iface) browseAnew() {
	for _, b := range i.e.browsers {
		b.start(i)
	}
}

func (i *iface) dropLink(l *link) {
	l.quiet()
	// The interface may be gone already; then there is nothing to leave.
	_ = i.e.conn.Leave(i.Interface, l.family)
	i.links = slices.DeleteFunc(i.links, func(o *link) bool { return o == l })
}

// leave gives an interface up quietly; its peers age out of it alone (LL-3-27).
func (i *iface) leave() {
	for _, l := range slices.Clone(i.links) {
		i.dropLink(l)
	}
	i.quiet()
	i.left = true
	i.e.log.Info("interface left", "if", i.Name)
	for _, c := range i.e.allClaims() {
		c.stop(i)
	}
	for _, b := range i.e.browsers {
		b.stop(i)
	}
	i.cache.capLifetime(leaveHold)
	i.e.failLookups(i)
	i.e.failFetches(i)
	i.forgetIfEmpty()
	i.e.in(announceGap, i.disown)
}

// disown announces our addresses on the other interfaces once more if i is still gone: where
// two lead to one link, the address of the one that went ends there, instead of misleading
// people for two minutes (RFC 6762 section 10.2).
func (i *iface) disown() {
	if slices.ContainsFunc(i.e.ifaces, func(o *iface) bool { return o.Name == i.Name && !o.left }) {
		return
	}
	for _, o := range i.e.ifaces {
		if !o.left && i.e.host.claim.owns(o) {
			i.e.host.claim.reannounce(o)
		}
	}
}

func (i *iface) forgetIfEmpty() {
	if i.left && i.cache.empty() {
		i.e.ifaces = slices.DeleteFunc(i.e.ifaces, func(o *iface) bool { return o == i })
	}
}

// quiet forgets what waits to be said.
func (i *iface) quiet() {
	i.probes, i.records, i.questions, i.asked = nil, nil, nil, nil
	for _, l := range i.links {
		l.quiet()
	}
}

// sending reports whether packets still wait to leave.
func (i *iface) sending() bool {
	return slices.ContainsFunc(i.links, func(l *link) bool { return len(l.queue) > 0 })
}

// departure is when what is said now will have left on the slowest link.
func (i *iface) departure() time.Time {
	at := i.e.now
	for _, l := range i.links {
		if d := l.departure(); d.After(at) {
			at = d
		}
	}
	return at
}

// ask puts a question into this turn's batch, once.
func (i *iface) ask(q question) {
	key := q.set()
	if k, again := i.asked[key]; again {
		o := &i.questions[k]
		o.unicast, o.routine = o.unicast || q.unicast, o.routine && q.routine
		return
	}
	if i.asked == nil {
		i.asked = map[setKey]int{}
	}
	i.asked[key] = len(i.questions)
	i.questions = append(i.questions, q)
}

// say puts records to be multicast into this turn's batch. Of two equal ones the later
// stays, so that a goodbye and an announcement replace each other.
func (i *iface) say(rs ...record) { i.records = append(i.records, rs...) }

// takeRecords empties the batch: without repetitions, addresses late, where the packets
// that need them as a hint have their place for them anyway, and at the very end the goodbyes
// that fill a packet each and that nobody waits for.
func (i *iface) takeRecords() []record {
	latest := make(map[recKey]int, len(i.records))
	for k, r := range i.records {
		latest[r.key()] = k
	}
	var first, last, bulk []record
	for k, r := range i.records {
		switch {
		case latest[r.key()] != k:
		case r.typ == typeA || r.typ == typeAAAA:
			last = append(last, r)
		case r.typ == typeNULL && r.ttl == 0:
			bulk = append(bulk, r)
		default:
			first = append(first, r)
		}
	}
	i.records = nil
	return slices.Concat(first, last, bulk)
}

// flush packs what the turn collected and hands it to every link.
func (i *iface) flush() {
	if len(i.probes) > 0 {
		packets := packProbes(i, i.probes)
		for _, l := range i.links {
			for _, p := range packets {
				l.send(p)
			}
		}
		i.probes = nil
	}
	if len(i.questions) > 0 {
		i.sendQuestions()
	}
	if len(i.records) > 0 {
		i.sendRecords()
	}
}

// sendRecords sends what was said on every link, as far as its time has come there.
func (i *iface) sendRecords() {
	rs := i.takeRecords()
	all := packGroups(plain(rs))
	for _, l := range i.links {
		if now := l.timely(rs); len(now) < len(rs) {
			l.respond(packGroups(plain(now)))
		} else {
			l.respond(all)
		}
	}
}

// sendQuestions sends the questions at once, as many as one packet takes: the gap between
// two of a kind must not shrink because the first had to wait (RFC 6762 section 5.2). The
// rest follows paced. So do known answers that did not fit beside their question, as many
// as may wait: with thousands of peers they fill dozens of packets, and a peer that misses
// itself there only answers once more.
func (i *iface) sendQuestions() {
	unicast := slices.ContainsFunc(i.questions, func(q question) bool { return q.unicast })
	all := packQuestions(i.questions, i.cache.known)
	for _, l := range i.links {
		if unicast {
			l.unicastUntil = i.e.now.Add(unicastWindow)
		}
		if open := l.open(i.questions); len(open) < len(i.questions) {
			l.question(packQuestions(open, i.cache.known))
		} else {
			l.question(all)
		}
	}
	i.questions, i.asked = nil, nil
}

// question multicasts queries and the known answers that continue them.
func (l *link) question(packets [][]byte) {
	for k, p := range packets {
		switch {
		case k == 0:
			l.transmit(p)
		case asks(p) || len(l.queue) < maxWaiting:
			l.send(p)
		}
	}
}
