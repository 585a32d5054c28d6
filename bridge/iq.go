package bridge

import (
	"runtime"

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
	if q := w.Stanza.Child(stanza.NSDiscoItems, "query"); q != nil && q.Attr("node") == "" &&
		role == policy.AsComponent && g.policy.MaySubscribe(w.Colleague.JID) {
		g.answerUp(result(w.Stanza, g.listPeers()))
		return
	}
	if r, ok := g.answerIQ(w.Stanza, role, w.peer); ok {
		g.answerUp(r)
	}
}

// answerIQ answers a request of the iq pass list in somebody's place. What is
// answered here is what policy.Features lists.
func (g *Gateway) answerIQ(s stanza.Stanza, role policy.Role, p *peer) (stanza.Stanza, bool) {
	question := s.Payload[0]
	switch question.Name.Space {
	case stanza.NSPing:
		return result(s), true
	case stanza.NSVersion:
		return result(s, g.version()), true
	case stanza.NSDiscoInfo, stanza.NSDiscoItems:
		if question.Attr("node") != "" {
			return stanza.Reply(s, policy.NeverSeen.StanzaError())
		}
	}
	switch question.Name.Space {
	case stanza.NSDiscoItems:
		return result(s, stanza.New(stanza.NSDiscoItems, "query")), true
	case stanza.NSDiscoInfo:
		return result(s, discoInfo(role, p)), true
	}
	return stanza.Reply(s, policy.NotServed.StanzaError())
}

// result answers a request with what was asked for.
func result(s stanza.Stanza, payload ...*stanza.Element) stanza.Stanza {
	return stanza.Stanza{Kind: stanza.IQ, Type: "result", ID: s.ID, From: s.To, To: s.From, Payload: payload}
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
