package bridge

import (
	"strings"

	"meshbridge/bridge/adhoc"
	"meshbridge/bridge/form"
	"meshbridge/bridge/policy"
)

// beginApprove asks about whom somebody wants to say yes or no: a colleague about who
// wants to write to them, an admin about everybody (SEC-2, GW-20).
func (g *Gateway) beginApprove(who string, reply func(adhoc.Step)) {
	reply(adhoc.Step{
		Form: form.Form{
			Title: "Approve or deny", Instructions: "People on the local network who wait for a yes. It holds " + g.reach(who) + ".",
			Fields: []form.Field{
				{Var: "person", Kind: form.ListSingle, Label: "Person", Options: g.undecided(who)},
				{Var: "other", Kind: form.TextSingle, Label: "Somebody else", Desc: "as juliet@pronto"},
				{Var: "answer", Kind: form.ListSingle, Label: "Answer", Required: true, Options: []form.Option{{Value: saidYes, Label: "Approve"}, {Value: saidNo, Label: "Deny"}}},
			},
		},
		Last: true,
		Then: func(a form.Answers, reply func(adhoc.Step)) {
			name, on := a.One("other"), a.One("answer") == saidYes
			if local := a.One("person"); name == "" && local != "" {
				reply(said(g.decideOn(who, local, on)))
				return
			}
			reply(said(g.decideNamed(who, name, on)))
		},
	})
}

// undecided lists the people about whom somebody can say something that is waited for.
func (g *Gateway) undecided(who string) (options []form.Option) {
	listed, left := map[string]bool{}, g.listRoom()
	for _, h := range g.held() {
		o := form.Option{Value: h.peer.local, Label: g.instanceOf(h.peer.local) + ": " + h.why}
		if (h.colleague == who || g.policy.Admins[who]) && !listed[o.Value] && left.takes(optionMarkup, o.Value, o.Label) {
			listed[o.Value] = true
			options = append(options, o)
		}
	}
	return options
}

// decideNamed says yes or no about somebody by name.
func (g *Gateway) decideNamed(who, name string, on bool) string {
	local, unclear := g.exactly(name)
	if unclear != "" {
		return unclear
	}
	return g.decideOn(who, local, on)
}

// decideOn says yes or no about one, as far as that is for somebody to say.
func (g *Gateway) decideOn(who, local string, on bool) string {
	colleague := who
	if g.policy.Admins[who] {
		colleague = ""
	}
	p, name := g.peerOf(local), g.instanceOf(local)
	defer g.release(p) // the name may be one that nobody ever had
	switch {
	case !on && g.policy.Mesh <= policy.Bound:
		return "Nobody on the local network needs a yes here, so a no changes nothing. Write block " + name + " to hear nothing of them."
	case on && !g.approve(p, colleague), !on && !g.deny(p, colleague):
		return "That was not noted: there is no room for more of it. Tell the administrator of the bridge."
	case !on:
		return name + " is denied, " + g.reach(who) + "."
	case g.policy.Mesh == policy.Linked:
		return name + " is approved, " + g.reach(who) + ". Before they can write to anybody they have to prove that they own an XMPP account."
	}
	return name + " is approved, " + g.reach(who) + "."
}

// reach is for whom somebody's word holds.
func (g *Gateway) reach(who string) string {
	if g.policy.Admins[who] {
		return "for everybody"
	}
	return "for you"
}

// toDecide names, in a list of who is here or waits, those about whom somebody is asked.
func (g *Gateway) toDecide(who string) string {
	var names []string
	for _, o := range g.undecided(who) {
		names = append(names, o.Label)
	}
	if len(names) == 0 {
		return ""
	}
	return "\n\nWho waits for a yes:\n" + strings.Join(names, "\n")
}
