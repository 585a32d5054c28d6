package policy

import "meshbridge/internal/stanza"

// FromMesh says what is to be done with a stanza that a peer sent on its bound
// stream. Case.Target is what the addressed instance stands for: Person for a
// proxy instance, whose colleague is Case.Colleague and the only one whom the
// stanza can reach, whatever addresses it may contain (INJ-8).
func FromMesh(c Case, p Policy) Verdict {
	return judge(c, p, []check{
		meshUnbound,
		meshBridge,
		meshPresence,
		strayError,
		strayAnswer,
		meshLevel,
		ownSide,
		meshUnknown,
		malformedIQ,
		meshBlocked,
		meshIQ,
		meshGroupchat,
		meshToGateway,
		oversize,
		meshPair,
		allowed,
	})
}

// meshUnbound: INJ-4. Nothing is taken from a stream whose sender is not known.
func meshUnbound(c Case, _ Policy) (Verdict, bool) {
	if c.Peer.Level < Bound {
		return drop("INJ-4")
	}
	return noOpinion()
}

// meshBridge: LL-4-9. What another bridge publishes is no peer.
func meshBridge(c Case, _ Policy) (Verdict, bool) {
	if c.Peer.Gateway {
		return drop("LL-4-9")
	}
	return noOpinion()
}

// meshPresence: INJ-13. Presence is read from TXT records; a stanza could only
// be a forged subscription.
func meshPresence(c Case, _ Policy) (Verdict, bool) {
	if c.Stanza.Kind != stanza.Message && c.Stanza.Kind != stanza.IQ {
		return drop("INJ-13")
	}
	return noOpinion()
}

// meshLevel: SEC-2. The admin may ask for more than a bound stream; to get there a
// peer has to talk to the gateway itself (INJ-27).
func meshLevel(c Case, p Policy) (Verdict, bool) {
	switch {
	case c.Peer.Level >= p.Mesh, c.Target == Gateway:
		return noOpinion()
	case p.Mesh == Authenticated:
		return refuse("SEC-2", TooLarge)
	}
	return refuse("SEC-2", Forbidden)
}

// meshUnknown: INJ-7. Only published instances can be written to.
func meshUnknown(c Case, _ Policy) (Verdict, bool) {
	if c.Target != Person && c.Target != Gateway {
		return refuse("INJ-7", NeverSeen)
	}
	return noOpinion()
}

// meshBlocked: between the two there is nothing, not even an answer in the
// colleague's place.
func meshBlocked(c Case, _ Policy) (Verdict, bool) { return blocked(c, ByPeer) }

// meshIQ: INJ-18. The gateway answers what it knows in the colleague's place and
// forwards nothing.
func meshIQ(c Case, _ Policy) (Verdict, bool) {
	if c.Stanza.Kind != stanza.IQ {
		return noOpinion()
	}
	role := AsColleague
	if c.Target == Gateway {
		role = AsComponent
	}
	return answerIQ(c.Stanza, role)
}

// meshGroupchat: MAP-M7. There are no rooms across the bridge.
func meshGroupchat(c Case, _ Policy) (Verdict, bool) {
	if c.Stanza.Type == "groupchat" {
		return refuse("MAP-M7", NotServed)
	}
	return noOpinion()
}

// meshToGateway: MAP-M13. A message to the gateway itself is a command or a cry
// for help; without words it is nothing.
func meshToGateway(c Case, _ Policy) (Verdict, bool) {
	switch {
	case c.Target != Gateway:
		return noOpinion()
	case c.Stanza.Type == "error" || !hasBody(c.Stanza):
		return drop("MAP-M13")
	}
	return answer("MAP-M13")
}

// oversize: LL-STR-25. What people write to each other has a limit of its own, in
// both directions, told to the sender while the stream goes on.
func oversize(c Case, p Policy) (Verdict, bool) {
	limit := p.MaxBody
	if limit <= 0 {
		limit = defaultMaxBody
	}
	for _, body := range c.Stanza.Children("", "body") {
		if limit -= len(body.Text()); limit < 0 {
			return refuse("LL-STR-25", TooLarge)
		}
	}
	return noOpinion()
}

// meshPair: INJ-9, INJ-10. The pair must be allowed; by default none is.
func meshPair(c Case, p Policy) (Verdict, bool) {
	switch {
	case !p.MaySubscribe(c.Colleague.JID):
		return refuse("INJ-10", Forbidden)
	case !p.MayTalk(c.Colleague):
		return refuse("INJ-9", Forbidden)
	}
	return noOpinion()
}
