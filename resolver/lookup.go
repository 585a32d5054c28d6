package resolver

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"meshbridge/resolver/uri"

	"github.com/miekg/dns"
)

// lookup is one resolution under way.
type lookup struct {
	r       *Resolver
	res     *Result
	servers []netip.AddrPort // the one that last answered first
	domain  string           // that is asked about, in A-labels
	port    uint16           // of Component: the port at every host; else 0
}

// resolve runs one resolution for a domain: it checks the name, bounds the time and
// keeps the books.
func (r *Resolver) resolve(ctx context.Context, domain, subject string, find func(context.Context, *lookup) error) (Result, error) {
	start := time.Now()
	res := Result{Domain: domain, Trace: Trace{Subject: subject}}
	ascii, err := uri.FQDN(domain)
	if err != nil {
		detail := strings.TrimPrefix(err.Error(), ErrNotFQDN.Error()+": ")
		return res, &Error{Kind: ErrNotFQDN, Detail: detail, Advice: writeFQDN}
	}
	res.Verify = ascii
	servers, err := r.servers()
	if err != nil {
		return res, &Error{Kind: ErrTemporary, Detail: "no DNS server is known: " + err.Error(), Advice: "name one"}
	}
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	err = find(ctx, &lookup{r: r, res: &res, servers: slices.Clone(servers), domain: ascii})
	res.Trace.Took = time.Since(start)
	if err != nil {
		res.Targets = nil
	}
	return res, err
}

// ask asks for the records of a name, and on where its aliases lead.
func (l *lookup) ask(ctx context.Context, name string, kind uint16) (reply, error) {
	for hops := 0; ; {
		if !uri.DNSName(name) {
			return reply{}, &Error{Kind: ErrNotFQDN, Detail: "the name to be asked for is too long or odd", Advice: writeFQDN}
		}
		q := question{name, kind}
		m, err := l.query(ctx, q)
		if err != nil {
			return reply{}, err
		}
		r, err := readReply(m, q)
		l.told(r, err)
		if hops += r.hops; err != nil {
			return reply{}, err
		}
		if r.hops == 0 || r.negative || len(r.services)+len(r.addresses) > 0 {
			return r, nil
		}
		if hops > maxAliases {
			return reply{}, aliasError(q.name)
		}
		name = r.end
	}
}

// query asks the servers in turn. NOERROR and NXDOMAIN are answers; everything else
// is none, and the next server is asked. A silent one is asked once more, one that
// failed or refused is not.
func (l *lookup) query(ctx context.Context, q question) (*dns.Msg, error) {
	if len(l.res.Queries) >= maxQuestions {
		return nil, temporary(fmt.Sprintf("more than %d questions", maxQuestions))
	}
	l.res.Queries = append(l.res.Queries, q.String())
	l.res.Trace.Steps = append(l.res.Trace.Steps, Step{Type: dns.TypeToString[q.kind], Name: q.name})
	step := &l.res.Trace.Steps[len(l.res.Trace.Steps)-1]
	start := time.Now()
	defer func() { step.Took = time.Since(start) }()

	silent, failure := slices.Clone(l.servers), ""
	for range attempts {
		for _, server := range slices.Clone(silent) {
			m, err := l.r.exchange(ctx, server, q)
			step.Server = server
			switch {
			case ctx.Err() != nil:
				step.Outcome = "no time left"
				return nil, temporary(fmt.Sprintf("no time left for %s", q))
			case err != nil:
				step.Outcome = err.Error()
				continue
			case m.Rcode == dns.RcodeSuccess || m.Rcode == dns.RcodeNameError:
				step.Outcome = dns.RcodeToString[m.Rcode]
				l.prefer(server)
				return m, nil
			}
			step.Outcome = rcodeName(m.Rcode)
			failure = step.Outcome
			silent = slices.DeleteFunc(silent, func(s netip.AddrPort) bool { return s == server })
		}
	}
	if failure == "" {
		failure = step.Outcome
	}
	return nil, temporary(fmt.Sprintf("%s %s from %s", failure, q, step.Server))
}

// prefer asks this server first from now on: a dead one costs its time once.
func (l *lookup) prefer(server netip.AddrPort) {
	i := slices.Index(l.servers, server)
	l.servers = slices.Insert(slices.Delete(l.servers, i, i+1), 0, server)
}

func rcodeName(code int) string {
	if s, ok := dns.RcodeToString[code]; ok {
		return s
	}
	return fmt.Sprintf("RCODE %d", code)
}

// told writes into the trace what the last answer held.
func (l *lookup) told(r reply, err error) {
	step := &l.res.Trace.Steps[len(l.res.Trace.Steps)-1]
	for _, s := range r.services {
		step.Lines = append(step.Lines, Line{Record: s.String()})
	}
	switch n := len(r.services); {
	case err != nil:
		step.Outcome = "aliases without end"
	case n == 1:
		step.Outcome = "1 record"
	case n > 1:
		step.Outcome = fmt.Sprintf("%d records", n)
	case len(r.addresses) > 0:
		step.Outcome = texts(r.addresses)
	case !r.negative:
		step.Outcome = "no such record"
	}
	if r.hops > 0 && err == nil {
		step.Outcome += ", by alias of " + r.end
	}
}

func texts(list []address) string {
	s := ""
	for i, a := range list[:min(len(list), maxAddresses)] {
		if i > 0 {
			s += " "
		}
		s += a.ip.String()
	}
	return s
}
