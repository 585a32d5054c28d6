package policy

import "meshbridge/internal/stanza"

// check looks at one thing of a case. It reports false when it has no opinion
// and the next one is to be asked.
type check func(Case, Policy) (Verdict, bool)

// judge returns the verdict of the first check that has one. An error is never
// answered with an error, nor is the answer to a request (RFC 6120 section
// 8.3.1): refusing such a stanza is dropping it.
func judge(c Case, p Policy, checks []check) Verdict {
	for _, ask := range checks {
		v, decided := ask(c, p)
		if !decided {
			continue
		}
		if v.Action == Refuse && unanswerable(c.Stanza) {
			return Verdict{Action: Drop, Rule: v.Rule}
		}
		return v
	}
	return Verdict{}
}

func unanswerable(s stanza.Stanza) bool {
	return s.Type == "error" || s.Kind == stanza.IQ && s.Type == "result"
}

// The ways a check ends.

func noOpinion() (Verdict, bool) { return Verdict{}, false }

func drop(rule string) (Verdict, bool) { return Verdict{Action: Drop, Rule: rule}, true }

func relay(rule string) (Verdict, bool) { return Verdict{Action: Relay, Rule: rule}, true }

func answer(rule string) (Verdict, bool) { return Verdict{Action: Answer, Rule: rule}, true }

func refuse(rule string, why Reason) (Verdict, bool) {
	return Verdict{Action: Refuse, Rule: rule, Error: why.StanzaError()}, true
}

// unsubscribed refuses a presence.
func unsubscribed(rule string) (Verdict, bool) { return Verdict{Action: Refuse, Rule: rule}, true }

// Checks that both directions share.

// strayError: INJ-17, MAP-M9. An error passes only as the answer to a message
// that was relayed, and an answer has an id.
func strayError(c Case, _ Policy) (Verdict, bool) {
	if c.Stanza.Kind == stanza.Message && c.Stanza.Type == "error" && (!c.Relayed || c.Stanza.ID == "") {
		return drop("INJ-17")
	}
	return noOpinion()
}

// strayAnswer: MAP-X11. No iq is passed on, so no answer is: it is for the gateway,
// from whom that has asked, and else for nobody.
func strayAnswer(c Case, _ Policy) (Verdict, bool) {
	switch {
	case c.Stanza.Kind != stanza.IQ || c.Stanza.Type != "result" && c.Stanza.Type != "error":
		return noOpinion()
	case c.Relayed && c.Stanza.ID != "":
		return answer("MAP-X11")
	}
	return drop("MAP-X11")
}

// ownSide: INJ-11. The bridge has one mesh leg and one XMPP leg; it carries
// nothing from peer to peer or from colleague to colleague.
func ownSide(c Case, _ Policy) (Verdict, bool) {
	if c.Target == OwnSide {
		return refuse("INJ-11", NeverSeen)
	}
	return noOpinion()
}

// malformedIQ: MAP-X12. A request has an id and exactly one child (RFC 6120
// section 8.2.3).
func malformedIQ(c Case, _ Policy) (Verdict, bool) {
	s := c.Stanza
	if s.Kind != stanza.IQ || (s.Type == "get" || s.Type == "set") && s.ID != "" && len(s.Payload) == 1 {
		return noOpinion()
	}
	return refuse("MAP-X12", Malformed)
}

// allowed: what nothing stood against crosses. Checks before it have left
// nothing but messages.
func allowed(c Case, _ Policy) (Verdict, bool) {
	if c.Stanza.Kind != stanza.Message {
		return drop("INJ-18")
	}
	return relay("")
}

// blocked: as XEP-0191 sections 3.3 and 3.4 have it. To who was blocked the other is
// out of reach and no more is told; who blocked is told just that.
func blocked(c Case, sender Block) (Verdict, bool) {
	switch {
	case c.Blocked == 0 || c.Target != Person:
		return noOpinion()
	case c.Blocked&sender == 0:
		return refuse(RuleBlock, NotServed)
	}
	own := stanza.Error{Type: "cancel", Condition: "not-acceptable", Text: "You have blocked this contact."}
	return Verdict{Action: Refuse, Rule: RuleBlock, Error: own}, true
}

func hasBody(s stanza.Stanza) bool { return s.Child("", "body") != nil }
