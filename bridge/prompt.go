package bridge

import (
	"strings"

	"meshbridge/bridge/address"
	"meshbridge/bridge/policy"
	"meshbridge/internal/stanza"
)

// prompt answers the two steps by which a client makes an address of a name: what to
// ask the user for, and the proxy JID of what was typed (XEP-0100 section 6.3, GW-13).
func (g *Gateway) prompt(s stanza.Stanza, who string) stanza.Stanza {
	if s.Type == "get" {
		return result(s, stanza.New(stanza.NSGateway, "query").Add(
			stanza.New(stanza.NSGateway, "desc").AddText("Type the name by which somebody appears on the local network, as their chat program shows it."),
			stanza.New(stanza.NSGateway, "prompt").AddText("user@machine")))
	}
	typed := s.Payload[0].Child(stanza.NSGateway, "prompt")
	if typed == nil {
		return refused(s, policy.Malformed)
	}
	jid, ok := g.prompted(strings.TrimSpace(typed.Text()), who)
	if !ok {
		return refused(s, policy.Malformed)
	}
	return result(s, stanza.New(stanza.NSGateway, "query").Add(stanza.New(stanza.NSGateway, "jid").AddText(jid)))
}

// prompted returns the proxy JID of what somebody typed. Those who may know who is here
// need not type the whole name.
func (g *Gateway) prompted(typed, who string) (string, bool) {
	if g.policy.MayCommand(who, policy.CommandFind) {
		if list := g.whom(typed); len(list) == 1 {
			return list[0].jid, true
		}
	}
	return g.addressOf(typed)
}

// addressOf returns the proxy JID of an instance. One that is typed already is taken
// as it is.
func (g *Gateway) addressOf(typed string) (string, bool) {
	if j, err := address.Parse(typed); err == nil && g.addr.Owns(j) {
		_, possible := address.ParseProxy(j.Localpart())
		return j.Bare().String(), possible
	}
	if typed == "" || len(typed) > address.MaxInstance {
		return "", false
	}
	return g.addr.ProxyJID(typed).String(), true
}
