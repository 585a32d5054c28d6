package mdns

import (
	"net/netip"
	"slices"
	"time"
)

// later sends r at a time, or soon after when the rate of its records demands (RFC 6762
// section 6).
func (l *link) later(r *reply, at time.Time) {
	if len(r.answers) == 0 {
		return
	}
	if len(l.replies) >= maxReplies {
		l.e.cfg.Count("M2")
		return
	}
	l.replies = append(l.replies, r)
	r.alarm = l.e.agenda.at(at, func() { l.reply(r) })
}

// reply multicasts what of r is still of use: not what was multicast since the question
// came, and not yet what was multicast less than a second ago, of which the rest of r is
// made.
func (l *link) reply(r *reply) {
	l.drop(r)
	l.update(r)
	gap := multicastGap
	if r.defend {
		gap = defenceGap
	}
	var now []answer
	var again []answer
	var next time.Time
	for _, ans := range r.answers {
		last, ok := l.sent[ans.key()]
		switch {
		case ok && !r.defend && last.After(r.asked):
		case ok && l.e.now.Sub(last) < gap:
			again = append(again, ans)
			if at := last.Add(gap); at.After(next) {
				next = at
			}
		default:
			now = append(now, ans)
		}
	}
	l.multicast(now)
	if len(again) > 0 {
		r.answers, r.partial = again, false
		l.later(r, next)
	}
}

// multicast sends answers with such additional records as were not multicast just now.
func (l *link) multicast(answers []answer) {
	if len(answers) == 0 {
		return
	}
	var groups []group
	for _, ans := range answers {
		fresh := func(r record) bool {
			last, ok := l.sent[r.key()]
			return ok && l.e.now.Sub(last) < multicastGap
		}
		extra := slices.DeleteFunc(slices.Clone(ans.extra), fresh)
		groups = append(groups, group{ans.record, extra})
	}
	l.respond(packGroups(groups))
}

// respond multicasts packets and books what they say.
func (l *link) respond(packets []response) {
	for _, p := range packets {
		l.noteSent(p.said)
		l.send(p.octets)
	}
}

// timely leaves out of rs what was multicast less than a second ago: it follows when that
// second is over (RFC 6762 section 6), or not at all when it is just about to leave.
func (l *link) timely(rs []record) []record {
	var now []record
	early, next := &reply{asked: l.e.now}, l.e.now
	for _, r := range rs {
		last, ok := l.sent[r.key()]
		switch {
		case r.ttl == 0 || !ok || l.e.now.Sub(last) >= multicastGap:
			now = append(now, r)
		case last.Before(l.e.now):
			early.answers = append(early.answers, answer{record: r})
			if at := last.Add(multicastGap); at.After(next) {
				next = at
			}
		}
	}
	l.later(early, next)
	return now
}

// update leaves out of r what we have withdrawn or replaced since it was asked for, lest an
// answer on its way undo a goodbye, and looks again for what goes with the rest.
func (l *link) update(r *reply) {
	r.answers = slices.DeleteFunc(r.answers, func(ans answer) bool { return !l.e.stands(l.i, ans.record) })
	for k, ans := range r.answers {
		if ans.extra != nil {
			r.answers[k].extra = l.e.extraFor(l.i, ans.record)
		}
	}
}

// unicast answers a QU question directly (RFC 6762 section 5.4), as far as tokens last.
func (l *link) unicast(to netip.AddrPort, answers []answer) {
	for _, p := range packResponses(groupsOf(answers)) {
		if !l.takeToken() {
			l.e.cfg.Count("M1")
			return
		}
		l.put(p, to)
	}
}

// few reports whether groups fit the packets that one asker may be told in. The source of
// a question is easily forged: longer answers go to all, paced and at most once a second.
func few(groups []group) bool {
	octets := 0
	for _, g := range groups {
		octets += len(g.answer.data)
	}
	if octets > unicastPackets*maxSend {
		return false
	}
	for range unicastPackets {
		groups = groups[fitting(groups):]
	}
	return len(groups) == 0
}

func groupsOf(answers []answer) []group {
	out := make([]group, len(answers))
	for k, ans := range answers {
		out[k] = group{ans.record, ans.extra}
	}
	return out
}

// recently reports whether r was multicast within a quarter of its time to live, so that
// the neighbours' caches are fresh and one asker can be told alone (RFC 6762 section 5.4).
func (l *link) recently(r record) bool {
	last, ok := l.sent[r.key()]
	return ok && l.e.now.Sub(last) < time.Duration(r.ttl)*time.Second/4
}

// drop takes r off the list of waiting replies.
func (l *link) drop(r *reply) {
	l.replies = slices.DeleteFunc(l.replies, func(o *reply) bool { return o == r })
}

// knowMore takes the known answers that follow a truncated query (RFC 6762 section 7.2).
func (l *link) knowMore(a *arrival) {
	for _, r := range slices.Clone(l.replies) {
		if r.partial && r.src == a.packet.Src {
			l.strike(r, a.knows)
			if a.truncated && len(r.answers) > 0 {
				l.postpone(r)
			}
		}
	}
}

// postpone lets r wait for the known answers that are still to come (RFC 6762 section 7.2).
func (l *link) postpone(r *reply) {
	at, latest := l.e.now.Add(between(truncDelayMin, truncDelayMax)), r.asked.Add(truncWaitMax)
	if at.After(latest) {
		at = latest
	}
	if at.After(r.alarm.at) {
		l.e.agenda.stop(r.alarm)
		r.alarm = l.e.agenda.at(at, func() { l.reply(r) })
	}
}

// suppressDuplicates drops answers that another responder has just given for us (RFC 6762
// section 7.4).
func (e *Engine) suppressDuplicates(a *arrival) {
	if !a.packet.Multicast() {
		return
	}
	for _, r := range slices.Clone(a.l.replies) {
		a.l.strike(r, a.spares)
	}
}

// strike removes answers from a waiting reply.
func (l *link) strike(r *reply, gone func(record) bool) {
	r.answers = slices.DeleteFunc(r.answers, func(ans answer) bool { return gone(ans.record) })
	if len(r.answers) == 0 {
		l.e.agenda.stop(r.alarm)
		l.drop(r)
	}
}

// answerLegacy serves one-shot resolvers such as dig: they ask from another port and get one
// plain DNS answer by unicast, with their ID and question, short-lived and without flush
// bits (RFC 6762 section 6.7). The token is taken before any work is done, and given back
// when there is nothing to say.
func (e *Engine) answerLegacy(a *arrival) {
	if !a.l.takeToken() {
		e.cfg.Count("LL-5-11")
		return
	}
	p := newPacker(flagResponse)
	p.id = a.id
	var groups []group
	for _, q := range a.distinct() {
		if q.typ == typeNULL {
			p.limit = maxPacket // it is all that is asked for, and may be larger than a frame
		}
		if answers := e.answersTo(a.i, q); len(answers) > 0 && p.question(q) {
			groups = append(groups, groupsOf(answers)...)
		}
	}
	if len(groups) == 0 {
		a.l.tokens++
		return
	}
	for k := range groups {
		groups[k].answer = legacy(groups[k].answer)
		for x, r := range groups[k].extra {
			groups[k].extra[x] = legacy(r)
		}
		if !p.add(secAnswer, groups[k].answer) {
			p.flags |= flagTruncated
			groups = groups[:k]
			break
		}
	}
	packExtras(p, groups)
	a.l.tokens -= float64(p.off / maxSend) // one was taken
	a.l.put(p.bytes(), a.packet.Src)
}

func legacy(r record) record {
	r.flush, r.ttl = false, min(r.ttl, ttlLegacy)
	return r
}
