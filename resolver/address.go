package resolver

import (
	"context"
	"net/netip"
	"time"

	"github.com/miekg/dns"
)

// reach adds the addresses of a service's host to the targets: all of one host
// before the next (RFC 6120 section 3.2.1), IPv6 before IPv4.
func (l *lookup) reach(ctx context.Context, s service) error {
	list, err := l.addresses(ctx, s)
	for _, a := range list {
		t := Target{
			Transport: s.transport, Address: netip.AddrPortFrom(a.ip, s.port), Host: s.host,
			TTL: time.Duration(min(a.ttl, s.ttl)) * time.Second,
		}
		if !l.full() && !l.repeats(t) {
			l.res.Targets = append(l.res.Targets, t)
		}
	}
	return err
}

func (l *lookup) full() bool { return len(l.res.Targets) >= l.r.cfg.MaxTargets }

// repeats reports whether an address is in the list of a component already, under
// another name.
func (l *lookup) repeats(t Target) bool {
	if t.Transport != Component {
		return false
	}
	for _, have := range l.res.Targets {
		if have.Address == t.Address {
			return true
		}
	}
	return false
}

// addresses returns the addresses of a host. What came with the SRV answer is not
// asked for again (RFC 2782 page 5). One family is enough: a server that fails for
// the other hides nothing that is needed.
func (l *lookup) addresses(ctx context.Context, s service) ([]address, error) {
	v4, v6 := split(s.extra[s.host])
	var trouble error
	for _, family := range []struct {
		kind uint16
		list *[]address
	}{{dns.TypeA, &v4}, {dns.TypeAAAA, &v6}} {
		if len(*family.list) > 0 {
			l.res.Trace.decide(s.host + ": " + texts(*family.list) + " came with the SRV records")
			continue
		}
		r, err := l.ask(ctx, s.host, family.kind)
		if err != nil {
			trouble = err
			continue
		}
		*family.list = r.addresses
		if r.hops > 0 && s.step >= 0 {
			l.note(s.step, s.line, "its target is an alias, which RFC 2782 forbids")
		}
	}
	all := append(v6[:min(len(v6), maxAddresses)], v4[:min(len(v4), maxAddresses)]...)
	if len(all) > 0 {
		return all, nil
	}
	if s.step >= 0 {
		l.note(s.step, s.line, "its target has no address")
	}
	return nil, trouble
}

// split parts addresses by family.
func split(list []address) (v4, v6 []address) {
	for _, a := range list {
		if a.ip.Is4() {
			v4 = append(v4, a)
		} else {
			v6 = append(v6, a)
		}
	}
	return v4, v6
}

// apex falls back to the addresses of the domain itself.
func (l *lookup) apex(ctx context.Context, t Transport, port uint16) error {
	l.res.Trace.decide("no SRV record: falls back to the domain's own address")
	s := service{host: l.domain, port: port, transport: t, ttl: maxTTL, step: -1}
	if l.port != 0 {
		s.port, s.transport = l.port, Component
	}
	if err := l.reach(ctx, s); len(l.res.Targets) == 0 {
		if err != nil {
			return err
		}
		return &Error{Kind: ErrNoRecords, Detail: l.domain + " has neither SRV nor address records",
			Advice: "is the name right? Else publish one of them"}
	}
	return nil
}
