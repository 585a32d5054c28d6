package policy

// Presence says what is to be done with a presence that came over the upstream.
// Relay means that it bears on how the sender is shown on the mesh, Answer that
// the gateway deals with a subscription or a probe, and Refuse, which is never an
// error here, that the sender is told "unsubscribed".
//
// The gateway answers a sender who repeats himself once in a while only; that
// takes a clock and is not decided here.
func Presence(c Case, p Policy) Verdict {
	return judge(c, p, []check{
		serverUnaddressed,
		serverEcho,
		presenceOwnSide,
		presenceProbe,
		presenceSubscribe,
		presenceUnknown,
		presenceLeave,
		presenceShown,
		presenceOther,
	})
}

// presenceOwnSide: INJ-11. Colleagues do not see one another through the bridge.
func presenceOwnSide(c Case, _ Policy) (Verdict, bool) {
	switch {
	case c.Target != OwnSide:
		return noOpinion()
	case c.Stanza.Type == "probe" || c.Stanza.Type == "subscribe":
		return unsubscribed("INJ-11")
	}
	return drop("INJ-11")
}

// presenceProbe: PRIV-3, GW-6, GW-21, GW-22. A probe from somebody who may
// subscribe is taken as proof that he did: "unsubscribed" would delete a contact
// for good that only our lost store forgot. It goes to strangers and for
// addresses that cannot be.
func presenceProbe(c Case, p Policy) (Verdict, bool) {
	switch {
	case c.Stanza.Type != "probe":
		return noOpinion()
	case !p.MaySubscribe(c.Colleague.JID):
		return unsubscribed("PRIV-3")
	case c.Target == Impossible:
		return unsubscribed("GW-22")
	case c.Target == Unknown || c.Target == Awaited || c.Peer.Gateway:
		return answer("GW-22") // with unavailable
	case !c.Colleague.Subscribed:
		return answer("GW-21")
	}
	return answer("GW-6")
}

// presenceSubscribe: GW-4, GW-8, GW-22, LL-4-9. Granted to those who may, for the
// gateway, for peers that were seen, and in advance for those who may come:
// whoever was seen before the last start is unknown too, and "unsubscribed" would
// take them out of the contacts.
func presenceSubscribe(c Case, p Policy) (Verdict, bool) {
	switch {
	case c.Stanza.Type != "subscribe":
		return noOpinion()
	case !p.MaySubscribe(c.Colleague.JID):
		return unsubscribed("GW-8")
	case c.Target == Gateway:
		return answer("GW-4")
	case c.Target == Awaited:
		return answer("GW-22")
	case c.Target != Person:
		return unsubscribed("GW-8")
	case c.Peer.Gateway:
		return unsubscribed("LL-4-9")
	}
	return answer("GW-8")
}

// presenceUnknown: GW-16. Anything else to nobody is ignored, but that somebody
// does not wait for them any more.
func presenceUnknown(c Case, _ Policy) (Verdict, bool) {
	switch {
	case c.Target == Person || c.Target == Gateway:
		return noOpinion()
	case c.Target != Impossible && c.Stanza.Type == "unsubscribe" && c.Colleague.Subscribed:
		return answer("GW-9")
	}
	return drop("GW-16")
}

// presenceLeave: GW-9. Ending a subscription is open to everybody, and answered
// once.
func presenceLeave(c Case, _ Policy) (Verdict, bool) {
	switch c.Stanza.Type {
	case "unsubscribed":
		return answer("GW-9")
	case "unsubscribe":
		if c.Colleague.Subscribed {
			return answer("GW-9")
		}
		return drop("GW-9")
	}
	return noOpinion()
}

// presenceShown: PRIV-5. Who is online is shown of those who opted in; that
// somebody went is always heard.
func presenceShown(c Case, p Policy) (Verdict, bool) {
	switch c.Stanza.Type {
	case "unavailable", "error":
		return relay("")
	case "", "subscribed":
		if !p.MayAppear(c.Colleague) {
			return drop("PRIV-5")
		}
		if c.Stanza.Type == "subscribed" {
			return answer("GW-4")
		}
		return relay("")
	}
	return noOpinion()
}

// presenceOther: a type that RFC 6121 section 4.7.1 does not know.
func presenceOther(Case, Policy) (Verdict, bool) { return drop("GW-16") }
