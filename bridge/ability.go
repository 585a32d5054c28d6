package bridge

import (
	"maps"
	"slices"

	"meshbridge/bridge/caps"
	"meshbridge/bridge/config"
	"meshbridge/bridge/policy"
	"meshbridge/bridge/translate"
	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
)

// ability is what a peer's client can, as far as that is of use to somebody upstream
// (LL-CAP-10). The zero ability is that of a client which does not say.
type ability struct {
	info     caps.Info
	whole    bool // nothing was left out
	verified bool // it has the hash of the record
}

// sign is what capabilities are recognised by, whoever has them.
type sign struct{ hash, ver string }

// markIn returns what a record says of the client's capabilities.
func markIn(p linklocal.Profile) caps.Mark { return caps.Mark{Node: p.Node, Hash: p.Hash, Ver: p.Ver} }

// recognise takes in which client a peer's record names now, and reports whether that
// is another one. Of that nothing is known, but what others with the same hash have
// told (LL-CAP-5).
func (g *Gateway) recognise(p *peer, now linklocal.Profile) bool {
	m := markIn(now)
	if p.present && m == markIn(p.profile) {
		return false
	}
	p.can, p.mute = nil, false
	if m.Whole() {
		p.can = g.abilities[sign{m.Hash, m.Ver}]
	}
	return true
}

// learn finds out what a peer's client can, unless that is known, and then calls
// then. Nobody is asked before somebody wants to know (LL-CAP-6), and no stream is
// opened for that to a client whose record promises nothing: those that do not answer
// are the ones that lose messages when two streams meet.
func (g *Gateway) learn(c *colleague, p *peer, then func()) {
	if p.can != nil || !g.mayAsk(c, p) || !g.shows(config.TXTVersion) {
		then()
		return
	}
	m, question := markIn(p.profile), stanza.New(stanza.NSDiscoInfo, "query")
	if m.Whole() {
		question.With("node", m.Node+"#"+m.Ver)
	}
	g.inquire(c, p, question, !m.Whole(), func(f finding, reply stanza.Stanza) {
		if f == answered && p.can == nil && m == markIn(p.profile) {
			g.learned(p, m, reply)
		}
		then()
	})
}

// learned takes in what a client says that it can. What is not what its record
// promises is not believed (INJ-25); one whose record promises nothing that could be
// checked speaks for itself only.
func (g *Gateway) learned(p *peer, m caps.Mark, reply stanza.Stanza) {
	p.can = new(ability)
	if q := reply.Child(stanza.NSDiscoInfo, "query"); reply.Type != "error" && q != nil {
		g.believe(p, m, q)
	}
}

// disclosed takes in what a client says that it can before anybody has asked. It is of
// use only where its record promises the same (LL-STR-14).
func (g *Gateway) disclosed(ev linklocal.Disclosed) {
	p := g.seen[ev.Peer]
	if p == nil || p.can.told() || !g.shows(config.TXTVersion) {
		return
	}
	if m := markIn(p.profile); m.Whole() {
		g.believe(p, m, ev.Query)
	}
}

// believe takes a client's answer to disco#info for what it can, unless its record says
// otherwise.
func (g *Gateway) believe(p *peer, m caps.Mark, answer *stanza.Element) {
	info, err := caps.Parse(answer)
	if err != nil || m.Whole() && !m.Fits(info) {
		g.drops.count("INJ-25")
		return
	}
	p.can = sift(info)
	if p.can.verified = m.Whole(); p.can.verified {
		g.showToAll(p)
		g.keepAbility(sign{m.Hash, m.Ver}, p.can)
	}
}

// keepAbility remembers an ability for others who have it or will come. Of too many,
// any is forgotten: peers keep their own.
func (g *Gateway) keepAbility(s sign, a *ability) {
	for _, local := range slices.Sorted(maps.Keys(g.peers)) {
		p := g.peers[local]
		if m := markIn(p.profile); p.present && p.can == nil && m.Whole() && (sign{m.Hash, m.Ver}) == s {
			p.can = a
			g.showToAll(p)
		}
	}
	if len(g.abilities) >= maxAbilities {
		for other := range g.abilities {
			delete(g.abilities, other)
			break
		}
	}
	g.abilities[s] = a
}

// sift leaves of what a client can what crosses, of what it is that it is a client,
// in words that mislead nobody.
func sift(info caps.Info) *ability {
	a := &ability{whole: len(info.Forms) == 0}
	for _, id := range info.Identities {
		if id.Category == "client" && plain(id.Type) && plain(id.Lang) && plain(id.Name) {
			a.info.Identities = append(a.info.Identities, id)
		}
	}
	for _, f := range info.Features {
		if policy.Reachable(f) {
			a.info.Features = append(a.info.Features, f)
		}
	}
	a.whole = a.whole && len(a.info.Identities) == len(info.Identities) && len(a.info.Features) == len(info.Features)
	if len(a.info.Identities) == 0 {
		a.whole = false
		a.info.Identities = []caps.Identity{{Category: "client", Type: "pc"}}
	}
	return a
}

// plain reports whether a stranger's word can be shown as it is.
func plain(s string) bool { return translate.Tame(s) == s }

// told reports whether the client has said what it can.
func (a *ability) told() bool { return a != nil && len(a.info.Identities) > 0 }

// has reports whether a client has said that it can something.
func (a *ability) has(feature string) bool { return a.told() && a.info.Has(feature) }
