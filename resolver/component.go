package resolver

import (
	"context"

	"meshbridge/resolver/uri"
)

// Component finds the component ports of the server that a URI names. No SRV name
// exists for them (XEP-0114), so xmpp:, im: and pres: supply the hosts and port is
// the same at each: those where clients connect, or that RFC 3861 finds for XMPP,
// each host once. A URI srv: supplies hosts and ports, and port is not used.
//
// The identity to verify is [Result.Verify], whatever host is reached.
func (r *Resolver) Component(ctx context.Context, u uri.URI, port uint16) (Result, error) {
	switch u.Scheme {
	case uri.SRV:
		return r.Set(ctx, u)
	case uri.IM, uri.Pres:
		return r.presentity(ctx, u, []Transport{XMPP}, port)
	}
	if u.Domain == "" {
		return Result{}, errNoServer()
	}
	res, err := r.resolve(ctx, u.Domain, "hosts by RFC 6120, XEP-0368; the port is configured", func(ctx context.Context, l *lookup) error {
		l.port = port
		return client(ctx, l)
	})
	res.JID = u.JID()
	return res, err
}
