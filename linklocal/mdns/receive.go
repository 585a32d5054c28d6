package mdns

import (
	"net/netip"
	"runtime/debug"
)

// arrival is one received packet on its way through the engine.
type arrival struct {
	*message
	packet Packet
	i      *iface
	l      *link
	src    netip.Addr        // without zone
	listed map[recKey]uint32 // what said has found, nil before
}

// onLink reports whether the sender is a neighbour (RFC 6762 section 11).
func (a *arrival) onLink() bool { return a.i.onLink(a.src) }

// receive handles one packet. A packet that makes us stumble is counted and forgotten: this
// is the one place of the package that recovers.
func (e *Engine) receive(p Packet) {
	defer func() {
		if r := recover(); r != nil {
			e.cfg.Count("M3")
			e.log.Error("packet handler failed, packet dropped; please report this", "err", r, "stack", string(debug.Stack()))
		}
	}()
	if e.closing {
		return
	}
	e.batch++
	if a := e.admit(p); a != nil {
		e.dispatch(a)
	}
}

// admit checks a packet before anything in it is believed; nil when it is dropped, which is
// counted under the rule that says so.
func (e *Engine) admit(p Packet) *arrival {
	i := e.iface(p.IfIndex)
	if i == nil || i.link(p.family()) == nil {
		e.cfg.Count("SEC-8")
		return nil
	}
	p.Src = netip.AddrPortFrom(p.Src.Addr().Unmap().WithZone(""), p.Src.Port())
	a := &arrival{packet: p, i: i, l: i.link(p.family()), src: p.Src.Addr()}
	if p.Multicast() && a.l.isEcho(p) {
		return nil
	}
	i.ears.heard(e.now)
	m, err := unpack(p.Data)
	if err != nil {
		e.cfg.Count("M4")
		e.log.Debug("malformed packet dropped", "if", i.Name, "src", a.src, "err", err)
		return nil
	}
	a.message = m
	if rule := a.refusal(); rule != "" {
		e.cfg.Count(rule)
		e.log.Debug("packet dropped", "if", i.Name, "src", a.src, "rule", rule)
		return nil
	}
	return a
}

// refusal names the rule that forbids to look at a, "" when none does.
func (a *arrival) refusal() string {
	switch {
	case a.opcode != 0 || a.rcode != 0:
		return "LL-11.3-4" // RFC 6762 sections 18.3 and 18.11
	case a.response && a.packet.Src.Port() != Port:
		return "LL-11.3-1" // section 6
	case a.response && !a.packet.Multicast() && (!a.onLink() || a.i.e.now.After(a.l.unicastUntil)):
		return "LL-11.3-1" // section 11
	case !a.response && a.packet.Src.Port() != Port && !a.onLink():
		return "LL-5-11" // section 6.7
	case !a.response && !a.packet.Multicast() && !a.onLink():
		return "M1" // section 5.5
	}
	return ""
}

func (e *Engine) dispatch(a *arrival) {
	if a.response {
		e.checkConflicts(a)
		e.suppressDuplicates(a)
		a.i.learn(a)
		e.advanceLookups(a)
		e.advanceFetches(a)
		return
	}
	if len(a.authority) > 0 {
		e.checkProbe(a)
	}
	a.i.overhear(a)
	a.l.noteAsked(a)
	e.answer(a)
}
