package translate

import (
	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
)

// Namespaces of the payloads of presence.
const (
	nsCaps       = "http://jabber.org/protocol/caps" // XEP-0115
	nsVCardPhoto = "vcard-temp:x:update"             // XEP-0153
)

// PresenceOptions are the choices about showing a peer upstream. The zero value
// shows status, text and photo hash.
type PresenceOptions struct {
	HideMessage bool // do not pass the text beside the status on
	HidePhoto   bool // do not say whether there is an avatar

	// VerifiedCaps says that the gateway answers disco#info for this profile's
	// node and ver with the very set that hashes to ver (XEP-0115 section 5.4).
	// Only then is it announced; until disco is served, nobody sets this.
	VerifiedCaps bool
}

// PresenceFromProfile returns the available presence by which a peer with record
// p is shown to a colleague: from is the bare proxy JID, to the colleague's bare
// JID. It depends on status, msg and phsh alone (and node, hash, ver when
// verified), so equal records give equal stanzas.
func PresenceFromProfile(p linklocal.Profile, from, to string, o PresenceOptions) stanza.Stanza {
	s := stanza.Stanza{Kind: stanza.Presence, From: from, To: to}
	if p.Status == linklocal.Away || p.Status == linklocal.DND {
		s.Payload = append(s.Payload, stanza.New("", "show").AddText(string(p.Status)))
	}
	if p.Message != "" && !o.HideMessage {
		s.Payload = append(s.Payload, stanza.New("", "status").AddText(p.Message))
	}
	if o.VerifiedCaps && p.Node != "" && p.Ver != "" && knownHash(p.Hash) {
		caps := stanza.New(nsCaps, "c").With("hash", p.Hash).With("node", p.Node).With("ver", p.Ver)
		s.Payload = append(s.Payload, caps)
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

// knownHash reports whether clients can be expected to know the algorithm
// (XEP-0115 section 8.1, IANA hash function textual names).
func knownHash(algorithm string) bool {
	switch algorithm {
	case "sha-1", "sha-224", "sha-256", "sha-384", "sha-512":
		return true
	}
	return false
}
