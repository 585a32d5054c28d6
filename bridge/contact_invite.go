package bridge

import (
	"slices"
	"time"

	"meshbridge/bridge/policy"
	"meshbridge/bridge/store"
)

// invitation begins the keys of invitations among the notices.
const invitation = "invited"

// invite asks somebody to join, once ever, whoever wants it.
func (g *Gateway) invite(p *peer, typed string) string {
	if typed == "" {
		return "Say whom, such as invite bob@example.org."
	}
	account, problem := g.accountTyped(typed)
	key := noteKey(invitation, store.Pair{Colleague: account})
	switch c := g.colleagues[account]; {
	case problem != "":
		return problem
	case !g.policy.MaySubscribe(account):
		g.drops.count("INJ-10")
		return "This gateway is not for " + account + ". Ask the administrator of your network to admit them; then invite them again."
	case c != nil && c.published:
		return account + " is here already: write to them as " + c.instance + "."
	case c != nil && g.belongs(c):
		return account + " belongs here already, and shows up in your list when they are online."
	case g.fact(store.Notices, key) != "":
		return account + " has been invited already."
	case g.session == nil:
		return "The chat server cannot be reached at the moment. Try again later."
	}
	if problem := g.letters.maySend(&p.dialogue, account, time.Now()); problem != "" {
		return problem
	}
	g.noteDown(key)
	g.write(p, account, describe(p)+" invites you to chat. I am the gateway to the local network "+g.addr.Machine()+
		", where they are. To write to them, add "+p.jid+" to your contacts"+g.howToRegister()+
		". If you do not want to, do nothing: you will not be asked again.")
	return "I have invited " + account + "."
}

// howToRegister says what else an invited person can do, where the gateway lets them.
func (g *Gateway) howToRegister() string {
	if !slices.Contains(policy.Features(policy.AsComponent), "jabber:iq:register") {
		return ""
	}
	return "; to appear in theirs, register with me: xmpp:" + g.cfg.Upstream.Domain + "?register"
}
