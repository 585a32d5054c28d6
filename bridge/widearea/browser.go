package widearea

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"meshbridge/linklocal"
	"meshbridge/linklocal/mdns"
	"meshbridge/resolver"
	"meshbridge/resolver/uri"
)

// Browser says in which domain to look.
type Browser struct {
	Domain   string // of two labels or more, outside .local
	Resolver *resolver.Resolver
	Log      *slog.Logger // nil: nothing
	// Count counts what was left out under the rule that says so. May be nil.
	Count func(rule string)
	// Handle receives what is seen, one at a time. It must not block for long.
	Handle func(linklocal.Sighting)
	// Settled is told once, when everybody who is listed at first was looked up. May be nil.
	Settled func()
}

// Timing. The bounds keep a zone from making us ask more than is decent: one of a
// Discovery Proxy holds for 10 s at most (RFC 8766 section 5.5.1), and there may be none
// behind a name that was left in the list.
const (
	refreshMin = 10 * time.Second       // between two questions of the same kind, however short a record holds
	refreshMax = time.Hour              // however long it holds
	absence    = time.Minute            // until what was not there is asked for again
	retryMax   = 5 * time.Minute        // the longest pause after failures, which double it from refreshMin
	grace      = 2 * time.Minute        // for which what ran out still counts while the DNS cannot be asked (RFC 8767)
	pause      = 200 * time.Millisecond // between two lookups of four questions at most: 20 a second
)

// Run looks until ctx ends, and returns nil then. An error means that the domain cannot
// be asked about, or that its list could not be had at the start.
func (b Browser) Run(ctx context.Context) error {
	domain, err := uri.FQDN(b.Domain)
	if err != nil {
		return err
	}
	if b.Log == nil {
		b.Log = slog.New(slog.DiscardHandler)
	}
	l := &look{Browser: b, domain: domain, people: map[string]*person{}}
	if err := l.list(ctx); err != nil {
		return err
	}
	for settled := false; wait(ctx, pause); {
		p := l.next()
		if !settled && (p == nil || p.asked) {
			settled = true
			if b.Settled != nil {
				b.Settled()
			}
		}
		switch {
		case p != nil && !p.due.After(l.due):
			if wait(ctx, time.Until(p.due)) {
				l.locate(ctx, p)
			}
		case wait(ctx, time.Until(l.due)):
			if err := l.list(ctx); err != nil {
				l.Log.Warn("a domain cannot be asked who is there", "domain", domain, "error", err)
			}
		}
	}
	return nil
}

// wait reports whether ctx still holds after d.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// look is a Browser at work. All of it belongs to the goroutine of Run.
type look struct {
	Browser
	schedule // of the list
	domain   string
	people   map[string]*person // by folded label
}

// next returns who is to be looked up first, of several by name; nil when nobody is listed.
func (l *look) next() (first *person) {
	for _, p := range l.people {
		if first == nil || p.due.Before(first.due) || p.due.Equal(first.due) && p.name.Label < first.name.Label {
			first = p
		}
	}
	return first
}

// list asks who is there.
func (l *look) list(ctx context.Context) error {
	list, err := l.Resolver.Instances(ctx, linklocal.ServiceType, l.domain)
	switch {
	case ctx.Err() != nil:
		return nil // we end, which says nothing about anybody
	case err != nil:
		if l.failed() {
			l.keep(nil)
		}
		return err
	}
	l.holds(list.TTL)
	l.left("LL-11.4-1", list.Left)
	l.keep(list.Names)
	return nil
}

// keep lets those go who are not listed any more, and begins to look at the others.
func (l *look) keep(listed []resolver.InstanceName) {
	here := map[string]bool{}
	for _, n := range listed {
		if !shown(n.Label) {
			l.left("LL-3-20", 1)
			continue
		}
		key := mdns.Fold(n.Label)
		here[key] = true
		if l.people[key] == nil {
			l.people[key] = &person{name: n}
		}
	}
	for key, p := range l.people {
		if !here[key] {
			delete(l.people, key)
			l.leaves(p)
		}
	}
}

// locate asks where somebody is and what their record says.
func (l *look) locate(ctx context.Context, p *person) {
	at, err := l.Resolver.Instance(ctx, l.domain, p.name)
	p.asked = true
	switch {
	case ctx.Err() != nil: // as in list
	case err == nil:
		p.holds(at.TTL)
		l.sees(p, at)
	case errors.Is(err, resolver.ErrTemporary):
		if p.failed() {
			l.leaves(p)
		}
	default:
		if errors.Is(err, resolver.ErrLinkLocal) {
			l.left("LL-11.4-2", 1)
		}
		l.Log.Debug("somebody is listed and not there", "instance", p.name.Label, "domain", l.domain, "error", err)
		p.holds(0)
		l.leaves(p)
	}
}

// left counts what was left out.
func (l *look) left(rule string, n int) {
	for ; n > 0 && l.Count != nil; n-- {
		l.Count(rule)
	}
}
