package mdns

import "time"

// What is worth knowing is asked for again before it lapses: at 80, 85, 90 and 95 % of its
// life plus up to 2 % (RFC 6762 section 5.2). Of these, one half is drawn for each packet
// heard, so that what came together is spread, and the other is there to bring what is due
// about the same time to one moment, so that it shares its packets.

const (
	refreshSteps = 4
	refreshFirst = 0.80
	refreshStep  = 0.05
	refreshSlack = 0.01        // of each half
	refreshTick  = time.Second // the moments are so far apart at most
)

// refreshed reports whether n is kept fresh: the PTR and TXT of browsed instances are
// (LL-4-4).
func (i *iface) refreshed(n *entry) bool {
	return n.refresh < refreshSteps && !n.doubted && !i.left && i.found[i.instanceOf(n)] != nil
}

// ripe is the earliest time for the next question for n.
func (n *entry) ripe() time.Time {
	part := refreshFirst + refreshStep*float64(n.refresh)
	return n.heard.Add(time.Duration(part * float64(n.life())))
}

// refreshDue is when n should be asked for again so as not to lapse.
func (i *iface) refreshDue(n *entry) (time.Time, bool) {
	if !i.refreshed(n) {
		return time.Time{}, false
	}
	half := refreshSlack * float64(n.life())
	tick := min(refreshTick, time.Duration(half))
	due := n.ripe().Add(time.Duration(half * n.slack)).Sub(i.ears.joined)
	if over := due % tick; over > 0 {
		due += tick - over
	}
	at := i.ears.joined.Add(due)
	return at, !at.After(n.expires)
}

// refresh asks for n again. Everybody who has a record of the set answers, unless it is
// fresh enough to be listed as known: so this was the question for all whose turn it is
// about now.
func (i *iface) refresh(n *entry) {
	i.askRoutinely(question{name: n.name, typ: n.typ, class: classIN})
	for _, o := range i.cache.sets[n.set()] {
		about := i.e.now.Add(time.Duration(2 * refreshSlack * float64(o.life())))
		if o == n || i.refreshed(o) && !o.ripe().After(about) {
			o.refresh++
			i.cache.schedule(o)
		}
	}
}
