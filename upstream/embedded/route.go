package embedded

import (
	"mellium.im/xmpp/jid"

	"meshbridge/internal/stanza"
)

// unavailable is what an address gets that nobody, or nobody who understands, is
// behind (RFC 6121 section 8.5).
func unavailable() stanza.Error {
	return stanza.Error{Type: "cancel", Condition: "service-unavailable"}
}

// route brings a stanza to where its address leads: a component, an account, or the
// server itself. s.mu is held.
func (s *Server) route(st stanza.Stanza) {
	to, err := jid.Parse(st.To)
	if err != nil {
		s.refuse(st, stanza.Error{Type: "modify", Condition: "jid-malformed"})
		return
	}
	if c := s.components[to.Domainpart()]; c != nil {
		c.send(st)
		return
	}
	if _, ours := s.secrets[to.Domainpart()]; ours {
		s.refuse(st, stanza.Error{Type: "wait", Condition: "service-unavailable", Text: "component unavailable"})
		return
	}
	if a := s.accounts[to.Bare().String()]; a != nil {
		a.take(st, to)
		return
	}
	switch {
	case to.Domainpart() == s.host && to.Localpart() == "":
		s.answer(st)
	case to.Domainpart() == s.host && st.Kind == stanza.Presence && st.Type == "probe":
		s.route(stanza.Stanza{Kind: stanza.Presence, From: st.To, To: st.From, Type: "unsubscribed"})
	case to.Domainpart() == s.host:
		s.refuse(st, unavailable())
	default:
		s.refuse(st, stanza.Error{Type: "cancel", Condition: "remote-server-not-found"})
	}
}

// refuse sends an error back, where an error may be sent. What has nobody to go back
// to is dropped. s.mu is held.
func (s *Server) refuse(st stanza.Stanza, e stanza.Error) {
	if st.Kind == stanza.Presence || st.From == "" {
		return // RFC 6121 section 8.5.1: presence to nobody is ignored
	}
	if reply, ok := stanza.Reply(st, e); ok {
		s.route(reply)
	}
}

// answer answers an iq addressed to the server, or to an account as such. s.mu is
// held.
func (s *Server) answer(st stanza.Stanza) {
	if st.Kind == stanza.IQ && st.Type == "get" && st.Child(stanza.NSPing, "ping") != nil {
		s.route(stanza.Stanza{Kind: stanza.IQ, From: st.To, To: st.From, ID: st.ID, Type: "result"})
		return
	}
	s.refuse(st, unavailable())
}
