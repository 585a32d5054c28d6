package translate

import (
	"fmt"

	"meshbridge/internal/stanza"
)

// Notice returns a message in which the gateway itself speaks to a peer inside
// the conversation with a colleague, because Bonjour clients show no errors:
// from is the colleague's proxy instance, to the peer's instance, and text is
// marked so that nobody takes it for the colleague's words. id may be empty.
func Notice(from, to, id, text string) stanza.Stanza {
	s := Words(id, "[gateway] "+text)
	s.From, s.To = from, to
	return s
}

// Words returns a message in which the gateway speaks for itself, as Bonjour clients
// show it literally. id may be empty.
func Words(id, text string) stanza.Stanza {
	return stanza.Stanza{
		Kind: stanza.Message, Type: "chat", ID: id,
		Payload: []*stanza.Element{stanza.New("", "body").AddText(text), bonjourHTML(text)},
	}
}

// NoticeText puts the reason why a message to name did not arrive into words for
// the person who sent it, with what to do about it.
func NoticeText(e stanza.Error, name string) string {
	return "Your message to " + name + " was not delivered: " + reason(e.Condition)
}

// OwnBlock is a condition for NoticeText that no stanza can bear (XEP-0191 section 7
// has it for an application's): the sender has blocked the recipient.
const OwnBlock = "blocked"

func reason(condition string) string {
	switch condition {
	case "forbidden":
		return "this bridge does not let you write to them. Ask the administrator of your network to allow it."
	case "registration-required":
		return "they have not joined this bridge. Ask them to register with it, or your administrator to add them."
	case "item-not-found":
		return "nobody of that name can be reached. Check the name in your list of contacts."
	case "service-unavailable", "recipient-unavailable":
		return "they cannot receive it now. Try again when they are online."
	case OwnBlock:
		return "you have blocked them. Unblock them first."
	case "remote-server-not-found":
		return "their chat server cannot be found. Tell your administrator."
	case "remote-server-timeout":
		return "their chat server does not answer. Try again in a few minutes."
	case "policy-violation":
		return "it is too long, or your connection is not safe enough. Send it in shorter parts, or ask your administrator."
	case "not-acceptable":
		return "the chat server does not take it as it is. Write it in other words, and tell your administrator."
	case "resource-constraint":
		return "there were too many messages at once. Wait a moment and send it again."
	}
	return fmt.Sprintf("the answer was %q. Try again, and tell your administrator if it stays so.", condition)
}

// errorStanza makes out an error stanza with nothing in it but that error, found
// by the given address. Towards the mesh by is empty: an address of the other
// side means nothing there.
func errorStanza(out stanza.Stanza, e stanza.Error, by string) stanza.Stanza {
	e.By = by
	out.Type, out.Payload = "error", []*stanza.Element{e.Element()}
	return out
}

// ErrorToServer returns the error by which a peer's client answered a question, as it
// is passed on to who asked: the condition and the text kept, found by the component
// domain, nothing of the payload.
func ErrorToServer(reply stanza.Stanza, domain string) stanza.Error {
	e := readError(reply)
	e.By, e.Text = domain, tame(e.Text, maxText)
	return e
}

// readError reads the error of a stanza into the conditions of RFC 6120 section
// 8.3.3: an unknown one becomes undefined-condition, and where there is none the
// code of older clients speaks (XEP-0086).
func readError(s stanza.Stanza) stanza.Error {
	e, ok := stanza.ErrorOf(s)
	if !ok {
		return stanza.Error{Type: "cancel", Condition: "undefined-condition"}
	}
	el := s.Child("", "error")
	if !hasCondition(el) {
		e.Condition = legacyCondition(el.Attr("code"))
	}
	usual, known := errorType(e.Condition)
	if !known {
		e.Condition = "undefined-condition"
	}
	switch el.Attr("type") {
	case "auth", "cancel", "continue", "modify", "wait":
	default:
		e.Type = usual
	}
	return e
}

// hasCondition reports whether an <error/> names a condition, known or not.
func hasCondition(el *stanza.Element) bool {
	for _, c := range el.Elements() {
		if c.Name.Space == stanza.NSStanzaErrors && c.Name.Local != "text" {
			return true
		}
	}
	return false
}

// errorType returns the type that goes with a condition by RFC 6120 section
// 8.3.3, and whether the condition is one of that section. For any other it is
// the one of undefined-condition.
func errorType(condition string) (kind string, known bool) {
	switch condition {
	case "bad-request", "jid-malformed", "not-acceptable", "policy-violation", "redirect":
		return "modify", true
	case "forbidden", "not-authorized", "registration-required", "subscription-required":
		return "auth", true
	case "recipient-unavailable", "remote-server-timeout", "resource-constraint", "unexpected-request":
		return "wait", true
	case "conflict", "feature-not-implemented", "gone", "internal-server-error", "item-not-found",
		"not-allowed", "remote-server-not-found", "service-unavailable", "undefined-condition":
		return "cancel", true
	}
	return "cancel", false
}

// legacyCondition maps a numeric error code to a condition (XEP-0086 section 3).
func legacyCondition(code string) string {
	switch code {
	case "302":
		return "redirect"
	case "400":
		return "bad-request"
	case "401":
		return "not-authorized"
	case "403":
		return "forbidden"
	case "404":
		return "item-not-found"
	case "405":
		return "not-allowed"
	case "406":
		return "not-acceptable"
	case "407":
		return "registration-required"
	case "408", "504":
		return "remote-server-timeout"
	case "409":
		return "conflict"
	case "500":
		return "internal-server-error"
	case "501":
		return "feature-not-implemented"
	case "502", "503", "510":
		return "service-unavailable"
	}
	return "undefined-condition"
}
