package resolver

import (
	"context"
	"sort"

	"github.com/miekg/dns"
)

// verdict is what a domain publishes about one service.
type verdict int

const (
	absent      verdict = iota // nothing: there is no such record set
	unavailable                // that it does not offer it: one record, with the target "."
	unusable                   // records, and none of them can be used
	found
)

// set asks for one SRV record set (RFC 2782). A failure to find out is an error, not
// a verdict.
func (l *lookup) set(ctx context.Context, name string, t Transport) ([]service, verdict, error) {
	r, err := l.ask(ctx, name, dns.TypeSRV)
	if err != nil {
		return nil, absent, err
	}
	if len(r.services) == 0 {
		l.res.Trace.Missing = append(l.res.Trace.Missing, name+".")
		return nil, absent, nil
	}
	list, off := l.usable(r, t)
	switch {
	case len(list) > 0:
		return list, found, nil
	case off:
		return nil, unavailable, nil
	}
	return nil, unusable, nil
}

// usable keeps the records that name a host and a port, at most maxServices of the
// lowest priorities. It also reports whether all that was there was the target ".".
func (l *lookup) usable(r reply, t Transport) (list []service, off bool) {
	step := len(l.res.Trace.Steps) - 1
	off = true
	for i, s := range r.services {
		off = off && s.target == ""
		if why := s.unusable(len(r.services) == 1); why != "" {
			l.note(step, i, why)
			continue
		}
		list = append(list, service{
			priority: s.priority, weight: s.weight, port: s.port, host: s.target, ttl: s.ttl,
			transport: t, step: step, line: i, extra: r.extra,
		})
	}
	sort.SliceStable(list, func(a, b int) bool { return list[a].priority < list[b].priority })
	return list[:min(len(list), maxServices)], off
}

// unusable says why a record leads nowhere; "" when it leads to a host.
func (s record) unusable(sole bool) string {
	switch {
	case s.target == "" && sole:
		return "target . : decidedly not available"
	case s.target == "":
		return "target . beside others: ignored"
	case s.port == 0:
		return "port 0: ignored"
	case !askable(s.target):
		return "not the name of a host in the DNS: ignored"
	}
	return ""
}

// note says in the trace what became of a record.
func (l *lookup) note(step, line int, text string) {
	have := &l.res.Trace.Steps[step].Lines[line].Note
	if *have != "" {
		text = *have + "; " + text
	}
	*have = text
}

// walk puts records in order and looks up the hosts, one after the other. Whether
// an address could not be found out is the error of a list that yields no target.
func (l *lookup) walk(ctx context.Context, list []service) error {
	ordered := l.r.arrange(list, func(s service, why string) { l.note(s.step, s.line, why) })
	var trouble error
	seen := make(map[string]bool)
	for _, s := range ordered {
		if l.port != 0 { // hosts only: each counts once, where it comes first
			if seen[s.host] {
				l.note(s.step, s.line, "the same host again")
				continue
			}
			seen[s.host] = true
			s.port, s.transport = l.port, Component
		}
		if err := l.reach(ctx, s); err != nil {
			trouble = err
		}
		if l.full() {
			l.res.Trace.decide("enough targets: the rest is left out")
			break
		}
	}
	switch {
	case len(l.res.Targets) > 0:
		return nil
	case trouble != nil:
		return trouble
	}
	return &Error{Kind: ErrNoRecords, Detail: "no host of the SRV records has an address",
		Advice: "publish A or AAAA records for the hosts, or correct the SRV records"}
}
