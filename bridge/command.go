package bridge

import (
	"slices"

	"meshbridge/bridge/adhoc"
	"meshbridge/bridge/caps"
	"meshbridge/bridge/form"
	"meshbridge/bridge/policy"
	"meshbridge/internal/stanza"
)

// command is something that somebody upstream can have done by a command (XEP-0050).
type command struct {
	policy.Command
	name  string // as clients show it in a menu
	begin func(who string, reply func(adhoc.Step))
}

// commands lists what there is, in the order of the menu.
func (g *Gateway) commands() []command {
	return []command{
		{policy.CommandWho, "Who is on the LAN", g.beginWho},
		{policy.CommandFind, "Find somebody by name", g.beginFind},
		{policy.CommandBlock, "Block or unblock people", g.beginBlock},
		{policy.CommandApprove, "Approve or deny people", g.beginApprove},
		{policy.CommandResolve, "Resolve an address", g.beginResolve},
		{policy.CommandStats, "Statistics", g.beginStats},
	}
}

// commandAt finds the command of a node for somebody, or says why there is none.
func (g *Gateway) commandAt(node, who string) (command, policy.Reason) {
	list := g.commands()
	i := slices.IndexFunc(list, func(c command) bool { return string(c.Command) == node })
	switch {
	case i < 0:
		return command{}, policy.NeverSeen
	case !g.policy.MayCommand(who, list[i].Command):
		return command{}, policy.Forbidden
	}
	return list[i], ""
}

// serveCommand answers a request for a command, now or when it has come to its next
// step (GW-20). Whether its sender may is looked at each time.
func (g *Gateway) serveCommand(w parties) {
	s := w.Stanza
	answer := func(e *stanza.Element, f *adhoc.Fault) {
		if f != nil {
			g.drops.count("GW-20")
			g.answerUp(f.Answer(s))
			return
		}
		g.answerUp(result(s, e))
	}
	r, fault := adhoc.Read(s)
	c, why := g.commandAt(r.Node, w.Colleague.JID)
	switch {
	case why != "":
		answer(nil, &adhoc.Fault{Error: why.StanzaError()})
	case fault != nil:
		answer(nil, fault)
	default:
		g.dialogues.Serve(r, func(reply func(adhoc.Step)) { c.begin(w.Colleague.JID, reply) }, answer)
	}
}

// listCommands is the answer to disco#items of the list: what its sender may.
func (g *Gateway) listCommands(who string) *stanza.Element {
	query := noItems().With("node", stanza.NSCommands)
	for _, c := range g.commands() {
		if g.policy.MayCommand(who, c.Command) {
			query.Add(stanza.New(stanza.NSDiscoItems, "item").
				With("jid", g.cfg.Upstream.Domain).With("node", string(c.Command)).With("name", c.name))
		}
	}
	return query
}

// discoCommand answers disco#info about the list of commands, or one of them. It
// reports false for a node that is neither.
func (g *Gateway) discoCommand(s stanza.Stanza, who string) (stanza.Stanza, bool) {
	node := s.Payload[0].Attr("node")
	if node == stanza.NSCommands {
		return result(s, automation("command-list", "Commands").Query(node)), true
	}
	switch c, why := g.commandAt(node, who); why {
	case "":
		return result(s, automation("command-node", c.name, form.NS).Query(node)), true
	case policy.Forbidden:
		g.drops.count("GW-20")
		return refused(s, why), true
	}
	return stanza.Stanza{}, false
}

// automation is what a node of commands is (XEP-0050 section 2.2).
func automation(kind, name string, more ...string) caps.Info {
	return caps.Info{
		Identities: []caps.Identity{{Category: "automation", Type: kind, Name: name}},
		Features:   append([]string{stanza.NSCommands}, more...),
	}
}

// said is the end of a command of which there is nothing but words.
func said(text string) adhoc.Step { return adhoc.Step{Note: text} }

// failedStep is the end of a command that did nothing.
func failedStep(why string) adhoc.Step { return adhoc.Step{Note: why, Failed: true} }
