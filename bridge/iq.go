package bridge

import (
	"runtime"
	"strconv"
	"time"

	"meshbridge/bridge/caps"
	"meshbridge/bridge/policy"
	"meshbridge/bridge/translate"
	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
)

// Who answers what is one table in bridge/policy; here are the answers. Every request
// gets one (GW-14).

// answerServer answers a message or a request to the gateway itself, or a request to
// a peer in the peer's place.
func (g *Gateway) answerServer(w parties) {
	switch {
	case policy.Privilege(w.Stanza) != nil:
		g.privileged(w)
	case w.Stanza.Kind == stanza.Message:
		g.hear(w)
	case w.Target == policy.Gateway && w.Stanza.Payload[0].Name.Space == stanza.NSRegister:
		g.register(w)
	case w.peer == nil && w.Stanza.Payload[0].Name.Space == stanza.NSCommands:
		g.serveCommand(w)
	case w.peer == nil:
		g.answerUp(g.answerSelf(w))
	default:
		g.answerUp(g.answerPeer(w.Stanza, w.peer))
	}
}

// answerSelf answers for the gateway.
func (g *Gateway) answerSelf(w parties) stanza.Stanza {
	s := w.Stanza
	switch s.Payload[0].Name.Space {
	case stanza.NSDiscoInfo:
		if answer, ok := g.discoCommand(s, w.Colleague.JID); ok {
			return answer
		}
		return disco(s, selfInfo(), g.selfMark)
	case stanza.NSDiscoItems:
		return g.itemsOfSelf(s, w.Colleague.JID)
	case stanza.NSVCard:
		return result(s, translate.GatewayCard(selfName, "The way to the people on the local network of "+g.cfg.LinkLocal.Machine+"."))
	case stanza.NSVersion:
		return result(s, g.version())
	case stanza.NSPing:
		return result(s)
	case stanza.NSTime:
		return result(s, translate.Time(time.Now()))
	case stanza.NSLast:
		return result(s, since(g.began))
	case stanza.NSGateway:
		return g.prompt(s, w.Colleague.JID)
	}
	return refused(s, policy.NotServed)
}

// answerPeer answers for a peer, from what is known.
func (g *Gateway) answerPeer(s stanza.Stanza, p *peer) stanza.Stanza {
	space := s.Payload[0].Name.Space
	if space == stanza.NSLast {
		return lastOf(s, p)
	}
	if !p.present { // gone while its client was asked
		return refused(s, policy.NotServed)
	}
	switch space {
	case stanza.NSDiscoInfo:
		return disco(s, peerInfo(p), peerMark(p))
	case stanza.NSDiscoItems:
		return items(s, noItems())
	case stanza.NSVCard:
		return result(s, translate.CardFromProfile(p.profile, p.instance, translate.CardOptions{
			ShowEmails: true, ShowJIDs: true, Photo: g.avatar(p.profile.PhotoHash), // what may not be seen is not there
		}))
	case stanza.NSPing:
		return result(s)
	case stanza.NSVersion:
		if v, known := translate.VersionFromProfile(p.profile); known {
			return result(s, v)
		}
	}
	return refused(s, policy.NotServed)
}

// answerColleague answers a peer for a colleague: for all of them the same, and
// nothing that only their own devices could tell.
func (g *Gateway) answerColleague(s stanza.Stanza) stanza.Stanza { return g.answerHere(s, proxyInfo()) }

// answerHere answers a peer for one of our instances on the mesh, which is as i says.
func (g *Gateway) answerHere(s stanza.Stanza, i caps.Info) stanza.Stanza {
	switch s.Payload[0].Name.Space {
	case stanza.NSDiscoInfo:
		return disco(s, i, ownMark(i))
	case stanza.NSDiscoItems:
		return items(s, noItems())
	case stanza.NSVersion:
		return result(s, g.version())
	case stanza.NSPing:
		return result(s)
	}
	return refused(s, policy.NotServed)
}

// fromClient deals with an iq of a peer that the policy lets the gateway deal with.
func (g *Gateway) fromClient(c *colleague, p *peer, s stanza.Stanza, q *inquiry) {
	if q != nil {
		g.finish(q, answered, s)
		return
	}
	answer := func(s stanza.Stanza) {
		g.mesh.Send(linklocal.Delivery{Proxy: c.key(), Peer: p.instance, Stanza: s})
	}
	if s.Payload[0].Name.Space == stanza.NSVCard {
		g.withCard(c, func() { answer(g.showCard(c, s)) })
		return
	}
	answer(g.answerColleague(s))
}

// askPeer answers for a peer as its client would, which is asked where it can be. Of a
// node we know what we have told of it ourselves, or nothing.
func (g *Gateway) askPeer(s stanza.Stanza, c *colleague, p *peer) {
	question := s.Payload[0]
	answer := func() { g.answerUp(g.answerPeer(s, p)) }
	_, written := translate.VersionFromProfile(p.profile)
	switch space := question.Name.Space; {
	case len(s.ID) > maxAskID, question.Attr("node") != "":
		answer()
	case space == stanza.NSVCard:
		g.withAvatar(p, answer)
	case space == stanza.NSDiscoInfo:
		g.learn(c, p, answer)
	case space == stanza.NSPing:
		g.inquire(c, p, stanza.New(stanza.NSPing, "ping"), true, func(finding, stanza.Stanza) { answer() })
	case space == stanza.NSVersion && written && p.can == nil:
		answer()
	default:
		s.Payload = []*stanza.Element{stanza.New(space, question.Name.Local)} // the rest is not kept
		g.learn(c, p, func() { g.handOn(s, c, p) })
	}
}

// handOn puts a question to a client that has said that it answers such.
func (g *Gateway) handOn(s stanza.Stanza, c *colleague, p *peer) {
	space := s.Payload[0].Name.Space
	if !p.can.has(space) || !g.mayAsk(c, p) {
		g.answerUp(g.answerPeer(s, p))
		return
	}
	g.inquire(c, p, stanza.New(space, s.Payload[0].Name.Local), false, func(f finding, reply stanza.Stanza) {
		g.answerUp(g.rendered(s, p, f, reply))
	})
}

// rendered puts a client's answer into our words. Where there is none, what is known
// has to do, and else that nobody answers (MAP-E1, GW-14).
func (g *Gateway) rendered(s stanza.Stanza, p *peer, f finding, reply stanza.Stanza) stanza.Stanza {
	if f == answered && reply.Type == "error" {
		return failed(s, translate.ErrorToServer(reply, g.cfg.Upstream.Domain))
	}
	if f == answered {
		said, ok := translate.VersionFromPeer(reply)
		if s.Payload[0].Name.Space == stanza.NSTime {
			said, ok = translate.TimeFromPeer(reply)
		}
		if ok {
			return result(s, said)
		}
	}
	if known := g.answerPeer(s, p); known.Type == "result" || f == answered || !p.present {
		return known
	}
	return refused(s, policy.Unreachable)
}

// result answers a request with what was asked for.
func result(s stanza.Stanza, payload ...*stanza.Element) stanza.Stanza {
	return stanza.Stanza{Kind: stanza.IQ, Type: "result", ID: s.ID, From: s.To, To: s.From, Payload: payload}
}

// refused answers a request with no.
func refused(s stanza.Stanza, why policy.Reason) stanza.Stanza { return failed(s, why.StanzaError()) }

func failed(s stanza.Stanza, e stanza.Error) stanza.Stanza {
	r, _ := stanza.Reply(s, e) // a get or a set may be answered
	return r
}

// version names the program (XEP-0092).
func (g *Gateway) version() *stanza.Element {
	return translate.Version("meshbridge", g.opts.Version, runtime.GOOS)
}

// since counts seconds (XEP-0012). They are those of the monotonic clock (GW-24).
func since(t time.Time) *stanza.Element {
	return stanza.New(stanza.NSLast, "query").With("seconds", strconv.FormatInt(int64(time.Since(t)/time.Second), 10))
}

// lastOf says since when a peer is away; who is here is not idle as far as anybody
// knows (MAP-X8).
func lastOf(s stanza.Stanza, p *peer) stanza.Stanza {
	switch {
	case p.present:
		return result(s, since(time.Now()))
	case p.left.IsZero():
		return refused(s, policy.NotServed) // before our time
	}
	return result(s, since(p.left))
}
