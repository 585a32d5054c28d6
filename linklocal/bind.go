package linklocal

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"meshbridge/internal/stanza"
	"meshbridge/linklocal/mdns"
)

// errNotBound says which condition a stream that cannot be bound ends with.
func errNotBound(condition, format string, args ...any) error {
	return &stanza.StreamError{Condition: condition, Text: fmt.Sprintf(format, args...)}
}

// bindPeer finds who the sender of a stream is: claimed must be an instance that is
// present on the interface of the connection, and the connection must come from an
// address of the host that its records name (CONFORMANCE INJ-4). An empty claim is
// only good for the one instance at that address, if that is allowed (INJ-6).
func (s *stream) bindPeer(claimed string) error {
	if claimed == "" {
		return s.bindAnonymous()
	}
	var instance string
	s.m.call(func() {
		if p := s.m.peers[mdns.Fold(claimed)]; p != nil {
			if _, here := p.links[s.iface.Index]; here {
				instance = p.instance
			}
		}
	})
	if instance == "" {
		s.m.cfg.Count("INJ-4")
		return errNotBound("invalid-from", "no such instance on this link")
	}
	ep, err := s.m.locate(s.m.ctx, instance, s.iface.Index, s.remote)
	if err != nil {
		s.m.cfg.Count("INJ-4")
		s.m.cfg.Log.Warn("refused a stream: its address is not one of the instance it claims to be",
			"instance", instance, "address", s.remote, "error", err)
		return errNotBound("invalid-from", "the connection does not come from the host of that instance")
	}
	s.instance, s.host = instance, ep
	return nil
}

// bindAnonymous binds a stream that names nobody.
func (s *stream) bindAnonymous() error {
	refusal := errNotBound("invalid-from", "say who you are in from")
	if !s.m.cfg.AcceptAnonymous {
		s.m.cfg.Count("INJ-6")
		return refusal
	}
	var here []string
	s.m.call(func() {
		for _, p := range s.m.peers {
			if _, ok := p.links[s.iface.Index]; ok && len(here) < maxCandidates {
				here = append(here, p.instance)
			}
		}
	})
	found := 0
	for _, instance := range here {
		if ep, err := s.m.locate(s.m.ctx, instance, s.iface.Index, s.remote); err == nil {
			s.instance, s.host = instance, ep
			found++
		}
	}
	if found != 1 {
		s.instance = ""
		s.m.cfg.Count("INJ-6")
		return refusal
	}
	return nil
}

// maxCandidates bounds how many instances are looked up for a stream without a name.
const maxCandidates = 64

// locate looks the records of an instance up and requires that addr is among its
// addresses. Records in the cache are good for as long as their owner said; if they
// do not fit, the owner is asked anew.
func (m *Mesh) locate(ctx context.Context, instance string, iface int, addr netip.Addr) (mdns.Endpoint, error) {
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	for _, fresh := range []bool{false, true} {
		ep, err := m.engine.Resolve(ctx, ServiceType, instance, iface, fresh)
		if err != nil {
			return ep, err
		}
		if slices.Contains(ep.Addrs, addr) {
			return ep, nil
		}
	}
	return mdns.Endpoint{}, errors.New("the records name other addresses")
}

// bindSelf finds the proxy that a stream is for.
func (s *stream) bindSelf(to string) error {
	if to == "" {
		return errNotBound("host-unknown", "say to whom in to")
	}
	ok := false
	s.m.call(func() {
		if p := s.m.own[mdns.Fold(to)]; p != nil && !p.announced.IsZero() {
			s.proxy, s.self, ok = p.Key, p.instance, true
		}
	})
	if !ok {
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
