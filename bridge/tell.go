package bridge

import "meshbridge/internal/stanza"

// tell sends somebody upstream a message of the gateway's own.
func (g *Gateway) tell(to, text string) {
	g.answerUp(stanza.Stanza{
		Kind: stanza.Message, Type: "chat", ID: newID(), From: g.cfg.Upstream.Domain, To: to,
		Payload: []*stanza.Element{stanza.New("", "body").AddText(text)},
	})
}
