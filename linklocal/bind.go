package linklocal

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"meshbridge/internal/stanza"
	"meshbridge/linklocal/mdns"
)

// errNotBound says which condition a stream that cannot be bound ends with.
func errNotBound(condition, format string, args ...any) error {
	return &stanza.StreamError{Condition: condition, Text: fmt.Sprintf(format, args...)}
}

// bindPeer finds who the sender of a stream is: claimed must be an instance that is
// present on the interface of the connection, and the connection must come from an
// address of the host that its records name (INJ-4). An empty claim is
// only good for the one instance at that address, if that is allowed (INJ-6).
func (s *stream) bindPeer(ctx context.Context, claimed string) error {
	if claimed == "" {
		return s.bindAnonymous(ctx)
	}
	var instance string
	if !s.m.await(ctx, func() bool {
		p := s.m.peers[mdns.Fold(claimed)]
		if p == nil || !p.on(s.iface.Index) {
			return false
		}
		instance = p.instance
		return true
	}) {
		s.m.cfg.Count("INJ-4")
		return errNotBound("invalid-from", "no such instance on this link")
	}
	ep, err := s.m.locate(ctx, instance, s.iface.Index, s.remote)
	if err != nil {
		s.m.cfg.Count("INJ-4")
		if s.m.impostors.now() {
			s.m.cfg.Log.Warn("refused a stream: its address is not one of the instance it claims to be",
				"instance", instance, "address", s.remote, "error", err)
		}
		return errNotBound("invalid-from", "the connection does not come from the host of that instance")
	}
	s.instance, s.host = instance, ep
	return nil
}

// bindAnonymous binds a stream that names nobody, to the only instance at its
// address. What the cache knows is not asked anew: a stranger could make us ask for
// everybody.
func (s *stream) bindAnonymous(ctx context.Context) error {
	refusal := errNotBound("invalid-from", "say who you are in from")
	if !s.m.cfg.AcceptAnonymous {
		s.m.cfg.Count("INJ-6")
		return refusal
	}
	var here []string
	s.m.call(func() {
		for _, p := range s.m.peers {
			if p.on(s.iface.Index) {
				here = append(here, p.instance)
			}
		}
	})
	found := 0
	for _, instance := range here[:min(len(here), maxCandidates)] {
		ep, err := s.m.resolve(ctx, instance, s.iface.Index, false)
		if err == nil && slices.Contains(ep.Addrs, s.remote) {
			s.instance, s.host = instance, ep
			found++
		}
	}
	if found != 1 || len(here) > maxCandidates || ctx.Err() != nil {
		s.instance = ""
		s.m.cfg.Count("INJ-6")
		return refusal
	}
	return nil
}

// locate looks the records of an instance up and requires that addr is among its
// addresses. Records in the cache are good for as long as their owner said; if they
// do not fit, the owner is asked anew. It is asked once more a little later: a host
// probes an address that it has just got before it shows it, and may already call
// from it.
func (m *Mesh) locate(ctx context.Context, instance string, iface int, addr netip.Addr) (mdns.Endpoint, error) {
	for _, look := range []struct {
		after time.Duration
		fresh bool
	}{{0, false}, {0, true}, {probeTime, true}} {
		if err := wait(ctx, look.after); err != nil {
			return mdns.Endpoint{}, err
		}
		ep, err := m.resolve(ctx, instance, iface, look.fresh)
		if err != nil {
			return ep, err
		}
		if slices.Contains(ep.Addrs, addr) {
			return ep, nil
		}
	}
	return mdns.Endpoint{}, errors.New("the records name other addresses")
}

// resolve finds the host of an instance on a link, in bounded time.
func (m *Mesh) resolve(ctx context.Context, instance string, iface int, fresh bool) (mdns.Endpoint, error) {
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	return m.engine.Resolve(ctx, ServiceType, instance, iface, fresh)
}

// bindSelf finds the proxy that a stream is for.
func (s *stream) bindSelf(ctx context.Context, to string) error {
	if to == "" {
		return errNotBound("host-unknown", "say to whom in to")
	}
	if !s.m.await(ctx, func() bool {
		p := s.m.own[mdns.Fold(to)]
		if p == nil || p.announced.IsZero() {
			return false
		}
		s.proxy, s.self, s.disco = p.Key, p.instance, p.Disco
		return true
	}) {
		s.m.cfg.Count("INJ-7")
		return errNotBound("host-unknown", "no such instance here")
	}
	return nil
}

// admit checks the sender of a stanza against the instance that its stream is bound
// to, and fills it in when the stanza has none (INJ-5). With lenient a resource on it
// is stripped.
func admit(st *stanza.Stanza, bound string, lenient bool) error {
	from := st.From
	if lenient {
		from, _, _ = strings.Cut(from, "/")
	}
	if from == "" {
		from = bound
	}
	if mdns.Fold(from) != mdns.Fold(bound) {
		return errNotBound("invalid-from", "this stream is bound to another instance")
	}
	st.From = bound
	return nil
}
