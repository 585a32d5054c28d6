package mdns

import "slices"

// checkConflicts looks in a response for others who speak for our names (RFC 6762 section 9).
func (e *Engine) checkConflicts(a *arrival) {
	for _, rs := range [][]record{a.answers, a.additional} {
		for _, r := range rs {
			e.checkShared(a, r)
			if c := e.claims[r.name.fold()]; c != nil && r.class == classIN {
				e.checkConflict(c, a, r)
			}
		}
	}
}

// checkConflict judges one record that bears the name of c. Equal records are no conflict,
// wherever they come from (RFC 6762 sections 6.6 and 14): only different rdata is.
func (e *Engine) checkConflict(c *claim, a *arrival, r record) {
	h := c.on[a.i]
	switch {
	case h == nil || r.typ == typeNSEC || c.wasOurs(r):
	case c.isOurs(r):
		e.noteTwin(c, a, r)
		e.rescue(a, c, r)
	case r.ttl == 0, h.phase == waiting: // the probe to come will tell
	case h.phase != owned, a.i.has(c, r.typ):
		c.conflict(a.i)
	}
}

// has reports whether we publish records of that type under the name of c.
func (i *iface) has(c *claim, typ uint16) bool {
	return slices.ContainsFunc(c.unique(i), func(r record) bool { return r.typ == typ })
}

// checkShared rescues a PTR of ours that somebody withdraws.
func (e *Engine) checkShared(a *arrival, r record) {
	if r.typ != typePTR {
		return
	}
	c := e.claims[r.target().fold()]
	if c != nil && c.owns(a.i) && slices.ContainsFunc(c.is.shared(a.i), r.same) {
		e.rescue(a, c, r)
	}
}

// noteTwin notices another responder on this machine that announces our addresses: a packet
// from an address of ours that is not our own come back.
func (e *Engine) noteTwin(c *claim, a *arrival, r record) {
	if c == e.host.claim && r.ttl > 0 && a.i.owns(a.src) {
		e.host.shares = true
	}
}

// rescue announces a record of c again when somebody gave it less than half our time to
// live (RFC 6762 section 6.6), as soon as the rate allows.
func (e *Engine) rescue(a *arrival, c *claim, r record) {
	if !c.owns(a.i) {
		return
	}
	for _, own := range slices.Concat(c.is.shared(a.i), c.unique(a.i)) {
		if own.same(r) && r.ttl < own.ttl/2 {
			a.l.later(&reply{asked: e.now, answers: []answer{{record: own}}}, e.now)
		}
	}
}

// checkProbe settles who has a name that another probes for. RFC 6762 would have us defend
// what is ours; but a client that finds its name taken may stay silent for good, as libpurple
// does, and we have names to spare. So what we hold is theirs, unless they are of our kind;
// what we have not asked for yet can wait until they have it; and when both are asking
// section 8.2 decides, because one of two has to go first.
func (e *Engine) checkProbe(a *arrival) {
	for _, c := range e.probed(a) {
		h, theirs := c.on[a.i], a.proposed(c)
		switch {
		case h == nil || !slices.ContainsFunc(theirs, func(r record) bool { return !c.isOurs(r) && !c.wasOurs(r) }):
			// not here, or our own probe come in by another way
		case h.phase == owned || h.phase == ready:
			if c.is.yieldsTo(theirs) {
				c.cede(a.i)
			}
		case h.probes == 0 || !bears(theirs, c.name) || compareSets(c.brief(a.i), theirs) < 0:
			c.tieLost(a.i)
		}
	}
}

// bears reports whether any of rs has that name.
func bears(rs []record, n name) bool {
	return slices.ContainsFunc(rs, func(r record) bool { return r.name.fold() == n.fold() })
}

// claimOf is the claim of ours that a record in a probe is about: by its name or, as a
// probe of python3-zeroconf has it, as the target of a PTR. No probe of ours has a PTR.
func (e *Engine) claimOf(r record) *claim {
	if t := r.target(); r.typ == typePTR && t != "" && t.parent().fold() == r.name.fold() {
		return e.claims[t.fold()]
	}
	return e.claims[r.name.fold()]
}

// probed lists the claims of ours that a probe is about, each once.
func (e *Engine) probed(a *arrival) []*claim {
	var out []*claim
	for _, r := range a.authority {
		if c := e.claimOf(r); c != nil && !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
}

// proposed is what the sender of a probe wants to publish of the name of c. A PTR alone says
// nothing of it that could be compared, and so wins.
func (a *arrival) proposed(c *claim) []record {
	var out []record
	for _, r := range a.authority {
		if a.i.e.claimOf(r) == c {
			out = append(out, r)
		}
	}
	return out
}
