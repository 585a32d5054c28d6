package mdns

// What a packet says is looked at once, however often it says it: 9000 octets have room for
// a hundred repetitions of a question that takes five hundred answers.

// ours reports whether q is of a class in which we have records.
func (q question) ours() bool { return q.class == classIN || q.class == classANY }

// distinct lists the questions that we may have answers to, each name and type once. Asked
// for by unicast and by multicast, it is asked for by multicast.
func (a *arrival) distinct() []question {
	var out []question
	at := map[setKey]int{}
	for _, q := range a.questions {
		k, again := at[q.set()]
		switch {
		case !q.ours():
		case again:
			out[k].unicast = out[k].unicast && q.unicast
		default:
			at[q.set()] = len(out)
			out = append(out, q)
		}
	}
	return out
}

// said gives the longest time to live in seconds with which the answer section lists r.
func (a *arrival) said(r record) (ttl uint32, ok bool) {
	if a.listed == nil {
		a.listed = make(map[recKey]uint32, len(a.answers))
		for _, o := range a.answers {
			if o.class == classIN {
				a.listed[o.key()] = max(o.ttl, a.listed[o.key()])
			}
		}
	}
	ttl, ok = a.listed[r.key()]
	return ttl, ok
}

// knows reports whether the asker listed r as known with at least half its time to live
// (RFC 6762 section 7.1).
func (a *arrival) knows(r record) bool {
	ttl, ok := a.said(r)
	return ok && ttl >= r.ttl/2
}

// spares reports whether the sender has answered with r for us (RFC 6762 section 7.4).
func (a *arrival) spares(r record) bool {
	ttl, ok := a.said(r)
	return ok && ttl >= r.ttl
}
