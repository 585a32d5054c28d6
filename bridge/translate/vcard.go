package translate

import (
	"encoding/base64"
	"strings"

	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
)

// CardFromServer reads the vCard of a colleague, which their server gave: what may cross
// to the mesh, cut and without what steers a display. large says that it has a picture
// with more than linklocal.MaxAvatar octets, which is left out. A picture that the card
// only points to is not fetched, and one that is no image, or no base64, is none.
func CardFromServer(v *stanza.Element) (c Card, large bool) {
	c.Nick = part(v, "NICKNAME")
	if n := v.Child(stanza.NSVCard, "N"); n != nil {
		c.First, c.Last = part(n, "GIVEN"), part(n, "FAMILY")
	}
	var emails []string
	for _, e := range v.Children(stanza.NSVCard, "EMAIL") {
		if id := e.Child(stanza.NSVCard, "USERID"); id != nil {
			emails = append(emails, id.Text())
		}
	}
	c.Emails = tameAddresses(emails)
	if photo := v.Child(stanza.NSVCard, "PHOTO"); photo != nil {
		if data := photo.Child(stanza.NSVCard, "BINVAL"); data != nil {
			c.Photo, large = image(data.Text())
		}
	}
	return c, large
}

// part returns one line of a card.
func part(e *stanza.Element, name string) string {
	if e = e.Child(stanza.NSVCard, name); e == nil {
		return ""
	}
	return tameName(e.Text())
}

// image decodes a picture, "" for what is none. White space is where it pleases whoever
// wrote the card.
func image(text string) (data string, large bool) {
	text = strings.Join(strings.Fields(text), "")
	if base64.StdEncoding.DecodedLen(len(text)) > linklocal.MaxAvatar+len("==") {
		return "", true
	}
	octets, err := base64.StdEncoding.DecodeString(text)
	switch {
	case err != nil || ImageType(string(octets)) == "":
		return "", false
	case len(octets) > linklocal.MaxAvatar:
		return "", true
	}
	return string(octets), false
}

// PhotoTold reads what a presence says of its sender's avatar (XEP-0153 section 4): its
// hash in lower case, "" for none. told is false where nothing is said, as long as the
// sender does not know.
func PhotoTold(s stanza.Stanza) (hash string, told bool) {
	if s.Kind != stanza.Presence || s.Type != "" {
		return "", false
	}
	x := s.Child(nsVCardPhoto, "x")
	if x == nil {
		return "", false
	}
	photo := x.Child(nsVCardPhoto, "photo")
	if photo == nil {
		return "", false
	}
	hash = linklocal.PhotoHash(photo.Text())
	return hash, hash != "" || strings.TrimSpace(photo.Text()) == ""
}
