package mdns

import "github.com/miekg/dns"

// Records answers a question from what the engine publishes, on whatever interface. With it
// an Engine is a Zone of github.com/hashicorp/mdns, so that any server or test of that
// shape can serve what we publish. It may be called from any goroutine and returns nil
// before Run, after it, and for a name that cannot be read.
func (e *Engine) Records(q dns.Question) []dns.RR {
	if !e.started.Load() {
		return nil
	}
	n, err := wireName(q.Name)
	if err != nil {
		return nil
	}
	asked := question{name: n, typ: q.Qtype, class: q.Qclass &^ topBit}
	answer := make(chan []record, 1)
	e.post(func() { answer <- e.recordsFor(asked) })
	select {
	case rs := <-answer:
		return toRRs(rs)
	case <-e.done:
		return nil
	}
}

// recordsFor collects answers of all interfaces with what belongs to them, each once.
func (e *Engine) recordsFor(q question) []record {
	var out []record
	seen := map[recKey]bool{}
	for _, i := range e.ifaces {
		for _, g := range groupsOf(e.answersTo(i, q)) {
			for _, r := range append([]record{g.answer}, g.extra...) {
				if key := r.key(); !seen[key] && r.typ != typeNSEC {
					seen[key] = true
					out = append(out, r)
				}
			}
		}
	}
	return out
}

func toRRs(rs []record) []dns.RR {
	var out []dns.RR
	for _, r := range rs {
		if rr, err := toRR(r); err == nil {
			out = append(out, rr)
		}
	}
	return out
}
