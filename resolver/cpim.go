package resolver

import (
	"context"

	"meshbridge/resolver/uri"
)

// portSIP is where SIP is spoken when no SRV record says otherwise (RFC 3261
// section 18.1).
const portSIP = 5060

// Presentity finds who takes instant messages (im:) or gives presence (pres:) for
// the address of a URI (RFC 3861): for each protocol in turn the record set
// _im._xmpp.example.com and so on. The first protocol with records that can be used
// is taken; its name is the targets' transport. Only where no protocol has any
// record are the domain's own addresses used, for the first protocol.
func (r *Resolver) Presentity(ctx context.Context, u uri.URI) (Result, error) {
	return r.presentity(ctx, u, r.cfg.Protocols, 0)
}

func (r *Resolver) presentity(ctx context.Context, u uri.URI, protocols []Transport, port uint16) (Result, error) {
	subject := map[string]string{uri.IM: "RFC 3861 (instant message)", uri.Pres: "RFC 3861 (presence)"}[u.Scheme]
	if subject == "" {
		return Result{}, &Error{Kind: ErrBadURI, Detail: "it is neither im: nor pres:", Advice: "write im:user@example.org"}
	}
	res, err := r.resolve(ctx, u.Domain, subject, func(ctx context.Context, l *lookup) error {
		l.port = port
		return l.protocols(ctx, "_"+u.Scheme, protocols)
	})
	res.JID = u.JID()
	return res, err
}

// protocols asks for the record set of every protocol until one can be used.
func (l *lookup) protocols(ctx context.Context, service string, list []Transport) error {
	var failure error
	for _, p := range list {
		records, v, err := l.set(ctx, service+"._"+string(p)+"."+l.domain, p)
		if err == nil && v != absent {
			err = l.conclude(ctx, records, v)
		}
		if len(l.res.Targets) > 0 {
			return nil
		}
		failure = graver(failure, err)
	}
	if failure != nil {
		return failure // something is there, or may be: never the domain's own addresses
	}
	port := uint16(portServer)
	if list[0] == SIP {
		port = portSIP
	}
	return l.apex(ctx, list[0], port)
}
