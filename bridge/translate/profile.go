package translate

import (
	"cmp"

	"meshbridge/linklocal"
)

// ProfileOptions are the choices about showing a colleague on the mesh. The zero
// value publishes status and text in the plain way.
type ProfileOptions struct {
	Nick string // friendly name, from the config or the roster; "" for none

	// ShowAwayAs is what away and extended away become: linklocal.Away, also
	// when empty, or linklocal.DND for clients that show only that as away.
	ShowAwayAs linklocal.Status

	// AwayText and DNDText stand in for a missing status text, since many
	// clients show nothing else; "" for "Away" and "Do not disturb".
	AwayText, DNDText string

	First, Last string   // names, to be published; "" for not
	Emails      []string // addresses, to be published
	JID         string   // bare address of the colleague, to be published; "" for not
	HideNick    bool     // do not publish the nick
	HideMessage bool     // publish neither the status text nor one in its place

	// PhotoHash is the SHA-1 of an avatar that is verified and published, 40
	// lower-case hexadecimal digits; "" for none.
	PhotoHash string

	// Node, Hash and Ver are the gateway's own capabilities, never the
	// colleague's: what is reachable goes through the gateway (XEP-0115).
	Node, Hash, Ver string
}

// ProfileFromPresence returns the record by which a colleague whose best device
// is d is shown on the mesh. The caller adds the gateway's mark. "vc" is never published.
func ProfileFromPresence(d Resource, o ProfileOptions) linklocal.Profile {
	p := linklocal.Profile{
		Status: linklocal.Available, PhotoHash: o.PhotoHash,
		First: o.First, Last: o.Last, Emails: o.Emails,
		Node: o.Node, Hash: o.Hash, Ver: o.Ver,
	}
	standIn := ""
	switch d.Show {
	case "away", "xa":
		p.Status, standIn = orAway(o.ShowAwayAs), cmp.Or(o.AwayText, "Away")
	case "dnd":
		p.Status, standIn = linklocal.DND, cmp.Or(o.DNDText, "Do not disturb")
	}
	if !o.HideMessage {
		p.Message = cmp.Or(d.Status, standIn)
	}
	if !o.HideNick {
		p.Nick = o.Nick
	}
	if o.JID != "" {
		p.JIDs = []string{o.JID}
	}
	return p
}

func orAway(s linklocal.Status) linklocal.Status {
	if s == linklocal.DND {
		return s
	}
	return linklocal.Away
}
