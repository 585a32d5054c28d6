package bridge

import (
	"slices"

	"meshbridge/bridge/caps"
	"meshbridge/bridge/policy"
	"meshbridge/bridge/translate"
	"meshbridge/internal/stanza"
)

// capsNode names this program in capabilities (XEP-0115 section 4). Only its hash
// means something; there is no page to lead to.
const capsNode = "meshbridge"

// selfName is what the gateway is called upstream.
const selfName = "Link-local bridge"

// ownMark is how the gateway advertises a set of its own making.
func ownMark(i caps.Info) caps.Mark { return caps.Mark{Node: capsNode, Hash: "sha-1", Ver: i.Ver()} }

// selfInfo is what the gateway is and can (GW-1).
func selfInfo() caps.Info {
	return caps.Info{
		Identities: []caps.Identity{{Category: "gateway", Type: "xmpp", Name: selfName}},
		Features:   policy.Features(policy.AsComponent),
	}
}

// proxyInfo is what every colleague can on the mesh: what the gateway does in their
// place (LL-CAP-2). Being the same for all it tells nothing of anybody's devices.
func proxyInfo() caps.Info {
	return caps.Info{
		Identities: []caps.Identity{{Category: "client", Type: "pc", Name: "xmpp-bridge"}},
		Features:   policy.Features(policy.AsColleague),
	}
}

// peerInfo is what a peer is and can, seen from upstream (LL-CAP-10): what the client
// has said, or else what the gateway does in its place.
func peerInfo(p *peer) caps.Info {
	if p.can.told() {
		return p.can.info
	}
	i := caps.Info{
		Identities: []caps.Identity{{Category: "client", Type: "pc", Name: translate.DisplayName(p.profile, p.instance)}},
		Features:   policy.Features(policy.AsPeer),
	}
	if _, known := translate.VersionFromProfile(p.profile); known {
		i.Features = append(i.Features, stanza.NSVersion)
		slices.Sort(i.Features)
	}
	return i
}

// peerMark names what peerInfo says: by the client's own mark where that is the very
// same, so that it is recognised, else by one of ours (LL-CAP-3).
func peerMark(p *peer) caps.Mark {
	if p.can.told() && p.can.verified && p.can.whole {
		return markIn(p.profile)
	}
	return ownMark(peerInfo(p))
}

// shownCaps is what the presence of a peer says of its capabilities: nothing where
// nobody knows them.
func shownCaps(p *peer) caps.Mark {
	if p.can.told() && p.can.verified {
		return peerMark(p)
	}
	return caps.Mark{}
}

// disclosure is what is said in the features of streams on the mesh, of an instance with
// the mark of i (LL-STR-13).
func disclosure(i caps.Info) *stanza.Element {
	m := ownMark(i)
	return i.Query(m.Node + "#" + m.Ver)
}

// disco answers disco#info, about the node of the mark or none (LL-CAP-9).
func disco(s stanza.Stanza, i caps.Info, m caps.Mark) stanza.Stanza {
	node := s.Payload[0].Attr("node")
	if node != "" && !m.Names(node) {
		return refused(s, policy.NeverSeen)
	}
	return result(s, i.Query(node))
}

// items answers disco#items, which has no nodes.
func items(s stanza.Stanza, list *stanza.Element) stanza.Stanza {
	if s.Payload[0].Attr("node") != "" {
		return refused(s, policy.NeverSeen)
	}
	return result(s, list)
}

// itemsOfSelf answers disco#items of the gateway: who is here, or what can be commanded,
// to those who may know (GW-2).
func (g *Gateway) itemsOfSelf(s stanza.Stanza, who string) stanza.Stanza {
	switch {
	case s.Payload[0].Attr("node") == stanza.NSCommands:
		return result(s, g.listCommands(who))
	case g.policy.MayCommand(who, policy.CommandWho):
		return items(s, g.listPeers(who))
	}
	return items(s, noItems())
}

// listPeers lists who is here (GW-2, MAP-X2).
func (g *Gateway) listPeers(who string) *stanza.Element {
	query := noItems()
	list, _ := g.here(who, itemMarkup)
	for _, e := range list {
		query.Add(stanza.New(stanza.NSDiscoItems, "item").With("jid", e.jid).With("name", e.name))
	}
	return query
}

// noItems is an empty list.
func noItems() *stanza.Element { return stanza.New(stanza.NSDiscoItems, "query") }

// hello is the presence of the gateway itself.
func (g *Gateway) hello(bare string) stanza.Stanza {
	return stanza.Stanza{
		Kind: stanza.Presence, From: g.cfg.Upstream.Domain, To: bare,
		Payload: []*stanza.Element{g.selfMark.Element()},
	}
}
