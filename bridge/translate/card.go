package translate

import (
	"cmp"

	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
)

// Bounds of what a card shows of a record, which a stranger writes.
const (
	maxText      = 254 // characters of one address: the longest that mail knows (RFC 5321 section 4.5.3.1.3)
	maxAddresses = 4   // of each kind
)

// CardOptions are the choices about the card of a peer. The zero value shows the
// names, and none of the addresses, which are claims that nobody can check.
type CardOptions struct {
	HideNick   bool
	HideNames  bool // given and family name
	ShowEmails bool
	ShowJIDs   bool
}

// unverified stands on every card: all of it is what somebody says of himself.
const unverified = "This is what the person announces on the local network. Nobody has checked it."

// CardFromProfile returns the vCard by which a peer with record p is shown upstream
// (XEP-0054). An XMPP address that the peer claims stands in words only, where no
// client takes it for one to write to.
func CardFromProfile(p linklocal.Profile, instance string, o CardOptions) *stanza.Element {
	if o.HideNick {
		p.Nick = ""
	}
	if o.HideNames {
		p.First, p.Last = "", ""
	}
	card := stanza.New(stanza.NSVCard, "vCard").Add(line("FN", DisplayName(p, instance)))
	first, last := line("GIVEN", tameName(p.First)), line("FAMILY", tameName(p.Last))
	if first != nil || last != nil {
		card.Add(stanza.New(stanza.NSVCard, "N").Add(last, first))
	}
	card.Add(line("NICKNAME", tameName(p.Nick)))
	note := unverified
	if o.ShowEmails {
		for _, address := range p.Emails[:min(len(p.Emails), maxAddresses)] {
			if id := line("USERID", tame(address, maxText)); id != nil {
				card.Add(stanza.New(stanza.NSVCard, "EMAIL").Add(stanza.New(stanza.NSVCard, "INTERNET"), id))
			}
		}
	}
	if o.ShowJIDs {
		for _, address := range p.JIDs[:min(len(p.JIDs), maxAddresses)] {
			note += "\nClaims to be " + cmp.Or(tame(address, maxText), "nobody") + "."
		}
	}
	return card.Add(line("DESC", note))
}

// GatewayCard returns the vCard of the gateway itself.
func GatewayCard(name, note string) *stanza.Element {
	return stanza.New(stanza.NSVCard, "vCard").Add(line("FN", name), line("DESC", note))
}

// line returns one line of a card, nil for an empty one.
func line(name, text string) *stanza.Element {
	if text == "" {
		return nil
	}
	return stanza.New(stanza.NSVCard, name).AddText(text)
}
