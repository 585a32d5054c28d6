package mdns

import (
	"net/netip"
	"slices"
)

// octets is what an entry takes in memory, about: what strangers choose, and what we add.
func (n *entry) octets() int { return entryOctets + len(n.name) + len(n.data) }

// hasRoom reports whether one more record of src may come in. A full table of instances
// makes room first, if it can. Instances have a bound of their own, so that nobody is kept
// out by records of others; what somebody waits for comes in anyway; and what belongs to no
// instance that we know must leave most of the room to what does.
func (c *cache) hasRoom(r record, src netip.Addr) bool {
	key := r.set()
	switch {
	case c.perSource[src] >= maxCachePerSource:
		return false
	case r.typ == typePTR:
		return c.instances[src] < maxPerNeighbour && (len(c.sets[key]) < maxInstances || c.makeRoom(key, src))
	case len(c.sets[key]) >= maxSetRecords:
		return false
	case r.flush && len(c.sets[key]) == 1: // in its place, after a second
		return true
	case c.i.e.looksUp(c.i, r.name) || c.i.e.looksUpHost(c.i, r.name):
		return true
	}
	return c.below(c.portion(r))
}

// portion is the part of the cache that r may help to fill: one of so many.
func (c *cache) portion(r record) int {
	if (r.typ == typeTXT || r.typ == typeSRV) && c.i.found[r.name.fold()] == nil {
		return strayPortion
	}
	return 1
}

// below reports whether one part of so many of the cache is not full.
func (c *cache) below(parts int) bool {
	return len(c.sets) < maxCacheSets/parts && c.octets < maxCacheOctets/parts
}

// makeRoom removes the oldest instance of the source that shows the most, for one of src,
// so that nobody fills the table for all others. Between sources that show equally many
// who came first stays: an office of real peers must not push each other out in turn.
func (c *cache) makeRoom(key setKey, src netip.Addr) bool {
	if c.largestShare() <= c.instances[src]+1 {
		return false
	}
	var out *entry
	for _, n := range c.sets[key] {
		if out == nil || c.instances[n.first] > c.instances[out.first] {
			out = n
		}
	}
	if out == nil || c.instances[out.first] <= c.instances[src]+1 {
		return false
	}
	c.i.e.cfg.Count("M5")
	for _, typ := range []uint16{typeTXT, typeSRV} {
		for _, n := range slices.Clone(c.get(out.target(), typ)) {
			c.remove(n)
		}
	}
	c.remove(out)
	c.i.gone(out)
	return true
}

// largestShare is how many instances the source has that shows the most.
func (c *cache) largestShare() int {
	k := len(c.sharing) - 1
	for k > 0 && c.sharing[k] == 0 {
		k--
	}
	return k
}
