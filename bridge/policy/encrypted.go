package policy

import (
	"strings"

	"meshbridge/internal/stanza"
)

// unreadable is what the sender of an encrypted message is told. The reader's program
// shows it below the message.
const unreadable = "People on the local network cannot read encrypted messages. Turn encryption (OMEMO, OpenPGP) off for this chat and send it again."

// ciphers are the elements that carry an encrypted message.
var ciphers = [...]stanza.Name{
	{Space: "eu.siacs.conversations.axolotl", Local: "encrypted"}, // XEP-0384, as most clients write it
	{Space: "urn:xmpp:omemo:1", Local: "encrypted"},
	{Space: "urn:xmpp:omemo:2", Local: "encrypted"},
	{Space: "urn:xmpp:openpgp:0", Local: "openpgp"}, // XEP-0373
	{Space: "jabber:x:encrypted", Local: "x"},       // XEP-0027
	{Space: "urn:xmpp:eme:0", Local: "encryption"},  // XEP-0380: that the body is none of the writer's
}

// serverEncrypted: MAP-M11. Nobody on the mesh can read what is encrypted for them,
// and the sentence that stands in its place helps nobody there either; but its writer
// can do something about it. Keys alone are no message. A body of the writer's own
// beside something encrypted crosses like any other.
func serverEncrypted(c Case, _ Policy) (Verdict, bool) {
	s := c.Stanza
	e := encrypted(s)
	switch {
	case e == nil || s.Type == "error":
		return noOpinion()
	case !hasBody(s) && isKeys(e):
		return drop("MAP-M11")
	case hasBody(s) && !standsIn(s, e):
		return noOpinion()
	}
	v, _ := refuse("MAP-M11", Unbearable)
	v.Error.Text = unreadable
	return v, true
}

// encrypted returns what is encrypted in a message, or nil.
func encrypted(s stanza.Stanza) *stanza.Element {
	for _, name := range ciphers {
		if e := s.Child(name.Space, name.Local); e != nil && s.Kind == stanza.Message {
			return e
		}
	}
	return nil
}

// isKeys reports whether an element brings keys and no content (XEP-0384 section 4.5),
// or only names a cipher: clients send such without their user's doing.
func isKeys(e *stanza.Element) bool {
	switch e.Name.Local {
	case "encrypted":
		return e.Child(e.Name.Space, "payload") == nil
	case "encryption":
		return true
	}
	return false
}

// standsIn reports whether the bodies beside something encrypted are only there for
// those who cannot read that. Clients that say so mark them (XEP-0428
// section 3); of the others each has a sentence of its own, in the language of its
// author, that names what it is about.
func standsIn(s stanza.Stanza, e *stanza.Element) bool {
	for _, f := range s.Children("urn:xmpp:fallback:0", "fallback") {
		if about := f.Attr("for"); (about == "" || about == e.Name.Space) && wholeBody(f) {
			return true
		}
	}
	for _, b := range s.Children("", "body") {
		if !namesEncryption(b.Text()) {
			return false
		}
	}
	return true
}

// wholeBody reports whether a mark is for all of the body, and not for a part of it.
func wholeBody(f *stanza.Element) bool {
	b := f.Child(f.Name.Space, "body")
	return len(f.Elements()) == 0 || b != nil && b.Attr("start") == "" && b.Attr("end") == ""
}

// maxSentence bounds the sentences, in octets: the longest known has less than half.
const maxSentence = 400

func namesEncryption(text string) bool {
	text = strings.TrimSpace(text)
	if text == "" || len(text) > maxSentence {
		return text == ""
	}
	text = strings.ToLower(text)
	for _, word := range [...]string{"omemo", "openpgp", "pgp", "encrypted", "?otr"} {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}
