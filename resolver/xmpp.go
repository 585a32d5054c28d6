package resolver

import (
	"context"

	"meshbridge/resolver/uri"
)

// Ports where XMPP is spoken when no SRV record says otherwise (RFC 6120 section
// 14.7).
const (
	portClient = 5222
	portServer = 5269
)

// Client finds where a client of a domain connects (RFC 6120 section 3.2, XEP-0368):
// the record sets _xmpps-client and _xmpp-client in one order, and only where there
// is neither the domain's own addresses with port 5222.
func (r *Resolver) Client(ctx context.Context, domain string) (Result, error) {
	return r.resolve(ctx, domain, "RFC 6120, XEP-0368 (client)", client)
}

func client(ctx context.Context, l *lookup) error {
	done, err := l.pair(ctx, "client")
	if done || err != nil {
		return err
	}
	return l.apex(ctx, StartTLS, portClient)
}

// Server finds where a foreign server connects to a domain: _xmpps-server and
// _xmpp-server in one order, then what the domain publishes for im: and pres: (RFC
// 3921 section 11.2), then its own addresses with port 5269. It is for diagnosis; a
// component's own server makes these connections.
func (r *Resolver) Server(ctx context.Context, domain string) (Result, error) {
	return r.resolve(ctx, domain, "RFC 6120, XEP-0368, RFC 3921 (server)", func(ctx context.Context, l *lookup) error {
		done, err := l.pair(ctx, "server")
		if done || err != nil {
			return err
		}
		for _, label := range []string{"_im", "_pres"} {
			list, v, err := l.set(ctx, label+"._xmpp."+l.domain, XMPP)
			if err != nil {
				return err
			}
			if v != absent {
				return l.conclude(ctx, list, v)
			}
		}
		return l.apex(ctx, StartTLS, portServer)
	})
}

// pair asks for the record sets of a role with TLS from the first byte and without,
// and walks what they hold together (XEP-0368 section 3). done is false only when
// there is neither.
func (l *lookup) pair(ctx context.Context, role string) (done bool, err error) {
	direct, dv, err := l.set(ctx, "_xmpps-"+role+"._tcp."+l.domain, DirectTLS)
	if err != nil {
		return false, err
	}
	start, sv, err := l.set(ctx, "_xmpp-"+role+"._tcp."+l.domain, StartTLS)
	if err != nil {
		return false, err
	}
	both := max(dv, sv)
	if both == absent {
		return false, nil
	}
	return true, l.conclude(ctx, append(direct, start...), both)
}

// conclude walks what was found, or says why there is nothing to walk. Where the
// domain publishes anything about the service, its own addresses are never used.
func (l *lookup) conclude(ctx context.Context, list []service, v verdict) error {
	switch v {
	case found:
		return l.walk(ctx, list)
	case unavailable:
		return &Error{Kind: ErrUnavailable, Detail: l.domain + " says so", Advice: "if it should be, remove that SRV record"}
	}
	return &Error{Kind: ErrNoRecords, Detail: "none of the SRV records of " + l.domain + " can be used",
		Advice: "correct their ports and targets"}
}

// Set takes hosts and ports from one SRV record set, as the URI
// srv:_name._tcp.example.org names it, and from nothing else.
func (r *Resolver) Set(ctx context.Context, u uri.URI) (Result, error) {
	if u.Scheme != uri.SRV {
		return Result{}, &Error{Kind: ErrBadURI, Detail: "it names no SRV record set", Advice: "write srv:_name._tcp.example.org"}
	}
	return r.resolve(ctx, u.Domain, "RFC 2782", func(ctx context.Context, l *lookup) error {
		list, v, err := l.set(ctx, u.Service+"."+l.domain, Component)
		if err != nil {
			return err
		}
		if v == absent {
			return &Error{Kind: ErrNoRecords, Detail: "there is no " + u.Service + "." + l.domain + ". SRV",
				Advice: "publish it, with host and port"}
		}
		return l.conclude(ctx, list, v)
	})
}
