package bridge

import (
	"time"

	"meshbridge/bridge/address"
	"meshbridge/bridge/store"
	"meshbridge/linklocal"
)

// Who a peer is, across absences and restarts (INJ-26). The mesh judges who may be
// taken for the holder of an instance; what must hold for longer, an approval or a
// link, is pinned to what was proved of a machine when it was given.

// rivalry is a second machine that claims a peer's instance while the first may still
// be there (INJ-24).
type rivalry struct {
	claimant linklocal.Machine
	since    time.Time
}

// recognised takes in which machine has a peer's instance.
func (g *Gateway) recognised(ev linklocal.Recognised) {
	p := g.seen[ev.Peer]
	if p == nil {
		return // left while the word was on the way
	}
	p.at, p.rival = &ev.Machine, nil
	g.keepIdentity(p)
}

// contested takes in that another machine claims it.
func (g *Gateway) contested(ev linklocal.Contested) {
	if p := g.seen[ev.Peer]; p != nil {
		g.drops.count("INJ-24")
		p.rival = &rivalry{ev.Claimant, time.Now()}
	}
}

// keepIdentity remembers the machine of a peer for whom something can wait, so that a
// restart gives it to no other one. What does not make the machine any better known
// is not worth a write: temporary addresses change by the day.
func (g *Gateway) keepIdentity(p *peer) {
	if p.at == nil || !g.matters(p) {
		return
	}
	known, ok := linklocal.ParseMachine(g.fact(store.Identities, p.local))
	if ok && known.Is(*p.at) && (len(p.at.Seats) == 0 || p.at.Seats[0].MAC == "" || hasHardware(known, p.at.Seats[0].MAC)) {
		return
	}
	if ok || len(g.facts[store.Identities]) < maxIdentities || g.forgetIdentities() {
		g.setFact(store.Identities, p.local, p.at.String())
	}
}

func hasHardware(m linklocal.Machine, mac string) bool {
	for _, s := range m.Seats {
		if s.MAC == mac {
			return true
		}
	}
	return false
}

// matters reports whether anything depends on who a peer is.
func (g *Gateway) matters(p *peer) bool {
	if len(p.watchers) > 0 || g.fact(store.Links, p.local) != "" || g.fact(store.Approvals, p.local) != "" {
		return true
	}
	for key := range g.routes {
		if key.local == p.local {
			return true
		}
	}
	return false
}

// forgetIdentities makes room: of those on whom nothing depends any more. It reports
// false when there are none.
func (g *Gateway) forgetIdentities() bool {
	before := len(g.facts[store.Identities])
	for local := range g.facts[store.Identities] {
		if p := g.peers[local]; p == nil || !g.matters(p) {
			g.setFact(store.Identities, local, "")
		}
	}
	return len(g.facts[store.Identities]) < before
}

// recallIdentities tells the mesh who had which instance in a former run.
func (g *Gateway) recallIdentities() {
	for local, text := range g.facts[store.Identities] {
		instance := ""
		if p := g.peers[local]; p != nil {
			instance = p.instance
		} else if proxy, ok := address.ParseProxy(local); ok {
			instance = proxy.Instance
		}
		if m, ok := linklocal.ParseMachine(text); ok && instance != "" {
			g.mesh.Know(instance, m)
		}
	}
}

// machineOf returns where a peer was last found, or nil.
func (g *Gateway) machineOf(p *peer) *linklocal.Machine {
	if p.at == nil {
		if m, ok := linklocal.ParseMachine(g.fact(store.Identities, p.local)); ok {
			p.at = &m
		}
	}
	return p.at
}

// pinOf returns what is proved of the machine that a peer last spoke from, to store
// beside what is given to it; "" where nothing is known.
func (g *Gateway) pinOf(p *peer) string {
	if m := g.machineOf(p); m != nil {
		return m.Pin().String()
	}
	return ""
}

// pinned reports whether a peer last spoke from the machine of a stored pin.
func (g *Gateway) pinned(p *peer, pin string) bool {
	m, ok := linklocal.ParseMachine(pin)
	at := g.machineOf(p)
	return ok && at != nil && m.Is(*at)
}
