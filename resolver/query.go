package resolver

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"
)

// query asks the servers in turn. NOERROR and NXDOMAIN are answers; everything else
// is none, and the next server is asked. A silent one is asked once more, and without
// EDNS, which some box on the way may not let through; one that failed or refused is
// not.
func (l *lookup) query(ctx context.Context, q question) (*dns.Msg, error) {
	if len(l.res.Queries) >= maxQuestions {
		return nil, temporary(fmt.Sprintf("more than %d questions", maxQuestions))
	}
	step, done := l.begin(q)
	defer done()
	silent, failure := slices.Clone(l.servers), ""
	for round := range attempts {
		for _, server := range slices.Clone(silent) {
			m, err := l.r.exchange(ctx, server, q, round == 0)
			step.Server, step.Outcome = server, outcome(m, err)
			switch {
			case over(ctx):
				step.Outcome = "no time left"
				return nil, temporary(fmt.Sprintf("no time left for %s", q))
			case err != nil:
				continue
			case isAnswer(m):
				l.prefer(server)
				return m, nil
			}
			failure = fmt.Sprintf("%s %s from %s", step.Outcome, q, server)
			silent = slices.DeleteFunc(silent, func(s netip.AddrPort) bool { return s == server })
		}
	}
	return nil, temporary(cmp.Or(failure, fmt.Sprintf("%s, asked %s for %s", step.Outcome, step.Server, q)))
}

// over reports whether no time is left. The deadline of a connection may be felt a
// moment before that of ctx, which is the same.
func over(ctx context.Context) bool {
	end, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && !time.Now().Before(end)
}

// begin enters a question in the books; done is called when it is settled.
func (l *lookup) begin(q question) (step *Step, done func()) {
	l.res.Queries = append(l.res.Queries, q.String())
	l.res.Trace.Steps = append(l.res.Trace.Steps, Step{Type: dns.TypeToString[q.kind], Name: q.name})
	step = &l.res.Trace.Steps[len(l.res.Trace.Steps)-1]
	start := time.Now()
	return step, func() { step.Took = time.Since(start) }
}

// prefer asks this server first from now on: a dead one costs its time once.
func (l *lookup) prefer(server netip.AddrPort) {
	i := slices.Index(l.servers, server)
	l.servers = slices.Insert(slices.Delete(l.servers, i, i+1), 0, server)
}

// isAnswer reports whether a server told what there is.
func isAnswer(m *dns.Msg) bool {
	return !referral(m) && (m.Rcode == dns.RcodeSuccess || m.Rcode == dns.RcodeNameError)
}

// referral reports whether a server says who else may know, instead of what there is.
func referral(m *dns.Msg) bool {
	if m.Rcode != dns.RcodeSuccess || m.Authoritative || len(m.Answer) > 0 {
		return false
	}
	ns := false
	for _, rr := range m.Ns {
		if rr.Header().Rrtype == dns.TypeSOA {
			return false
		}
		ns = ns || rr.Header().Rrtype == dns.TypeNS
	}
	return ns
}

// outcome is what a server did, in a word or two.
func outcome(m *dns.Msg, err error) string {
	if err != nil {
		return err.Error()
	}
	if referral(m) {
		return "referral to other servers"
	}
	if s, ok := dns.RcodeToString[m.Rcode]; ok {
		return s
	}
	return fmt.Sprintf("RCODE %d", m.Rcode)
}
