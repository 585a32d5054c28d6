package resolver

import (
	"context"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"

	"meshbridge/resolver/uri"
)

// Config says whom to ask and how to choose. Its zero value is fit for use.
type Config struct {
	// Servers are the DNS servers, in the order to be asked; none means those of
	// ResolvConf, read anew for every resolution.
	Servers []netip.AddrPort

	// ResolvConf is the path of the system's list; "" means /etc/resolv.conf.
	ResolvConf string

	// Protocols are the labels to be tried for im: and pres:, in order: XMPP or
	// SIP (RFC 3861 section 3). None means both, XMPP first.
	Protocols []Transport

	// Roll yields the random number of one choice by weight, from 0 to max
	// inclusive (RFC 2782 page 4); a number outside is taken for the nearest one
	// inside. Nil means chance, which also shuffles records of weight 0; with a
	// Roll they stay in the order of the answer.
	Roll func(max int) int

	// MaxTargets bounds the list of targets: 2 to 64, numbers outside are taken
	// for the nearest one inside; 0 means 64.
	MaxTargets int

	// Timeout is how long one server may take for one answer; 0 means 2 s.
	Timeout time.Duration

	// Dial opens connections to DNS servers; nil means a net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Resolver resolves. It has no state and may be used by many goroutines at once, if
// its Config's functions may.
type Resolver struct{ cfg Config }

// New returns a Resolver.
func New(c Config) *Resolver {
	if c.ResolvConf == "" {
		c.ResolvConf = "/etc/resolv.conf"
	}
	if len(c.Protocols) == 0 {
		c.Protocols = []Transport{XMPP, SIP}
	}
	if c.MaxTargets == 0 {
		c.MaxTargets = maxTargets
	}
	c.MaxTargets = min(max(c.MaxTargets, minTargets), maxTargets)
	if c.Timeout == 0 {
		c.Timeout = answerTimeout
	}
	if c.Dial == nil {
		c.Dial = new(net.Dialer).DialContext
	}
	return &Resolver{cfg: c}
}

// Resolve finds what a URI names, by the method for its scheme: where a client of
// that domain connects for xmpp:, who takes instant messages or gives presence for
// im: and pres:, the record set for srv:.
func (r *Resolver) Resolve(ctx context.Context, u uri.URI) (Result, error) {
	switch {
	case u.Scheme == uri.SRV:
		return r.Set(ctx, u)
	case u.Scheme == uri.IM || u.Scheme == uri.Pres:
		return r.Presentity(ctx, u)
	case u.Domain == "":
		return Result{}, errNoServer()
	}
	res, err := r.Client(ctx, u.Domain)
	res.JID = u.JID()
	return res, err
}

// errNoServer is for a URI that names only an account to log in as.
func errNoServer() error {
	return &Error{Kind: ErrBadURI, Detail: "it names an account to log in as and nobody to reach", Advice: "write xmpp:example.org"}
}

// servers returns whom to ask now.
func (r *Resolver) servers() ([]netip.AddrPort, error) {
	if len(r.cfg.Servers) > 0 {
		return r.cfg.Servers, nil
	}
	return systemServers(r.cfg.ResolvConf)
}

// roll is one random number from 0 to top inclusive.
func (r *Resolver) roll(top int) int {
	if r.cfg.Roll == nil {
		return rand.IntN(top + 1)
	}
	return min(max(r.cfg.Roll(top), 0), top)
}
