package bridge

import (
	"maps"
	"slices"
	"strings"
	"time"

	"meshbridge/bridge/address"
	"meshbridge/bridge/form"
	"meshbridge/bridge/policy"
	"meshbridge/bridge/store"
	"meshbridge/bridge/translate"
	"meshbridge/internal/stanza"
)

// Who registers opts in to be shown on the mesh (XEP-0077, GW-3). For those on the
// admin's list that was done by the admin; they can end it, and register again.

// What a fact of kind Registrations says.
const (
	hasJoined = "+" // and then the name that was chosen, if any
	hasLeft   = "-" // of somebody listed
)

// asColleague is how a colleague stands to an address of ours, for the policy.
func (g *Gateway) asColleague(pair store.Pair) policy.Colleague {
	fact := g.fact(store.Registrations, pair.Colleague)
	return policy.Colleague{
		JID: pair.Colleague, Subscribed: g.subs[pair]&store.Watching != 0,
		Registered: strings.HasPrefix(fact, hasJoined), Left: fact == hasLeft,
	}
}

// belongs reports whether a colleague opted in.
func (g *Gateway) belongs(c *colleague) bool {
	return g.policy.MayAppear(g.asColleague(store.Pair{Colleague: c.key()}))
}

// maySpeak reports whether a colleague may still be heard by a peer, and so be shown on
// the mesh for that (PRIV-5). While parting there is the time for last words.
func (g *Gateway) maySpeak(c *colleague, p *peer) bool {
	return c.parting > 0 && !c.parted() || g.policy.MayTalk(g.asColleague(store.Pair{Colleague: c.key(), Local: p.local}))
}

// register answers a request about somebody's registration. Who may make it has been
// decided.
func (g *Gateway) register(w parties) {
	s := w.Stanza
	query, in := s.Payload[0], g.policy.MayAppear(w.Colleague)
	switch {
	case s.Type == "get":
		g.answerUp(result(s, g.form(w.Colleague.JID, in)))
	case query.Child(stanza.NSRegister, "remove") == nil:
		g.enrol(w)
	case len(query.Elements()) != 1: // XEP-0077 section 3.2.1
		g.answerUp(refused(s, policy.Malformed))
	default:
		g.answerUp(result(s))
		g.unregister(g.colleagues[w.Colleague.JID])
	}
}

// form says what there is to register, and how somebody has.
func (g *Gateway) form(bare string, in bool) *stanza.Element {
	text := "Register to appear on the local network of " + g.cfg.LinkLocal.Machine +
		". People there will see when you are online, and can write to you. You may choose the name that they see."
	q, c, nick := stanza.New(stanza.NSRegister, "query"), g.colleagues[bare], ""
	if c != nil && in {
		q.Add(stanza.New(stanza.NSRegister, "registered"))
		text = "You appear on the local network of " + g.cfg.LinkLocal.Machine + " while you are online. You may change the name that people see there."
		nick = c.nick
	}
	if c != nil && c.named {
		text += " Yours was set by the administrator and stays as it is."
	}
	return q.Add(
		stanza.New(stanza.NSRegister, "instructions").AddText(text),
		stanza.New(stanza.NSRegister, "nick").AddText(nick),
		nickForm(text, nick))
}

// nickForm is the same as a form (XEP-0077 section 4).
func nickForm(text, nick string) *stanza.Element {
	f := fields
	f.Instructions = text
	f.Fields = slices.Clone(f.Fields)
	if nick != "" {
		f.Fields[0].Values = []string{nick}
	}
	kind := stanza.New(form.NS, "field").With("var", "FORM_TYPE").With("type", "hidden")
	return f.Ask().Add(kind.Add(stanza.New(form.NS, "value").AddText(stanza.NSRegister)))
}

// fields are those of a registration. They are never changed.
var fields = form.Form{
	Title:  "Appear on the local network",
	Fields: []form.Field{{Var: "nick", Kind: form.TextSingle, Label: "The name that people see"}},
}

// nickIn reads the name that somebody chose, from a form or a plain field. It reports
// false for a form that is not filled in.
func nickIn(query *stanza.Element) (string, bool) {
	if x := query.Child(form.NS, "x"); x != nil {
		answers, err := fields.Read(x)
		return translate.Tame(answers.One("nick")), err == nil && x.Attr("type") == "submit"
	}
	if e := query.Child(stanza.NSRegister, "nick"); e != nil {
		return translate.Tame(e.Text()), true
	}
	return "", true
}

// enrol registers somebody, or changes the name of who is.
func (g *Gateway) enrol(w parties) {
	nick, filled := nickIn(w.Stanza.Payload[0])
	if !filled {
		g.refuseUpstream(refusal("GW-3", policy.Malformed), w.Stanza)
		return
	}
	if isContactNick(nick) {
		no := refusal("GW-3", policy.Unbearable)
		no.Error.Text = "That is the name of the gateway itself. Choose another one."
		g.refuseUpstream(no, w.Stanza)
		return
	}
	known := w.Colleague.Registered || w.Colleague.Left
	if !known && len(g.facts[store.Registrations]) >= maxRegistered {
		g.refuseUpstream(refusal("GW-3", policy.TooFast), w.Stanza)
		return
	}
	c := g.admit(w.Colleague.JID)
	if c == nil {
		g.refuseUpstream(refusal("GW-3", policy.TooFast), w.Stanza)
		return
	}
	news := !g.belongs(c)
	g.setFact(store.Registrations, c.key(), hasJoined+nick)
	g.rename(c)
	g.answerUp(result(w.Stanza))
	if news {
		g.log.Debug("registered", "colleague", c.key())
		g.greetNew(c)
	}
	g.mirror(c)
}

// rename gives a colleague the name that was chosen, unless the admin has given one.
func (g *Gateway) rename(c *colleague) {
	if nick, ok := strings.CutPrefix(g.fact(store.Registrations, c.key()), hasJoined); ok && !c.named {
		c.nick = nick
	}
}

// greetNew makes the component and somebody who has just registered see each other
// (GW-4). A request that was refused before is made again: now they want it.
func (g *Gateway) greetNew(c *colleague) {
	if g.subs[store.Pair{Colleague: c.key()}]&store.Watched != 0 {
		g.probe(c.key())
	} else {
		g.ask(c.key())
	}
	g.suggestLater(c)
	g.enlistLater()
}

// unregister ends all that there was with a colleague: off the mesh, then out of the
// contacts, then forgotten. What they wrote and nobody has got is answered.
func (g *Gateway) unregister(c *colleague) {
	g.log.Debug("unregistered", "colleague", c.key())
	fact := ""
	if c.listed {
		fact = hasLeft
	}
	g.setFact(store.Registrations, c.key(), fact)
	g.vanish(c)
	for _, pair := range g.ties(c) {
		g.sever(pair)
	}
	for key, r := range g.routes {
		if key.colleague == c.key() {
			g.pump(r)
		}
	}
	g.forgetFacts(c.key())
	if !c.named {
		c.nick = ""
	}
}

// vanish takes a colleague off the mesh, whoever is still online.
func (g *Gateway) vanish(c *colleague) {
	c.devices, c.unsure = translate.Resources{}, false
	c.photo, c.card, c.found, c.tried = "", nil, false, ""
	c.talking = time.Time{}
	c.hush.stop()
	c.suggesting.stop()
	c.greeting.stop()
	g.withdraw(c)
	g.lay(c)
}

// sever ends what is between a colleague and an address of ours, both ways
// (XEP-0100 section 4.3).
func (g *Gateway) sever(pair store.Pair) {
	g.reply(pair, "unsubscribe")
	g.reply(pair, "unsubscribed")
	g.say(translate.Unavailable(g.ourJID(pair.Local), pair.Colleague))
	g.unwatch(pair)
	g.relate(pair, 0, store.Watched|store.Asked)
}

// ties lists the addresses of ours that a colleague has to do with: the gateway itself
// first, then whom they are subscribed to, or were introduced to.
func (g *Gateway) ties(c *colleague) []store.Pair {
	found := map[store.Pair]bool{{Colleague: c.key()}: true}
	for pair := range g.subs {
		if pair.Colleague == c.key() {
			found[pair] = true
		}
	}
	for key := range g.facts[store.Introductions] {
		if who, local, _ := strings.Cut(key, " "); who == c.key() {
			found[store.Pair{Colleague: who, Local: local}] = true
		}
	}
	return sortedPairs(found)
}

// forgetFacts forgets what is remembered of a colleague: every fact in whose name the
// address stands. That a peer has blocked them is the peer's, and holds when they are
// back; so does the promise not to invite them again.
func (g *Gateway) forgetFacts(bare string) {
	g.forgetBlocks(bare)
	for _, kind := range []store.Kind{store.Approvals, store.Notices, store.Introductions, store.Names} {
		for _, key := range slices.Collect(maps.Keys(g.facts[kind])) {
			if slices.Contains(strings.FieldsFunc(key, parts), bare) && !strings.HasPrefix(key, invitation) {
				g.setFact(kind, key, "")
			}
		}
	}
}

// parts reports whether a character parts the name of a fact. It stands in no address.
func parts(r rune) bool { return r == ' ' || r == 0 }

// recallRegistered takes over who is registered, except those to whom the policy has
// shut the door since: of them nothing is kept.
func (g *Gateway) recallRegistered() {
	for _, bare := range slices.Sorted(maps.Keys(g.facts[store.Registrations])) {
		j, err := address.Parse(bare)
		switch {
		case err != nil, !g.policy.MaySubscribe(bare), g.fact(store.Registrations, bare) == hasLeft && !g.policy.Listed[bare]:
			g.setFact(store.Registrations, bare, "")
			g.forgetFacts(bare)
		default:
			g.rename(g.meet(j))
		}
	}
}
