package policy

import "meshbridge/internal/stanza"

// FromServer says what is to be done with a stanza that came over the
// authenticated upstream. Case.Colleague is its sender, Case.Target what the
// addressed JID stands for: Person for a proxy JID, whose peer is Case.Peer.
// Presence has rules of its own and goes to Presence.
func FromServer(c Case, p Policy) Verdict {
	if c.Stanza.Kind == stanza.Presence {
		return Presence(c, p)
	}
	return judge(c, p, []check{
		serverUnaddressed,
		serverEcho,
		strayError,
		strayAnswer,
		ownSide,
		malformedIQ,
		serverPrivilege,
		serverRegister,
		serverToGateway,
		serverStranger,
		serverUnknown,
		serverUnregistered,
		serverBlocked,
		serverIQ,
		serverGroupchat,
		serverDenied,
		oversize,
		serverHeadline,
		serverEncrypted,
		allowed,
	})
}

// serverUnaddressed: INJ-31. A server puts both addresses on everything, and
// sends us only what is for our domain.
func serverUnaddressed(c Case, p Policy) (Verdict, bool) {
	if c.Stanza.From == "" || c.Colleague.JID == "" || !p.owns(domainOf(c.Stanza.To)) {
		return drop("INJ-31")
	}
	return noOpinion()
}

// serverEcho: INJ-32. What comes from our own domain has gone in a circle. Our
// own pings are recognised before they get here.
func serverEcho(c Case, p Policy) (Verdict, bool) {
	if p.owns(domainOf(c.Stanza.From)) || p.owns(domainOf(c.Colleague.JID)) {
		return drop("INJ-32")
	}
	return noOpinion()
}

// serverRegister: GW-3, GW-15. Registering is for those who may subscribe, and
// ending it for those who have.
func serverRegister(c Case, p Policy) (Verdict, bool) {
	s := c.Stanza
	switch {
	case c.Target != Gateway || s.Child(stanza.NSRegister, "query") == nil:
		return noOpinion()
	case !p.MaySubscribe(c.Colleague.JID):
		return refuse("GW-3", Forbidden)
	case s.Type == "set" && s.Payload[0].Child(stanza.NSRegister, "remove") != nil && !p.MayAppear(c.Colleague):
		return refuse("GW-3", NotRegistered)
	}
	return noOpinion()
}

// serverToGateway: MAP-M13, INJ-18. Anybody may ask the gateway what it is; only
// those who have something to command get into conversation with it, lest it talk
// with every robot of the Internet.
func serverToGateway(c Case, p Policy) (Verdict, bool) {
	switch {
	case c.Target != Gateway:
		return noOpinion()
	case c.Stanza.Kind == stanza.IQ:
		return answerIQ(c.Stanza, AsComponent)
	case c.Stanza.Type == "groupchat":
		return refuse("MAP-M6", NotServed)
	case c.Stanza.Type == "error" || c.Stanza.Type == "headline" || !hasBody(c.Stanza):
		return drop("MAP-M13")
	case !p.MayCommand(c.Colleague.JID, CommandWho):
		return refuse("MAP-M13", NotServed)
	}
	return answer("MAP-M13")
}

// serverStranger: INJ-33, INJ-10. Whoever is neither listed nor of an admitted
// domain learns nothing, not even who exists.
func serverStranger(c Case, p Policy) (Verdict, bool) {
	if !p.MaySubscribe(c.Colleague.JID) {
		return refuse("INJ-33", Forbidden)
	}
	return noOpinion()
}

// serverUnknown: GW-15, LL-4-9. Nobody was ever seen under that address, or only
// what another bridge publishes.
func serverUnknown(c Case, _ Policy) (Verdict, bool) {
	switch {
	case c.Target != Person:
		return refuse("GW-15", NeverSeen)
	case c.Peer.Gateway:
		return refuse("LL-4-9", NeverSeen)
	}
	return noOpinion()
}

// serverUnregistered: INJ-33. A colleague who is not listed has to subscribe to
// the peer, or register, before he is given a proxy instance to speak through.
func serverUnregistered(c Case, p Policy) (Verdict, bool) {
	if !p.MayTalk(c.Colleague) {
		return refuse("INJ-33", NotRegistered)
	}
	return noOpinion()
}

// serverBlocked: nor is there anything the other way.
func serverBlocked(c Case, _ Policy) (Verdict, bool) { return blocked(c, ByColleague) }

// serverIQ: GW-15, INJ-18. The gateway answers in the place of a peer, for one who
// is away only since when.
func serverIQ(c Case, _ Policy) (Verdict, bool) {
	if c.Stanza.Kind != stanza.IQ {
		return noOpinion()
	}
	if r, _ := find(c.Stanza, AsPeer); !c.Peer.Present && r.away&AsPeer == 0 {
		return refuse("GW-15", NotServed)
	}
	return answerIQ(c.Stanza, AsPeer)
}

// serverGroupchat: MAP-M6.
func serverGroupchat(c Case, _ Policy) (Verdict, bool) {
	if c.Stanza.Type == "groupchat" {
		return refuse("MAP-M6", NotServed)
	}
	return noOpinion()
}

// serverDenied: SEC-2. What could never be delivered does not wait.
func serverDenied(c Case, p Policy) (Verdict, bool) {
	if c.Peer.Denied && p.Mesh > Bound {
		v, _ := refuse("SEC-2", Forbidden)
		v.Error.Text = "You, or your administrator, said no to this person. Nothing is delivered to them until that is undone."
		return v, true
	}
	return noOpinion()
}

// serverHeadline: MAP-M8. News is not kept for those who are away.
func serverHeadline(c Case, _ Policy) (Verdict, bool) {
	if c.Stanza.Type == "headline" && !c.Peer.Present {
		return drop("MAP-M8")
	}
	return noOpinion()
}
