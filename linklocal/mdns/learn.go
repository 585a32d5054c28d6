package mdns

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

// learn takes in what a response tells about browsed types and pending lookups; all else is
// of no interest and not kept. Instances touched are judged at the end of the packet, so
// that PTR and TXT of one packet make one event.
func (i *iface) learn(a *arrival) {
	i.slack = between(0, time.Second).Seconds()
	for _, pass := range [][]uint16{{typePTR}, {typeSRV, typeTXT}, {typeA, typeAAAA, typeNSEC}} {
		for _, rs := range [][]record{a.answers, a.additional} {
			for _, r := range rs {
				if slices.Contains(pass, r.typ) && r.class == classIN && i.wants(r) {
					i.take(r, a.src)
				}
			}
		}
	}
	touched := i.behold
	i.behold = nil
	for _, n := range touched {
		i.judge(n)
	}
}

// take books one record.
func (i *iface) take(r record, src netip.Addr) {
	if r.ttl == 0 {
		i.goodbye(r, src)
		return
	}
	if len(r.data) > maxTXT && r.typ == typeTXT {
		i.e.cfg.Count("M4")
		return
	}
	if r.typ == typeTXT && r.data == "" {
		r.data = "\x00" // RFC 6763 section 6.1: the same
	}
	n := i.cache.put(r, src, i.e.batch)
	if n == nil {
		return
	}
	switch r.typ {
	case typePTR:
		i.meet(r)
		i.touch(r.target())
	case typeTXT, typeSRV:
		i.touch(r.name)
	}
}

func (i *iface) touch(n name) {
	n = n.fold()
	f := i.found[n]
	if f == nil {
		return
	}
	f.heardOf()
	if !slices.Contains(i.behold, n) {
		i.behold = append(i.behold, n)
	}
}

// wants reports whether r is worth keeping.
func (i *iface) wants(r record) bool {
	switch r.typ {
	case typePTR:
		t := r.target()
		return i.e.browses(r.name) && t != "" && t.parent().fold() == r.name.fold() && !i.e.isOwn(t)
	case typeSRV:
		return r.target() != "" && (i.e.browses(r.name.parent()) || i.e.looksUp(i, r.name))
	case typeTXT:
		return i.e.browses(r.name.parent()) || i.e.looksUp(i, r.name)
	case typeA, typeAAAA:
		return r.addr().IsValid() && (i.cache.hosts[r.name.fold()] > 0 || i.e.looksUpHost(i, r.name))
	}
	return i.cache.hosts[r.name.fold()] > 0
}

// goodbye withdraws a record: in a second, if its host says so (RFC 6762 section 10.1,
// LL-9-4); a stranger's word only makes us ask (LL-9-9).
func (i *iface) goodbye(r record, src netip.Addr) {
	n := i.cache.find(r)
	if n == nil && r.typ == typeTXT && len(r.data) <= 1 {
		// Some withdraw the TXT without its rdata; it is the only one of its set.
		if set := i.cache.latest(r.name, r.typ); len(set) == 1 {
			n = set[0]
		}
	}
	switch {
	case n == nil:
	case i.mayWithdraw(n, src):
		n.doubted = false
		i.cache.shorten(n, goodbyeHold)
		if f := i.found[i.instanceOf(n)]; f != nil {
			f.drop() // it is no question any more
		}
	case !n.expires.After(i.e.now.Add(goodbyeHold)): // it goes anyway
	default:
		i.e.cfg.Count("LL-9-9")
		i.e.log.Debug("goodbye from another host, asking again", "if", i.Name, "src", src)
		if f := i.instanceWith(n); f != nil {
			f.hint("LL-9-9", "another host said goodbye for it", reconfirmTime)
		} else {
			i.reconfirm(n)
		}
	}
}

// reconfirm gives a doubted record ten seconds to be confirmed, and asks for it (RFC 6762
// section 10.4).
func (i *iface) reconfirm(n *entry) {
	if n.doubted {
		return
	}
	n.doubted = true
	i.cache.shorten(n, reconfirmTime)
	gap := between(browseDelayMin, browseDelayMax)
	for range txtQuestions {
		i.e.in(gap, func() {
			if n.doubted && !i.left {
				i.ask(question{name: n.name, typ: n.typ, class: classIN})
			}
		})
		gap = 2*gap + retransmitFirst
	}
}

// instanceWith is the instance shown that n is a record of, nil when there is none.
func (i *iface) instanceWith(n *entry) *found {
	key := i.instanceOf(n)
	if n.typ == typeSRV {
		key = n.name.fold()
	}
	if f := i.found[key]; f != nil && f.shown {
		return f
	}
	return nil
}

// instanceOf is the folded name of the instance that lives by n, "" when none does.
func (i *iface) instanceOf(n *entry) name {
	switch n.typ {
	case typePTR:
		return n.target().fold()
	case typeTXT:
		return n.name.fold()
	}
	return ""
}

// gone follows up when an entry has left the cache.
func (i *iface) gone(n *entry) {
	if inst := i.instanceOf(n); inst != "" {
		i.judge(inst)
	}
	i.forgetIfEmpty()
}

// hostOf is the host that an SRV record means. Version 0.15 of XEP-0174 put user@machine
// there; the machine is what is behind the last @ (LL-3-18).
func hostOf(target name) name {
	label := target.first()
	at := strings.LastIndexByte(label, '@')
	if at < 0 || at == len(label)-1 {
		return target
	}
	n, err := target.parent().child(label[at+1:])
	if err != nil {
		return target
	}
	return n
}
