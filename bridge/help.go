package bridge

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"meshbridge/bridge/translate"
	"meshbridge/internal/stanza"
)

// entry is a peer in a list for colleagues.
type entry struct{ jid, name string }

// here lists who is on the mesh, by address, and how many more there are: the list
// has to fit into one stanza.
func (g *Gateway) here() (list []entry, more int) {
	room := g.cfg.Upstream.MaxStanza / 2
	for _, local := range slices.Sorted(maps.Keys(g.peers)) {
		p := g.peers[local]
		if !p.present {
			continue
		}
		e := entry{p.jid, translate.DisplayName(p.profile, p.instance)}
		if room -= 64 + len(e.jid) + 6*len(e.name); room < 0 { // markup, and "&quot;" for a character
			more++
			continue
		}
		list = append(list, e)
	}
	return list, more
}

// listPeers is the answer to disco#items of the gateway: who is here (GW-2, MAP-X2).
func (g *Gateway) listPeers() *stanza.Element {
	query := stanza.New(stanza.NSDiscoItems, "query")
	list, _ := g.here()
	for _, e := range list {
		query.Add(stanza.New(stanza.NSDiscoItems, "item").With("jid", e.jid).With("name", e.name))
	}
	return query
}

// help answers a message to the gateway itself with what it is for (MAP-M13).
func (g *Gateway) help(w parties) {
	var b strings.Builder
	b.WriteString("This is the bridge to the people on the local network. Add them to your contacts by their address:\n")
	list, more := g.here()
	for _, e := range list {
		fmt.Fprintf(&b, "\n%s: %s", e.name, e.jid)
	}
	switch {
	case more > 0:
		fmt.Fprintf(&b, "\nand %d more.", more)
	case len(list) == 0:
		b.WriteString("\nNobody is here at the moment.")
	}
	g.answerUp(stanza.Stanza{
		Kind: stanza.Message, Type: w.Stanza.Type, ID: newID(),
		From: g.cfg.Upstream.Domain, To: w.Stanza.From,
		Payload: []*stanza.Element{stanza.New("", "body").AddText(b.String())},
	})
}
