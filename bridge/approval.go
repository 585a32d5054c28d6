package bridge

import (
	"strings"

	"meshbridge/bridge/policy"
	"meshbridge/bridge/store"
	"meshbridge/linklocal"
)

// A yes to a peer is given by a colleague, for themselves, or by an admin, for
// everybody, and holds for the machine that it was given to (INJ-24, INJ-26). A no
// holds for the name, whoever has it.
const (
	saidYes = "yes" // and a pin, or nothing while no machine was found under that name
	saidNo  = "no"
)

// approvalKey names what a colleague said of a peer, or an admin for colleague "".
func approvalKey(p *peer, colleague string) string {
	if colleague == "" {
		return p.local
	}
	return p.local + " " + colleague
}

// approve lets a peer through: for one colleague, or for everybody when an admin says
// so (colleague ""). It is the machine that was asked about, else the one that the
// peer was last found at. What was kept for the same name elsewhere goes there too. It
// reports false when there is no room for one more word.
func (g *Gateway) approve(p *peer, colleague string) bool {
	pin, asked := g.askedAbout(p, colleague)
	if !asked {
		if m := g.machineOf(p); m != nil {
			pin = m.Pin()
		}
	}
	if old, ok := g.vouched(p, approvalKey(p, colleague)); ok {
		if pin.Host == "" {
			pin = old
		}
		pin = pin.With(old) // the cable and the radio
	}
	word := saidYes
	if pin.Host != "" {
		word += " " + pin.String()
	}
	waiting := g.marks(p, colleague)
	if !g.decide(p, colleague, word) {
		return false
	}
	for _, key := range waiting {
		if c := g.colleagues[strings.TrimPrefix(key, holdKey(p, ""))]; c != nil && g.policy.Mesh == policy.Approved {
			g.sayNow(c, p, "You can write to "+c.called()+" now. Send again what was not delivered.")
		}
	}
	g.log.Info("a person on the LAN was approved", "rule", "SEC-2", "by_admin", colleague == "")
	g.log.Debug("approved", "peer", p.instance, "for", colleague)
	g.keepIdentity(p)
	g.resumePeer(p)
	return true
}

// deny shuts a peer out, whichever machine has the name: for one colleague, or for
// everybody. It counts under access.mesh approved and linked, where what waits for a yes
// is answered. It reports false when there is no room for one more word.
func (g *Gateway) deny(p *peer, colleague string) bool {
	if !g.decide(p, colleague, saidNo) {
		return false
	}
	for key, r := range g.routes {
		if r.peer == p && (colleague == "" || colleague == key.colleague) && g.policy.Mesh > policy.Bound {
			g.refuseRoute(r, "SEC-2", policy.Forbidden)
		}
	}
	return true
}

// decide notes what was said of a peer, and that nobody need be asked any more.
func (g *Gateway) decide(p *peer, colleague, word string) bool {
	key := approvalKey(p, colleague)
	if g.fact(store.Approvals, key) == "" && !g.mayDecide(colleague) {
		g.drops.count("SEC-2")
		return false
	}
	g.setFact(store.Approvals, key, word)
	g.letGo(p, colleague)
	return true
}

// mayDecide reports whether there is room for one more word of a colleague, or of an
// admin.
func (g *Gateway) mayDecide(colleague string) bool {
	own, all := 0, len(g.facts[store.Approvals])
	for key := range g.facts[store.Approvals] {
		if colleague != "" && strings.HasSuffix(key, " "+colleague) {
			own++
		}
	}
	return own < maxApprovalsEach && all < maxApprovals
}

// vouched returns the machine that was said yes to under a key. The first one that is
// found after a yes to nobody in particular is it.
func (g *Gateway) vouched(p *peer, key string) (linklocal.Machine, bool) {
	word := g.fact(store.Approvals, key)
	if word == saidYes {
		at := g.machineOf(p)
		if at == nil {
			return linklocal.Machine{}, false
		}
		word = saidYes + " " + at.Pin().String()
		g.setFact(store.Approvals, key, word)
	}
	said, pin, _ := strings.Cut(word, " ")
	if said != saidYes {
		return linklocal.Machine{}, false
	}
	return linklocal.ParseMachine(pin)
}

// denied reports whether a colleague, or an admin, said no to a peer.
func (g *Gateway) denied(p *peer, colleague string) bool {
	if len(g.facts[store.Approvals]) == 0 {
		return false
	}
	return g.fact(store.Approvals, p.local) == saidNo || g.fact(store.Approvals, approvalKey(p, colleague)) == saidNo
}

// approved reports whether somebody with authority said yes to a peer, as it was last
// found: the colleague, or an admin, whom alone colleague "" asks for.
func (g *Gateway) approved(p *peer, colleague string) bool {
	at := g.machineOf(p)
	if at == nil || g.denied(p, colleague) {
		return false
	}
	for _, key := range [...]string{approvalKey(p, colleague), p.local} {
		if m, ok := g.vouched(p, key); ok && m.Is(*at) {
			return true
		}
	}
	return false
}
