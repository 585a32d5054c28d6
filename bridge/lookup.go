package bridge

import (
	"context"
	"errors"
	"time"

	"meshbridge/bridge/adhoc"
	"meshbridge/bridge/form"
	"meshbridge/resolver"
	"meshbridge/resolver/uri"
)

// lookups are the questions to the DNS that admins have had asked by a command. Nothing
// else asks for an address, and what was answered is believed as long as the DNS
// vouches for it (PRIV-4).
type lookups struct {
	ask   func(context.Context, uri.URI) (resolver.Result, error) // in place of the resolver, in tests
	under map[uri.URI]*lookup                                     // under way
	known map[uri.URI]vouched
}

// lookup is one that is under way.
type lookup struct {
	cancel context.CancelFunc
	then   []func(resolver.Result, error)
}

// vouched is an answer that can still be believed.
type vouched struct {
	found resolver.Result
	until time.Time
}

var (
	errBusy    = errors.New("other addresses are being looked up; try again in a few seconds")
	errLeaving = errors.New("the bridge is ending")
)

// lookUp finds out where a URI leads, and calls then once with it.
func (g *Gateway) lookUp(u uri.URI, then func(resolver.Result, error)) {
	l := &g.lookups
	key := zoneOf(u)
	if v, ok := l.known[key]; ok && time.Now().Before(v.until) {
		then(v.found, nil)
		return
	}
	switch q := l.under[key]; {
	case g.stopping:
		then(resolver.Result{}, errLeaving)
	case q != nil && len(q.then) < maxCurious:
		q.then = append(q.then, then)
	case q != nil, len(l.under) >= maxLookups:
		then(resolver.Result{}, errBusy)
	default:
		ctx, cancel := context.WithTimeout(context.Background(), lookupTime)
		l.under[key] = &lookup{cancel, []func(resolver.Result, error){then}}
		go g.askDNS(ctx, g.resolver(), key)
	}
}

// resolver is how the DNS is asked now.
func (g *Gateway) resolver() func(context.Context, uri.URI) (resolver.Result, error) {
	if g.lookups.ask != nil {
		return g.lookups.ask
	}
	return resolver.New(resolver.Config{Servers: g.cfg.Resolver.Servers}).Resolve
}

// askDNS runs on a goroutine of its own.
func (g *Gateway) askDNS(ctx context.Context, ask func(context.Context, uri.URI) (resolver.Result, error), u uri.URI) {
	found, err := ask(ctx, u)
	g.post(addressFound{u, found, err})
}

// addressFound takes in what the DNS said. A failure bears no TTL, so it is not remembered.
func (g *Gateway) addressFound(ev addressFound) {
	l := &g.lookups
	q := l.under[ev.what]
	if q == nil {
		return // given up
	}
	delete(l.under, ev.what)
	q.cancel()
	if ev.err == nil {
		l.remember(ev.what, ev.found)
	}
	for _, then := range q.then {
		then(ev.found, ev.err)
	}
}

// remember keeps an answer as long as each of its targets may be believed.
func (l *lookups) remember(u uri.URI, found resolver.Result) {
	keep := vouchedTime
	for _, t := range found.Targets {
		keep = min(keep, t.TTL)
	}
	now := time.Now()
	if len(l.known) >= maxVouched {
		for key, v := range l.known {
			if !now.Before(v.until) {
				delete(l.known, key)
			}
		}
		if len(l.known) >= maxVouched {
			clear(l.known)
		}
	}
	if keep > 0 {
		l.known[u] = vouched{found, now.Add(keep)}
	}
}

// abandon ends what is under way.
func (l *lookups) abandon() {
	for u, q := range l.under {
		delete(l.under, u)
		q.cancel()
		for _, then := range q.then {
			then(resolver.Result{}, errLeaving)
		}
	}
}

// zoneOf is what is asked for a URI: nothing of the person whom it names.
func zoneOf(u uri.URI) uri.URI {
	return uri.URI{Scheme: u.Scheme, Service: u.Service, Domain: u.Domain}
}

// beginResolve asks for a URI.
func (g *Gateway) beginResolve(_ string, reply func(adhoc.Step)) {
	reply(adhoc.Step{
		Form: form.Form{
			Title: "Resolve an address", Instructions: "Finds out in the DNS where an address leads. Write it with what it is: xmpp:alice@example.org, im:alice@example.org, or srv:_xmpp-client._tcp.example.org.",
			Fields: []form.Field{{Var: "uri", Kind: form.TextSingle, Label: "Address", Required: true}},
		},
		Last: true,
		Then: func(a form.Answers, reply func(adhoc.Step)) { g.resolve(a.One("uri"), reply) },
	})
}

// resolve tells where a URI leads.
func (g *Gateway) resolve(typed string, reply func(adhoc.Step)) {
	u, err := uri.Parse(typed)
	if err == nil && u.Domain == "" {
		err = uri.ErrAddress
	}
	if err != nil {
		reply(failedStep("That is " + err.Error() + ". Write xmpp:, im:, pres: or srv: before it, as in xmpp:alice@example.org."))
		return
	}
	g.lookUp(u, func(found resolver.Result, err error) {
		if err != nil {
			reply(failedStep(u.String() + ": " + err.Error() + "."))
			return
		}
		reply(adhoc.Step{Form: targetTable(u, found)})
	})
}

// targetTable lists where to connect to, in the order to be tried.
func targetTable(u uri.URI, found resolver.Result) form.Form {
	f := form.Form{
		Title: u.String(), Instructions: "In the order to be tried.",
		Fields: []form.Field{
			{Var: "transport", Kind: form.TextSingle, Label: "Spoken there"},
			{Var: "address", Kind: form.TextSingle, Label: "Address"},
			{Var: "host", Kind: form.TextSingle, Label: "Host"},
		},
		Rows: [][]string{},
	}
	for _, t := range found.Targets {
		f.Rows = append(f.Rows, []string{string(t.Transport), t.Address.String(), t.Host})
	}
	return f
}
