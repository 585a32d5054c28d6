package mdns

import "time"

// What another host has just asked everybody need not be asked by us too: the answers come
// to all (RFC 6762 section 7.3). Only questions that we ask as a matter of routine are left
// to others; what somebody waits for, or what is in doubt, we ask ourselves.

// noteAsked books the questions of a that can stand for ours: asked of all, for multicast
// answers, and not suppressing an answer that we do not have.
func (l *link) noteAsked(a *arrival) {
	if !a.packet.Multicast() || a.packet.Src.Port() != Port || a.truncated || !a.onLink() {
		return
	}
	news := map[setKey]bool{} // known to them and not to us
	for _, r := range a.answers {
		if l.e.claims[r.target().fold()] != nil {
			continue // ours: we shall not miss it
		}
		if n := l.i.cache.find(r); n == nil || !l.i.cache.listed(n) {
			news[r.set()] = true
		}
	}
	for _, q := range a.questions {
		if !q.unicast && q.class == classIN && !news[q.set()] {
			l.bookAsked(q.set())
		}
	}
}

func (l *link) bookAsked(key setKey) {
	if len(l.asked) >= maxAsked {
		for k, at := range l.asked {
			if l.e.now.Sub(at) >= askedHold {
				delete(l.asked, k)
			}
		}
	}
	if len(l.asked) < maxAsked {
		l.asked[key] = l.e.now
	}
}

// open leaves out of qs what somebody else has asked here within askedHold.
func (l *link) open(qs []question) []question {
	var out []question
	for _, q := range qs {
		at, heard := l.asked[q.set()]
		if heard && q.routine && !q.unicast && l.e.now.Sub(at) < askedHold {
			continue
		}
		out = append(out, q)
	}
	return out
}

// askRoutinely is ask for a question that somebody else may ask in our place.
func (i *iface) askRoutinely(q question) {
	q.routine = true
	i.ask(q)
}

// nextSlot is when the question for the TXT of an instance with a name of so many octets is
// to be asked first: together with others that come at the same moment, as many as one
// packet takes, and the rest a packet later each.
func (i *iface) nextSlot(octets int) time.Time {
	const empty = maxSend - headerLen - maxName
	if !i.askAt.After(i.e.now) {
		i.askAt, i.askRoom = i.e.now.Add(between(browseDelayMin, browseDelayMax)), empty
	}
	if i.askRoom -= octets; i.askRoom < 0 {
		i.askAt, i.askRoom = i.askAt.Add(packetGap), empty-octets
	}
	return i.askAt
}
