package mdns

// A group is one answer with the additional records that spare the asker a question
// (RFC 6763 section 12).
type group struct {
	answer record
	extra  []record
}

// plain makes groups without additional records.
func plain(rs []record) []group {
	out := make([]group, len(rs))
	for k, r := range rs {
		out[k].answer = r
	}
	return out
}

// A response is a packed packet and what it says.
type response struct {
	octets []byte
	said   []record
}

// packResponses packs groups as packGroups does, for those who need the octets alone.
func packResponses(groups []group) [][]byte {
	var out [][]byte
	for _, p := range packGroups(groups) {
		out = append(out, p.octets)
	}
	return out
}

// packGroups packs groups into as few packets as hold them. Answers come first in a packet,
// additional records after, as far as they fit: a packet is closed when the next answer, or
// the additional records of those inside, would not.
func packGroups(groups []group) []response {
	var out []response
	for len(groups) > 0 {
		n := fitting(groups)
		p := newPacker(flagResponse)
		taken := 0
		for taken < n && p.add(secAnswer, groups[taken].answer) {
			taken++
		}
		if taken == 0 { // it cannot be encoded at all
			groups = groups[1:]
			continue
		}
		said := packExtras(p, groups[:taken])
		out = append(out, response{p.bytes(), said})
		groups = groups[taken:]
	}
	return out
}

// packExtras adds what is not in the packet yet, as far as it fits, and returns all that the
// packet says then.
func packExtras(p *packer, groups []group) (said []record) {
	seen := make(map[recKey]bool, 4*len(groups))
	for _, g := range groups {
		seen[g.answer.key()] = true
		said = append(said, g.answer)
	}
	for _, g := range groups {
		for _, r := range g.extra {
			if key := r.key(); !seen[key] {
				seen[key] = true
				if p.add(secAdditional, r) {
					said = append(said, r)
				}
			}
		}
	}
	return said
}

// fitting estimates how many groups fit a packet with all their additional records; at
// least one. Names count as far as compression cannot save them, which is a guess on the
// safe side; the packer has the last word.
func fitting(groups []group) int {
	size, seen := headerLen, map[recKey]bool{}
	for k, g := range groups {
		for _, r := range append([]record{g.answer}, g.extra...) {
			if key := r.key(); !seen[key] {
				seen[key] = true
				size += 12 + len(r.data)
			}
		}
		if k == 0 {
			size += len(g.answer.name)
		}
		if size > maxSend {
			return max(1, k)
		}
	}
	return len(groups)
}

// packProbes packs the names being probed: a question of type ANY for each and what we
// propose to publish in the authority section (RFC 6762 section 8.1). Question and records
// of one name never part.
func packProbes(i *iface, claims []*claim) [][]byte {
	var out [][]byte
	for len(claims) > 0 {
		n, size := 0, headerLen
		for n < len(claims) {
			size += len(claims[n].name) + 4
			for _, r := range claims[n].brief(i) {
				size += 12 + len(r.data)
			}
			if size > maxSend && n > 0 {
				break
			}
			n++
		}
		out = append(out, packProbe(i, claims[:n]))
		claims = claims[n:]
	}
	return out
}

func packProbe(i *iface, claims []*claim) []byte {
	p := newPacker(flagQuery)
	p.limit = maxPacket
	for _, c := range claims {
		p.question(question{name: c.name, typ: typeANY, class: classIN})
	}
	for _, c := range claims {
		for _, r := range c.brief(i) {
			r.flush = false // section 8.1 proposes plain records
			p.add(secAuthority, r)
		}
	}
	return p.bytes()
}

// packQuestions packs questions with what is known already (RFC 6762 section 7.1). Known
// answers that do not fit follow in packets of their own, announced by the TC bit (section
// 7.2).
func packQuestions(qs []question, known func(question) []record) [][]byte {
	var out [][]byte
	for len(qs) > 0 {
		p := newPacker(flagQuery)
		var answers []record
		for len(qs) > 0 && p.question(qs[0]) {
			answers = append(answers, known(qs[0])...)
			qs = qs[1:]
		}
		if p.empty() {
			qs = qs[1:]
			continue
		}
		for len(answers) > 0 {
			if p.add(secAnswer, answers[0]) {
				answers = answers[1:]
				continue
			}
			if p.empty() {
				answers = answers[1:]
				continue
			}
			p.flags |= flagTruncated
			out = append(out, p.bytes())
			p = newPacker(flagQuery)
		}
		if !p.empty() {
			out = append(out, p.bytes())
		}
	}
	return out
}

// asks reports whether a query packed here has questions, or only continues known answers.
func asks(packet []byte) bool { return packet[4] != 0 || packet[5] != 0 }
