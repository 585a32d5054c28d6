package bridge

import (
	"runtime"
	"strings"

	"meshbridge/bridge/policy"
	"meshbridge/bridge/translate"
	"meshbridge/internal/stanza"
)

// answerServer answers a question or a message to the gateway itself, or a
// question to a peer in the peer's place.
func (g *Gateway) answerServer(w parties) {
	if w.Stanza.Kind == stanza.Message {
		g.help(w)
		return
	}
	role := policy.AsComponent
	if w.peer != nil {
		role = policy.AsPeer
	}
	if r, ok := g.answerIQ(w.Stanza, role, w.peer); ok {
		g.sendUp(r)
	}
}

// answerIQ answers a request of the iq pass list in somebody's place. What is
// answered here is what policy.Features lists.
func (g *Gateway) answerIQ(s stanza.Stanza, role policy.Role, p *peer) (stanza.Stanza, bool) {
	result := stanza.Stanza{Kind: stanza.IQ, Type: "result", ID: s.ID, From: s.To, To: s.From}
	question := s.Payload[0]
	switch question.Name.Space {
	case stanza.NSPing:
		return result, true
	case stanza.NSVersion:
		result.Payload = []*stanza.Element{g.version()}
		return result, true
	case stanza.NSDiscoInfo, stanza.NSDiscoItems:
		if question.Attr("node") != "" {
			return stanza.Reply(s, policy.NeverSeen.StanzaError())
		}
	}
	switch question.Name.Space {
	case stanza.NSDiscoItems:
		result.Payload = []*stanza.Element{stanza.New(stanza.NSDiscoItems, "query")}
	case stanza.NSDiscoInfo:
		result.Payload = []*stanza.Element{discoInfo(role, p)}
	default:
		return stanza.Reply(s, policy.NotServed.StanzaError())
	}
	return result, true
}

// discoInfo says who answers and what is answered (XEP-0030 section 3.1).
func discoInfo(role policy.Role, p *peer) *stanza.Element {
	identity := stanza.New(stanza.NSDiscoInfo, "identity")
	switch {
	case role == policy.AsComponent:
		identity.With("category", "gateway").With("type", "xmpp").With("name", "Link-local bridge")
	case p != nil:
		identity.With("category", "client").With("type", "pc").With("name", translate.DisplayName(p.profile, p.instance))
	default:
		identity.With("category", "client").With("type", "pc").With("name", "xmpp-bridge")
	}
	query := stanza.New(stanza.NSDiscoInfo, "query").Add(identity)
	for _, feature := range policy.Features(role) {
		query.Add(stanza.New(stanza.NSDiscoInfo, "feature").With("var", feature))
	}
	return query
}

// version names the program (XEP-0092).
func (g *Gateway) version() *stanza.Element {
	return stanza.New(stanza.NSVersion, "query").Add(
		stanza.New(stanza.NSVersion, "name").AddText("meshbridge"),
		stanza.New(stanza.NSVersion, "version").AddText(g.opts.Version),
		stanza.New(stanza.NSVersion, "os").AddText(runtime.GOOS),
	)
}

// help answers a message to the gateway itself with what it is for (MAP-M13).
func (g *Gateway) help(w parties) {
	var b strings.Builder
	b.WriteString("This is the bridge to the people on the local network. Add them to your contacts by their address:\n")
	n := 0
	for _, p := range g.peers {
		if p.present {
			n++
			b.WriteString("\n" + translate.DisplayName(p.profile, p.instance) + ": " + g.jid(p))
		}
	}
	if n == 0 {
		b.WriteString("\nNobody is here at the moment.")
	}
	g.sendUp(stanza.Stanza{
		Kind: stanza.Message, Type: w.Stanza.Type, ID: newID(),
		From: g.cfg.Upstream.Domain, To: w.Stanza.From,
		Payload: []*stanza.Element{stanza.New("", "body").AddText(b.String())},
	})
}
