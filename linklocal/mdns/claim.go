package mdns

import (
	"errors"
	"slices"
	"time"
)

// phase is how far a claim is on one interface.
type phase int

const (
	waiting phase = iota // jitter, or the pause after a lost tie
	probing              // probes are going out
	ready                // the name is free, but the host's is not ours yet
	owned                // announced, and answered for
)

// A claim is a name that must be ours alone: the host's, or an instance's. It walks, on
// each interface, through the phases of RFC 6762 section 8:
//
//	waiting --0..250 ms--> probing --3 x 250 ms--> (ready) --> owned
//	   ^                     |  |                                |
//	   +--- 1 s, tie lost ---+  +-- conflict: next name          |
//	   +------------- conflict: probe again, after a second -----+
//
// From ready and owned a probe of another host, to whom it yields, leads to the next name
// at once.
type claim struct {
	e    *Engine
	name name
	is   claimant

	on        map[*iface]*holding
	past      map[recKey]time.Time // own records until recently, reflections of which are no conflict
	conflicts []time.Time          // within conflictWindow
	trouble   time.Time            // when the present quarrel began; zero: none
	names     int                  // names given up so far
	failed    bool
}

// A claimant is what stands behind a claim.
type claimant interface {
	unique(i *iface) []record // what only we may say about the name
	shared(i *iface) []record // what others may say too: the PTR
	needsHost() bool          // announce only once the host name is ours
	yieldsTo([]record) bool   // leave the name to who wants to publish that under it
	rename(n int) string      // the n-th other first label
	renamed(label string)     // it has been taken
	owned(i *iface)           // first announcement on i is on its way
	gaveUp(err error)
}

// A holding is one claim on one interface.
type holding struct {
	phase  phase
	probes int
	alarm  *alarm
	repeat *alarm
}

var errConflicts = errors.New("mdns: every name tried was taken for a minute; look for another responder that answers to all names, then restart")

func newClaim(e *Engine, is claimant) *claim {
	return &claim{e: e, is: is, on: map[*iface]*holding{}, past: map[recKey]time.Time{}}
}

func (c *claim) unique(i *iface) []record { return c.is.unique(i) }

// brief is unique without the data in NULL records, which nobody wants unasked: what probes
// propose, announcements say and answers add.
func (c *claim) brief(i *iface) []record {
	return slices.DeleteFunc(c.unique(i), func(r record) bool { return r.typ == typeNULL })
}

// allClaims lists the host's claim and those of the published services.
func (e *Engine) allClaims() []*claim {
	out := []*claim{e.host.claim}
	for _, s := range e.services {
		out = append(out, s.claim)
	}
	return out
}

// take registers c under a new name; false when another claim of ours has it.
func (c *claim) take(n name) bool {
	if o := c.e.claims[n.fold()]; o != nil && o != c {
		return false
	}
	c.giveBack()
	c.name = n
	c.e.claims[n.fold()] = c
	return true
}

// release gives the name back and stops everywhere.
func (c *claim) release() {
	for i := range c.on {
		c.stop(i)
	}
	c.giveBack()
}

func (c *claim) giveBack() {
	if c.e.claims[c.name.fold()] == c {
		delete(c.e.claims, c.name.fold())
	}
}

// start probes on i from the beginning, together with all that starts in these 250 ms.
func (c *claim) start(i *iface) {
	if !i.probeAt.After(c.e.now) {
		i.probeAt = c.e.now.Add(between(0, probeJitterMax))
	}
	c.startAt(i, i.probeAt)
}

func (c *claim) startAt(i *iface, at time.Time) {
	if c.failed || i.left || c.e.claims[c.name.fold()] != c {
		return
	}
	h := c.stop(i)
	h.alarm = c.e.agenda.at(at, func() { c.probe(i, h) })
	c.on[i] = h
}

// stop forgets what c was doing on i and returns a fresh holding, not yet in force.
func (c *claim) stop(i *iface) *holding {
	if h := c.on[i]; h != nil {
		c.e.agenda.stop(h.alarm)
		c.e.agenda.stop(h.repeat)
		delete(c.on, i)
	}
	return &holding{}
}

// probe sends the next probe, or takes possession after the last (RFC 6762 section 8.1).
func (c *claim) probe(i *iface, h *holding) {
	if len(c.unique(i)) == 0 {
		return // no address on this interface: nothing to own yet
	}
	if h.probes == probeCount {
		c.win(i, h)
		return
	}
	h.phase = probing
	h.probes++
	i.probes = append(i.probes, c)
	h.alarm = c.e.in(probeGap, func() { c.probe(i, h) })
}

// win takes possession of the name on i.
func (c *claim) win(i *iface, h *holding) {
	if c.is.needsHost() && !c.e.host.claim.owns(i) {
		h.phase = ready
		return
	}
	h.phase = owned
	c.announce(i, h, 0)
	c.is.owned(i)
}

func (c *claim) owns(i *iface) bool {
	h := c.on[i]
	return h != nil && h.phase == owned
}

// announce says everything about the name, and once more a second later (RFC 6762 section
// 8.3). told counts what has been said already.
func (c *claim) announce(i *iface, h *holding, told int) {
	i.say(c.is.shared(i)...)
	i.say(c.brief(i)...)
	c.repeat(i, h, told+1, func() { c.announce(i, h, told+1) })
}

// repeat sets the alarm for the next of announceCount announcements.
func (c *claim) repeat(i *iface, h *holding, told int, again func()) {
	c.e.agenda.stop(h.repeat)
	h.repeat = nil
	if told < announceCount {
		h.repeat = c.e.agenda.at(i.departure().Add(announceGap), again)
	}
}

// reannounce says everything anew where the name is ours, and starts where it never got to
// (an interface had no address before).
func (c *claim) reannounce(i *iface) {
	switch h := c.on[i]; {
	case h == nil || h.alarm != nil && h.alarm.index < 0 && h.phase < ready:
		c.start(i)
	case h.phase == owned:
		c.announce(i, h, 0)
	}
}

// conflict handles another host's claim to our name on i (RFC 6762 section 9): while we
// probe, the name is lost; once it was ours, probing again shows who keeps it.
func (c *claim) conflict(i *iface) {
	h := c.on[i]
	if h == nil || c.failed {
		return
	}
	if c.quarrel() {
		c.giveUp(errConflicts)
		return
	}
	c.e.log.Info("name conflict", "if", i.Name, "name", c.name.hostText())
	if h.phase == owned {
		c.startAt(i, c.e.now.Add(max(c.pause(), yieldWait+between(0, probeJitterMax))))
		return
	}
	c.next()
}

// cede leaves a name that is ours on i to another host that probes for it.
func (c *claim) cede(i *iface) {
	if c.quarrel() {
		c.giveUp(errConflicts)
		return
	}
	c.e.log.Info("name left to another host that wants it", "if", i.Name, "name", c.name.hostText())
	c.next()
}

// tieLost waits for the winner of a simultaneous probe to announce (RFC 6762 section 8.2).
func (c *claim) tieLost(i *iface) {
	if c.quarrel() {
		c.giveUp(errConflicts)
		return
	}
	c.startAt(i, c.e.now.Add(max(c.pause(), tieWait)))
}

// quarrel books a conflict and reports whether it has gone on for too long.
func (c *claim) quarrel() bool {
	now := c.e.now
	if k := len(c.conflicts); c.trouble.IsZero() || k > 0 && now.Sub(c.conflicts[k-1]) > calmAfter {
		c.trouble, c.conflicts = now, nil
	}
	c.conflicts = append(c.conflicts, now)
	if len(c.conflicts) > conflictLimit {
		c.conflicts = c.conflicts[1:]
	}
	return now.Sub(c.trouble) >= conflictGiveUp
}

// pause is how long to stay quiet before the next attempt (RFC 6762 section 8.1).
func (c *claim) pause() time.Duration {
	if len(c.conflicts) >= conflictLimit && c.e.now.Sub(c.conflicts[0]) <= conflictWindow {
		return conflictWait
	}
	return 0
}

// next takes another name and probes for it on all interfaces. What was said under the old
// one where that was still ours is taken back, as far as it is not for the new holder to say.
func (c *claim) next() {
	for i := range c.on {
		if c.owns(i) {
			i.say(withdrawn(c.is.shared(i))...)
		}
	}
	for {
		c.names++
		label := c.is.rename(c.names)
		n, err := c.name.parent().child(label)
		if err != nil {
			c.giveUp(err)
			return
		}
		if c.e.claims[n.fold()] != nil && c.names < 1000 {
			continue // ours already, under another heading
		}
		if !c.take(n) {
			c.giveUp(errConflicts)
			return
		}
		c.is.renamed(label)
		break
	}
	at := c.e.now.Add(max(c.pause(), between(0, probeJitterMax)))
	for _, i := range c.e.ifaces {
		c.startAt(i, at)
	}
	c.e.note()
}

func (c *claim) giveUp(err error) {
	c.failed = true
	c.release()
	c.is.gaveUp(err)
}

// remember keeps records that are about to change for as long as reflections may come.
func (c *claim) remember(rs []record) {
	for key, until := range c.past {
		if until.Before(c.e.now) {
			delete(c.past, key)
		}
	}
	for _, r := range rs {
		c.past[r.key()] = c.e.now.Add(pastHold)
	}
}

// wasOurs reports whether r was ours until recently.
func (c *claim) wasOurs(r record) bool {
	until, ok := c.past[r.key()]
	return ok && !until.Before(c.e.now)
}

// isOurs reports whether r is one of the unique records that we publish, on whatever
// interface: two of them may be one link (LL-3-30).
func (c *claim) isOurs(r record) bool {
	return slices.ContainsFunc(c.e.ifaces, func(i *iface) bool {
		return slices.ContainsFunc(c.unique(i), r.same)
	})
}
