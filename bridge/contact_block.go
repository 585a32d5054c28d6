package bridge

import (
	"strings"

	"meshbridge/bridge/config"
	"meshbridge/bridge/store"
	"meshbridge/bridge/wording"
)

// blockFor blocks a colleague for a peer, or lets them through again.
func (g *Gateway) blockFor(p *peer, r wording.Request) string {
	verb := string(r.Verb)
	if r.Object == "" {
		return "Say whom: " + verb + " NAME. Type who to see the names."
	}
	jid, problem := g.colleagueNamed(p, r.Object)
	if problem != "" {
		return problem
	}
	name := jid
	if c := g.colleagues[jid]; c != nil {
		name = c.called()
	}
	pair := store.Pair{Colleague: jid, Local: p.local}
	on := r.Verb == wording.Block
	if g.blockedBy(pair, byPeer) == on {
		if on {
			return name + " is blocked already. Type unblock " + jid + " to undo it."
		}
		return name + " is not blocked."
	}
	g.setBlock(pair, byPeer, on)
	switch {
	case g.blockedBy(pair, byPeer) != on:
		return "That did not work: there are too many blocks. Unblock somebody first."
	case on:
		return "Messages of " + name + " do not reach you any more. Type unblock " + jid + " to undo it."
	}
	return "Messages of " + name + " reach you again."
}

// colleagueNamed finds the colleague that a peer names by address, instance or nick. Else it
// returns what to say.
func (g *Gateway) colleagueNamed(p *peer, typed string) (jid, problem string) {
	name := strings.TrimPrefix(wording.Name(typed), "xmpp:")
	if name == "" {
		return "", whomElse(name, nil, nil)
	}
	if g.blockedBy(store.Pair{Colleague: name, Local: p.local}, byPeer) {
		return name, "" // also of somebody of whom nothing else is known any more
	}
	var found, names []string
	for _, c := range g.colleagueList() {
		if !g.knows(p, c) {
			continue
		}
		instance, _ := g.addr.Instance(c.bare)
		nick := wording.Name(c.nick)
		switch name {
		case wording.Name(c.key()), wording.Name(instance), wording.Name(c.instance):
			return c.key(), ""
		case nick:
			found = append(found, c.key())
		}
		if names = append(names, wording.Name(c.key())); nick != "" {
			names = append(names, nick)
		}
	}
	if len(found) == 1 {
		return found[0], ""
	}
	return "", whomElse(name, found, names)
}

// knows reports whether a peer may learn that somebody uses this gateway: who appears on
// the mesh, and who watches this peer (PRIV-5).
func (g *Gateway) knows(p *peer, c *colleague) bool {
	return c.published || g.belongs(c) || p.watchers[c.key()]
}

// whomElse says why a name leads to nobody.
func whomElse(name string, found, names []string) string {
	switch near := config.Nearest(name, names); {
	case len(found) > 1:
		return "There are several of that name. Say whom you mean by the address: " + wording.List(found) + "."
	case near != "":
		return "I know nobody of that name. Did you mean " + near + "?"
	}
	return "I know nobody of that name. Type who to see the names."
}
