package translate

import (
	"meshbridge/bridge/caps"
	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
)

// nsVCardPhoto says in a presence which avatar its sender has (XEP-0153).
const nsVCardPhoto = "vcard-temp:x:update"

// PresenceOptions are the choices about showing a peer upstream. The zero value
// shows status, text and photo hash.
type PresenceOptions struct {
	HideMessage bool // do not pass the text beside the status on
	HidePhoto   bool // do not say whether there is an avatar

	// Caps is the mark whose disco#info the gateway answers with the very set that
	// hashes to it (XEP-0115 section 5.4), which is not always the one of the
	// record. The zero Mark is not announced.
	Caps caps.Mark
}

// PresenceFromProfile returns the available presence by which a peer with record
// p is shown to a colleague: from is the bare proxy JID, to the colleague's bare
// JID. It depends on status, msg and phsh alone beside the options, so equal
// records give equal stanzas.
func PresenceFromProfile(p linklocal.Profile, from, to string, o PresenceOptions) stanza.Stanza {
	s := stanza.Stanza{Kind: stanza.Presence, From: from, To: to}
	if p.Status == linklocal.Away || p.Status == linklocal.DND {
		s.Payload = append(s.Payload, stanza.New("", "show").AddText(string(p.Status)))
	}
	if p.Message != "" && !o.HideMessage {
		s.Payload = append(s.Payload, stanza.New("", "status").AddText(p.Message))
	}
	if o.Caps != (caps.Mark{}) {
		s.Payload = append(s.Payload, o.Caps.Element())
	}
	if !o.HidePhoto {
		// Empty <photo/> says that there is none (XEP-0153 section 3.1).
		photo := stanza.New(nsVCardPhoto, "photo").AddText(p.PhotoHash)
		s.Payload = append(s.Payload, stanza.New(nsVCardPhoto, "x").Add(photo))
	}
	return s
}

// Unavailable returns the presence by which a peer leaves a colleague's list.
func Unavailable(from, to string) stanza.Stanza {
	return stanza.Stanza{Kind: stanza.Presence, From: from, To: to, Type: "unavailable"}
}
