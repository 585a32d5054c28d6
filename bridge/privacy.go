package bridge

import (
	"slices"

	"meshbridge/bridge/config"
	"meshbridge/linklocal"
)

// seenBy leaves of a peer's record what colleagues may know (PRIV-2). The rest is
// never kept, so nothing can tell it.
func (g *Gateway) seenBy(p linklocal.Profile) linklocal.Profile {
	s := linklocal.Profile{Status: p.Status}
	for _, k := range g.cfg.Privacy.Show {
		switch k {
		case config.TXTFirst:
			s.First = p.First
		case config.TXTLast:
			s.Last = p.Last
		case config.TXTNick:
			s.Nick = p.Nick
		case config.TXTMessage:
			s.Message = p.Message
		case config.TXTPhoto:
			s.PhotoHash = p.PhotoHash
		case config.TXTEmail:
			s.Emails = p.Emails
		case config.TXTJID:
			s.JIDs = p.JIDs
		case config.TXTVersion:
			s.Node, s.Hash, s.Ver = p.Node, p.Hash, p.Ver
		}
	}
	return s
}

// shows reports whether colleagues may know a key of a peer's record.
func (g *Gateway) shows(k config.TXTKey) bool { return slices.Contains(g.cfg.Privacy.Show, k) }

// publishes reports whether a key stands in the records of colleagues (PRIV-1).
func (g *Gateway) publishes(k config.TXTKey) bool { return slices.Contains(g.cfg.Privacy.Publish, k) }
