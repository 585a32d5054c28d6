package mdns

import (
	"net/netip"
	"slices"
)

// hasRoom reports whether one more record of src may come in. A full table of instances
// makes room first, if it can.
func (c *cache) hasRoom(r record, src netip.Addr) bool {
	key := r.set()
	switch {
	case c.perSource[src] >= maxCachePerSource:
		return false
	case c.sets[key] == nil && len(c.sets) >= maxCacheSets:
		return false
	case r.typ == typePTR:
		return c.instances[src] < maxPerNeighbour && (len(c.sets[key]) < maxInstances || c.makeRoom(key, src))
	}
	return len(c.sets[key]) < maxSetRecords
}

// makeRoom removes the oldest instance of the source that shows the most, for one of src,
// so that nobody fills the table for all others. Between sources that show equally many
// who came first stays: an office of real peers must not push each other out in turn.
func (c *cache) makeRoom(key setKey, src netip.Addr) bool {
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
