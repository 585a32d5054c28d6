package mdns

import (
	"strconv"
	"unicode/utf8"
)

// host is our own machine: Host.local. with its addresses, different on each interface.
type host struct {
	e      *Engine
	claim  *claim
	base   string // as configured
	label  string // current
	shares bool   // another responder on this machine announces the same addresses
}

func newHost(e *Engine, label string) *host {
	h := &host{e: e, base: label, label: label}
	h.claim = newClaim(e, h)
	if label != "" { // else nothing is claimed, so that nothing is ever probed or told
		n, _ := makeName(label, "local") // New has checked the label
		h.claim.take(n)
	}
	return h
}

func (h *host) unique(i *iface) []record {
	if i.left {
		return nil
	}
	var out []record
	for _, a := range i.published(h.e.cfg.GlobalIPv6) {
		out = append(out, addrRecord(h.claim.name, a))
	}
	return out
}

func (h *host) shared(*iface) []record { return nil }
func (h *host) needsHost() bool        { return false }
func (h *host) yieldsTo([]record) bool { return true } // nobody knows us by it: instances keep their names
func (h *host) rename(n int) string    { return numbered(h.base, n) }

func (h *host) renamed(label string) {
	h.e.log.Warn("host name taken by another machine, using the next", "host", label)
	h.label = label
}

// owned lets the services go that waited for the host, and tells those that were announced
// already where they are now.
func (h *host) owned(i *iface) {
	for _, s := range h.e.services {
		switch o := s.claim.on[i]; {
		case o == nil:
		case o.phase == ready:
			s.claim.win(i, o)
		case o.phase == owned:
			s.claim.announce(i, o, 0)
		}
	}
	h.e.note()
}

func (h *host) gaveUp(err error) {
	h.e.log.Error("no host name could be owned, nothing is published", "host", h.base, "err", err)
	for len(h.e.services) > 0 {
		h.e.services[0].claim.giveUp(err)
	}
}

// goodbye withdraws the addresses, unless another responder on this machine stands for the
// same ones: it would lose its name with ours (LL-9-2).
func (h *host) goodbye() {
	if h.shares {
		return
	}
	for i := range h.claim.on {
		if h.claim.owns(i) {
			for _, r := range h.unique(i) {
				i.say(r.withTTL(0))
			}
		}
	}
}

// numbered appends "-n" to base, which is shortened on a UTF-8 boundary where the label
// would exceed 63 octets (LL-3-11, LL-3-17).
func numbered(base string, n int) string {
	suffix := "-" + strconv.Itoa(n)
	if len(base)+len(suffix) > maxLabel {
		base = base[:maxLabel-len(suffix)]
		for len(base) > 0 {
			if r, size := utf8.DecodeLastRuneInString(base); r != utf8.RuneError || size > 1 {
				break
			}
			base = base[:len(base)-1]
		}
	}
	return base + suffix
}
