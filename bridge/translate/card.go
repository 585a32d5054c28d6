package translate

import (
	"cmp"
	"encoding/base64"

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
	Photo      string // octets of the picture that the record has the hash of; "" for none
}

// Card is what a vCard says of somebody as far as it crosses (XEP-0054). Nothing in it
// has been checked but the form.
type Card struct {
	Name        string // FN
	First, Last string // N
	Nick        string
	Photo       string // octets, of a type that ImageType knows
	Emails      []string
	JID         string
	Note        string
}

// Element returns the vCard that says c. Empty parts are left out, and so is a photo
// that is no image.
func (c Card) Element() *stanza.Element {
	card := stanza.New(stanza.NSVCard, "vCard").Add(line("FN", c.Name))
	first, last := line("GIVEN", c.First), line("FAMILY", c.Last)
	if first != nil || last != nil {
		card.Add(stanza.New(stanza.NSVCard, "N").Add(last, first))
	}
	card.Add(line("NICKNAME", c.Nick))
	if kind := ImageType(c.Photo); kind != "" {
		card.Add(stanza.New(stanza.NSVCard, "PHOTO").Add(line("TYPE", kind),
			line("BINVAL", base64.StdEncoding.EncodeToString([]byte(c.Photo)))))
	}
	for _, address := range c.Emails {
		card.Add(stanza.New(stanza.NSVCard, "EMAIL").Add(stanza.New(stanza.NSVCard, "INTERNET"), line("USERID", address)))
	}
	return card.Add(line("JABBERID", c.JID), line("DESC", c.Note))
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
	c := Card{
		Name: DisplayName(p, instance), First: tameName(p.First), Last: tameName(p.Last), Nick: tameName(p.Nick),
		Photo: o.Photo, Note: unverified,
	}
	if o.ShowEmails {
		c.Emails = tameAddresses(p.Emails)
	}
	if o.ShowJIDs {
		for _, address := range p.JIDs[:min(len(p.JIDs), maxAddresses)] {
			c.Note += "\nClaims to be " + cmp.Or(tame(address, maxText), "nobody") + "."
		}
	}
	return c.Element()
}

// tameAddresses returns the first few of a stranger's addresses, fit to be shown.
func tameAddresses(list []string) (tamed []string) {
	for _, address := range list[:min(len(list), maxAddresses)] {
		if address = tame(address, maxText); address != "" {
			tamed = append(tamed, address)
		}
	}
	return tamed
}

// GatewayCard returns the vCard of the gateway itself.
func GatewayCard(name, note string) *stanza.Element { return Card{Name: name, Note: note}.Element() }

// line returns one line of a card, nil for an empty one.
func line(name, text string) *stanza.Element {
	if text == "" {
		return nil
	}
	return stanza.New(stanza.NSVCard, name).AddText(text)
}
