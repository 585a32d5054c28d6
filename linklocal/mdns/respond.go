package mdns

import (
	"net/netip"
	"slices"
	"sort"
	"time"
)

// An answer is one own record that answers a question.
type answer struct {
	record
	isShared bool     // others may answer too, so wait a little
	extra    []record // what the asker will want to know next
}

// A reply is a set of answers that waits for its time on one link.
type reply struct {
	asked   time.Time      // when the question came
	src     netip.AddrPort // who asked
	answers []answer
	defend  bool // against a probe
	partial bool // the asker announced more known answers (TC)
	alarm   *alarm
}

// answer replies to a query, or takes further known answers of one that came before.
func (e *Engine) answer(a *arrival) {
	if len(a.questions) == 0 {
		a.l.knowMore(a)
		return
	}
	if a.packet.Src.Port() != Port {
		e.answerLegacy(a)
		return
	}
	multi := &reply{asked: e.now, src: a.packet.Src, defend: len(a.authority) > 0, partial: a.truncated}
	uni, rest := e.sortAnswers(a, multi.defend)
	if !few(groupsOf(uni)) {
		uni, rest = nil, append(rest, uni...)
	}
	multi.answers = rest
	a.l.unicast(a.packet.Src, uni)
	a.l.later(multi, e.now.Add(multi.delay()))
}

// sortAnswers lists what a asks for and does not know, each record once: what the asker
// alone may be told, and what is for everybody. Who asks us alone is answered like one who
// welcomes a unicast answer (RFC 6762 section 5.5).
func (e *Engine) sortAnswers(a *arrival, defend bool) (uni, multi []answer) {
	listed := map[recKey]bool{}
	for _, q := range a.distinct() {
		for _, ans := range e.answersTo(a.i, q) {
			key := ans.key()
			switch {
			case listed[key] || a.knows(ans.record):
			case (q.unicast || !a.packet.Multicast()) && !defend && a.onLink() && a.l.recently(ans.record):
				uni = append(uni, ans)
			default:
				multi = append(multi, ans)
			}
			listed[key] = true
		}
	}
	return uni, multi
}

// delay spreads the answers of many responders (RFC 6762 sections 6 and 7.2). What is ours
// alone goes at once.
func (r *reply) delay() time.Duration {
	switch {
	case r.partial:
		return between(truncDelayMin, truncDelayMax)
	case r.defend || !slices.ContainsFunc(r.answers, func(ans answer) bool { return ans.isShared }):
		return 0
	}
	return between(sharedDelayMin, sharedDelayMax)
}

// answersTo lists our answers to q on i, of names that are ours by now.
func (e *Engine) answersTo(i *iface, q question) []answer {
	if !q.ours() {
		return nil
	}
	var out []answer
	for _, r := range e.sharedRecords(i, q) {
		out = append(out, answer{record: r, isShared: true, extra: e.extraFor(i, r)})
	}
	c := e.claims[q.name.fold()]
	if c == nil || !c.owns(i) {
		return append(out, e.aliasAnswers(i, q)...)
	}
	own := c.unique(i)
	for _, r := range own {
		if q.matches(r) {
			out = append(out, answer{record: r, extra: e.extraFor(i, r)})
		}
	}
	if len(out) == 0 {
		out = append(out, answer{record: nsecFor(c.name, own)})
	}
	return out
}

// stands reports whether r is one of the records that we publish on i now.
func (e *Engine) stands(i *iface, r record) bool {
	owner := r.name
	if r.typ == typePTR {
		owner = r.target()
	}
	switch c := e.claims[owner.fold()]; {
	case r.name.fold() == servicesName:
		return slices.ContainsFunc(e.sharedRecords(i, question{name: servicesName, typ: typePTR, class: classIN}), r.same)
	case c == nil:
		return slices.ContainsFunc(e.aliasAnswers(i, question{name: r.name, typ: r.typ, class: classIN}), func(ans answer) bool { return ans.same(r) })
	case !c.owns(i):
		return false
	case r.typ == typePTR:
		return slices.ContainsFunc(c.is.shared(i), r.same)
	case r.typ == typeNSEC:
		return r.same(nsecFor(c.name, c.unique(i)))
	default:
		return slices.ContainsFunc(c.unique(i), r.same)
	}
}

// aliasAnswers lists the NULL records asked for by names in which the dots of an instance
// were taken for separators (LL-AV-15).
func (e *Engine) aliasAnswers(i *iface, q question) []answer {
	if q.typ != typeNULL && q.typ != typeANY {
		return nil
	}
	var out []answer
	for asked, k := q.name.fold(), 0; k < len(e.services); k++ {
		if s := e.services[k]; s.null != "" && s.alias.fold() == asked && s.claim.owns(i) {
			out = append(out, answer{record: nullRecord(s.alias, s.null)})
		}
	}
	return out
}

// sharedRecords lists the PTR records that answer q: instances of a type, or the types that
// we publish (RFC 6763 sections 4.1 and 9).
func (e *Engine) sharedRecords(i *iface, q question) []record {
	if q.typ != typePTR && q.typ != typeANY {
		return nil
	}
	var out []record
	asked, listed := q.name.fold(), map[recKey]bool{}
	for _, s := range e.services {
		r := s.ptr()
		if asked == servicesName {
			r = ptrRecord(servicesName, s.typ)
		} else if asked != s.typ.fold() {
			continue
		}
		if key := r.key(); s.claim.owns(i) && !listed[key] {
			listed[key] = true
			out = append(out, r)
		}
	}
	return out
}

// nsecFor says which types exist (RFC 6762 section 6.1).
func nsecFor(n name, own []record) record {
	var types []uint16
	for _, r := range own {
		types = append(types, r.typ)
	}
	sort.Slice(types, func(a, b int) bool { return types[a] < types[b] })
	return nsecRecord(n, slices.Compact(types))
}

// extraFor lists what an asker for r will want next (RFC 6763 section 12): SRV, TXT and
// addresses with a PTR, addresses with an SRV, the other family or its absence with A.
func (e *Engine) extraFor(i *iface, r record) []record {
	switch r.typ {
	case typePTR:
		c := e.claims[r.target().fold()]
		if c == nil || c == e.host.claim {
			return nil
		}
		return append(c.brief(i), e.hostExtra(i)...)
	case typeSRV, typeA, typeAAAA:
		return e.hostExtra(i)
	}
	return nil
}

// hostExtra is the host's addresses, with NSEC when a family is absent.
func (e *Engine) hostExtra(i *iface) []record {
	if !e.host.claim.owns(i) {
		return nil
	}
	own := e.host.unique(i)
	has := func(typ uint16) bool {
		return slices.ContainsFunc(own, func(r record) bool { return r.typ == typ })
	}
	if !has(typeA) || !has(typeAAAA) {
		own = append(own, nsecFor(e.host.claim.name, own))
	}
	return own
}
