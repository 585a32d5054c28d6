package resolver

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"meshbridge/resolver/uri"
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
		return res, &Error{Kind: ErrTemporary, Detail: "no DNS server is known: " + err.Error(), Advice: "name one with resolver.servers, or --server"}
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
	if !uri.DNSName(name) {
		return reply{}, &Error{Kind: ErrNotFQDN, Detail: "with the service before it, it is longer than a name can be", Advice: writeFQDN}
	}
	for first, hops := name, 0; ; {
		q := question{name, kind}
		m, err := l.query(ctx, q)
		if err != nil {
			return reply{}, err
		}
		r, err := readReply(m, q)
		l.told(r, err)
		if hops += r.hops; err != nil || hops > maxAliases || !askable(r.end) {
			return reply{}, aliasError(first)
		}
		if r.hops == 0 || r.negative || len(r.services)+len(r.addresses) > 0 {
			r.hops = hops // those of the answers before this one as well
			return r, nil
		}
		name = r.end
	}
}

// askable reports whether a name out of an answer may be asked about: no single
// label, and nothing of the local link (RFC 6762 section 3).
func askable(name string) bool {
	return uri.DNSName(name) && strings.Contains(name, ".") && !linkLocal(name)
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
	case r.hops > 0 && !r.negative:
		step.Outcome = "an alias of " + r.end
		return
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
