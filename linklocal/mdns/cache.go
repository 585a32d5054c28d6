package mdns

import (
	"net/netip"
	"slices"
	"time"
)

// An entry is one record heard on an interface.
type entry struct {
	record
	first   netip.Addr // who said it first: it uses that one's share of the cache
	source  netip.Addr // who said it last
	heard   time.Time
	batch   uint64 // the packet it last came in
	expires time.Time
	doubted bool    // under reconfirmation
	fading  bool    // flushed by a newer record of its set
	slack   float64 // 0 to 1, of the packet: spreads refreshing
	refresh int     // questions asked before it expires
	alarm   *alarm
}

func (n *entry) life() time.Duration { return time.Duration(n.ttl) * time.Second }

// left is the rest of its time to live in seconds.
func (n *entry) left(now time.Time) uint32 { return uint32(max(0, n.expires.Sub(now)/time.Second)) }

// A cache holds what one interface's neighbours said, as far as somebody wants to know it.
type cache struct {
	i         *iface
	sets      map[setKey][]*entry
	index     map[recKey]*entry // the same entries, one by one
	perSource map[netip.Addr]int
	instances map[netip.Addr]int       // the PTR records among them
	sharing   [maxPerNeighbour + 1]int // how many sources have so many instances
	octets    int                      // what all of it takes, about
	hosts     map[name]int             // targets of the SRV records inside, whose addresses are of interest
}

func newCache(i *iface) cache {
	return cache{
		i: i, sets: map[setKey][]*entry{}, index: map[recKey]*entry{},
		perSource: map[netip.Addr]int{}, instances: map[netip.Addr]int{}, hosts: map[name]int{},
	}
}

func (c *cache) empty() bool { return len(c.sets) == 0 }

// get lists the valid entries of a set.
func (c *cache) get(n name, typ uint16) []*entry { return c.sets[setKey{n.fold(), typ}] }

// find returns the entry that says the same as r, or nil.
func (c *cache) find(r record) *entry { return c.index[r.key()] }

// put takes a record in, or refreshes it, and flushes its elders (RFC 6762 section 10.2). It
// returns nil when there is no room, which is counted; then its elders stay. PTR records are
// everybody's, and nobody's to flush.
func (c *cache) put(r record, src netip.Addr, batch uint64) *entry {
	now := c.i.e.now
	n := c.find(r)
	if n == nil {
		if n = c.admit(r, src); n == nil {
			c.i.e.cfg.Count("M5")
			return nil
		}
	}
	if r.flush && r.typ != typePTR {
		c.flushElders(r, batch)
	}
	n.ttl, n.name, n.flush = min(r.ttl, ttlMax), r.name, r.flush
	n.heard, n.batch, n.doubted, n.fading, n.refresh = now, batch, false, false, 0
	n.expires = now.Add(n.life())
	n.source, n.slack = src, c.i.slack
	c.schedule(n)
	return n
}

// admit makes an entry if the bounds allow.
func (c *cache) admit(r record, src netip.Addr) *entry {
	key := r.set()
	if !c.hasRoom(r, src) {
		return nil
	}
	n := &entry{record: r, first: src}
	c.sets[key] = append(c.sets[key], n)
	c.index[r.key()] = n
	c.book(n)
	return n
}

// book counts n where it is to be counted.
func (c *cache) book(n *entry) {
	c.perSource[n.first]++
	c.octets += n.octets()
	switch n.typ {
	case typePTR:
		c.instances[n.first]++
		c.sharing[c.instances[n.first]]++
		c.sharing[c.instances[n.first]-1]--
	case typeSRV:
		c.hosts[hostOf(n.target()).fold()]++
	}
}

// unbook takes back what book did.
func (c *cache) unbook(n *entry) {
	release(c.perSource, n.first)
	c.octets -= n.octets()
	switch n.typ {
	case typePTR:
		c.sharing[c.instances[n.first]]--
		c.sharing[c.instances[n.first]-1]++
		release(c.instances, n.first)
	case typeSRV:
		release(c.hosts, hostOf(n.target()).fold())
	}
}

// release counts down, and forgets what is at nought.
func release[K comparable](counts map[K]int, key K) {
	if counts[key]--; counts[key] <= 0 {
		delete(counts, key)
	}
}

// flushElders gives the other records of a unique set one more second, if they were heard
// more than a second ago: they may come in the next packet yet.
func (c *cache) flushElders(r record, batch uint64) {
	now := c.i.e.now
	for _, n := range c.sets[r.set()] {
		if n.batch != batch && now.Sub(n.heard) > flushHold && !n.same(r) {
			n.fading = true
			c.shorten(n, flushHold)
		}
	}
}

// shorten lets n expire after d at the latest.
func (c *cache) shorten(n *entry, d time.Duration) {
	if at := c.i.e.now.Add(d); at.Before(n.expires) {
		n.expires = at
		c.schedule(n)
	}
}

// schedule sets the alarm of n: for its next refresh, or for its end.
func (c *cache) schedule(n *entry) {
	a := &c.i.e.agenda
	a.stop(n.alarm)
	at := n.expires
	if due, ok := c.i.refreshDue(n); ok && due.Before(at) {
		n.alarm = a.at(due, func() { c.i.refresh(n) })
		return
	}
	n.alarm = a.at(at, func() {
		c.remove(n)
		c.i.gone(n)
	})
}

func (c *cache) remove(n *entry) {
	c.i.e.agenda.stop(n.alarm)
	key := n.set()
	set := slices.DeleteFunc(c.sets[key], func(o *entry) bool { return o == n })
	if c.sets[key] = set; len(set) == 0 {
		delete(c.sets, key)
	}
	delete(c.index, n.key())
	c.unbook(n)
}

// known lists what need not be answered to q again: shared records with more than half
// their time left, as of now (RFC 6762 section 7.1).
func (c *cache) known(q question) []record {
	if q.typ != typePTR {
		return nil
	}
	var out []record
	for _, n := range c.get(q.name, q.typ) {
		if c.listed(n) {
			r := n.withTTL(n.left(c.i.e.now))
			r.flush = false // section 10.2: never set here
			out = append(out, r)
		}
	}
	return out
}

// listed reports whether n is good enough to be named as known.
func (c *cache) listed(n *entry) bool {
	return n.typ == typePTR && n.left(c.i.e.now) > n.ttl/2 && !n.doubted && !c.i.doubts(n)
}

// capLifetime lets everything end soon: the interface went.
func (c *cache) capLifetime(d time.Duration) {
	for _, set := range c.sets {
		for _, n := range slices.Clone(set) {
			c.shorten(n, d)
		}
	}
}

// latest lists the entries of a set that came in its newest packet, in packet order: what
// the set says now, while its elders wait for their end.
func (c *cache) latest(n name, typ uint16) []*entry {
	set := c.get(n, typ)
	newest := uint64(0)
	for _, o := range set {
		newest = max(newest, o.batch)
	}
	var out []*entry
	for _, o := range set {
		if o.batch == newest {
			out = append(out, o)
		}
	}
	return out
}
