package bridge

import (
	"strings"

	"meshbridge/bridge/policy"
	"meshbridge/bridge/store"
	"meshbridge/linklocal"
)

// heir says who may have what waits on a route (INJ-26): a certain machine, or with nil
// whom the mesh takes for the peer. It reports false while nobody may. What a person
// said yes to has it under any host name; else the host name must be that of when the
// messages were taken on, and the level that the admin asks for is needed.
func (g *Gateway) heir(r *route) (only *linklocal.Machine, ok bool) {
	sameHost := r.host == "" || strings.EqualFold(r.host, r.peer.host)
	if g.policy.Mesh <= policy.Bound && len(g.facts[store.Approvals]) == 0 {
		return nil, sameHost
	}
	m, vouched := g.voucher(r.peer, r.colleague.key())
	at := g.machineOf(r.peer)
	switch {
	case vouched && (g.policy.Mesh > policy.Bound || at != nil && m.Is(*at)):
		return &m, true
	case g.policy.Mesh > policy.Bound:
		return nil, sameHost && at == nil && g.policy.Mesh == policy.Approved && g.welcomes(r.peer, r.colleague.key())
	}
	return nil, sameHost
}

// voucher returns the machine of a peer, on the host where it is now, that a colleague,
// an admin or a link vouches for, as far as that reaches the level asked for.
func (g *Gateway) voucher(p *peer, colleague string) (m linklocal.Machine, ok bool) {
	if g.denied(p, colleague) {
		return m, false
	}
	for _, pin := range g.pins(p, colleague) {
		switch {
		case !strings.EqualFold(pin.Host, p.host):
		case ok:
			m = m.With(pin)
		default:
			m, ok = pin, true
		}
	}
	return m, ok
}

func (g *Gateway) pins(p *peer, colleague string) (list []linklocal.Machine) {
	_, text, _ := strings.Cut(g.fact(store.Links, p.local), " ")
	if pin, ok := linklocal.ParseMachine(text); ok {
		list = append(list, pin)
	}
	if g.policy.Mesh == policy.Linked {
		return list
	}
	for _, key := range [...]string{approvalKey(p, colleague), p.local} {
		if pin, ok := g.vouched(p, key); ok {
			list = append(list, pin)
		}
	}
	return list
}

// welcomes reports whether somebody said yes to a peer whose machine nobody has met.
func (g *Gateway) welcomes(p *peer, colleague string) bool {
	return !g.denied(p, colleague) &&
		(g.fact(store.Approvals, approvalKey(p, colleague)) == saidYes || g.fact(store.Approvals, p.local) == saidYes)
}
