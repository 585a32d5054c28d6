package bridge

import (
	"time"

	"meshbridge/bridge/address"
	"meshbridge/bridge/policy"
	"meshbridge/bridge/store"
	"meshbridge/bridge/translate"
	"meshbridge/internal/stanza"
)

// parties is who a stanza of the server is between.
type parties struct {
	policy.Case
	local string // of the addressed proxy JID; "" for the gateway
	peer  *peer  // nil when nobody was seen under it
}

// pair names the two as the store does.
func (w parties) pair() store.Pair { return store.Pair{Colleague: w.Colleague.JID, Local: w.local} }

// between finds out who a stanza of the server is between.
func (g *Gateway) between(s stanza.Stanza) (parties, *colleague) {
	w := parties{Case: policy.Case{Stanza: s}}
	w.Colleague.JID = g.read.sender(s.From)
	to := g.read.recipient(s.To)
	switch {
	case !to.legal:
		return w, g.colleagues[w.Colleague.JID]
	case to.bare:
		w.Target = policy.Gateway
	case to.possible:
		g.findPeer(&w, to.proxy)
	}
	w.Colleague = g.asColleague(w.pair())
	w.Blocked = g.blocks(w.pair())
	return w, g.colleagues[w.Colleague.JID]
}

// findPeer says what a local part of an address of ours stands for.
func (g *Gateway) findPeer(w *parties, proxy address.Proxy) {
	w.local, w.Target = proxy.Local, policy.Unknown
	switch p := g.peers[proxy.Local]; {
	case g.isOwn(proxy.Local):
		w.Target = policy.OwnSide
	case p != nil && p.instance != "":
		w.peer, w.Target = p, policy.Person
		w.Peer = policy.Peer{Level: policy.Bound, Present: p.present, Denied: g.denied(p, w.Colleague.JID)}
	case usual(proxy):
		w.Target = policy.Awaited
	}
}

// usual reports whether an address has the form that those of peers have: a name at
// a machine.
func usual(proxy address.Proxy) bool {
	user, machine := address.SplitInstance(proxy.Instance)
	return proxy.Rule == address.Fallback || user != "" && machine != ""
}

// presenceFromServer deals with a presence stanza.
func (g *Gateway) presenceFromServer(s stanza.Stanza) {
	w, c := g.between(s)
	v := policy.Presence(w.Case, g.policy)
	switch v.Action {
	case policy.Drop:
		g.drops.countOf(v.Rule, w.Colleague.JID)
	case policy.Refuse:
		g.drops.countOf(v.Rule, w.Colleague.JID)
		g.refusePresence(v, s)
	case policy.Relay:
		if c != nil {
			g.heard(c, s)
		}
	case policy.Answer:
		g.subscription(w, c)
	}
}

// refusePresence says no.
func (g *Gateway) refusePresence(v policy.Verdict, s stanza.Stanza) {
	if r, ok := v.Reply(s); ok {
		g.decline(r)
	}
}

// decline says no, once in a while to each, and to nobody when so many ask that those
// who belong here would have to wait for it (GW-16).
func (g *Gateway) decline(no stanza.Stanza) {
	if len(g.chores.order) < maxRefusals && g.refused.add(way{no.From, no.To}, time.Now()) {
		g.say(no)
	}
}

// subscription deals with probes and with the beginning and end of subscriptions
// (RFC 6121 section 3).
func (g *Gateway) subscription(w parties, c *colleague) {
	pair := w.pair()
	switch w.Stanza.Type {
	case "subscribe":
		g.subscribe(pair)
	case "probe":
		if g.watch(pair) {
			g.answer(pair, false)
		} else {
			g.decline(translate.Unavailable(g.ourJID(pair.Local), pair.Colleague))
		}
	case "unsubscribe":
		g.unwatch(pair)
		g.reply(pair, "unsubscribed")
	case "subscribed":
		g.granted(pair)
	case "unsubscribed":
		g.unsubscribed(pair, c)
	}
}

// subscribe lets a colleague see an address of ours. Who once refused the gateway
// their own presence is asked again then, for nobody else does.
func (g *Gateway) subscribe(pair store.Pair) {
	if !g.watch(pair) {
		g.decline(g.presenceOf(pair, "unsubscribed"))
		return
	}
	g.reply(pair, "subscribed")
	g.present(pair)
	if pair.Local == "" && g.subs[pair]&(store.Watched|store.Asked) == store.Asked &&
		g.noticed.add(subject{pair.Colleague, "", "subscribe"}, time.Now()) {
		g.ask(pair.Colleague)
	}
}

// granted takes in that a colleague shows us their presence. A server that had it
// granted long ago says no more than that, so what it is now is asked for.
func (g *Gateway) granted(pair store.Pair) {
	news := g.subs[pair]&store.Watched == 0
	if pair.Local == "" && g.relate(pair, store.Watched, 0) && news {
		g.probe(pair.Colleague)
	}
}

// unsubscribed takes in that a colleague does not show us their presence, or not
// yet. They have been asked, and are not asked again.
func (g *Gateway) unsubscribed(pair store.Pair, c *colleague) {
	if pair.Local != "" {
		return // no peer ever asks
	}
	if c != nil && g.belongs(c) {
		g.relate(pair, store.Asked, store.Watched)
	} else {
		g.relate(pair, 0, store.Watched)
	}
	if c != nil {
		g.heard(c, stanza.Stanza{Kind: stanza.Presence, From: pair.Colleague, Type: "unsubscribed"})
	}
}

// reply answers a presence from the bare address it was for.
func (g *Gateway) reply(pair store.Pair, kind string) {
	g.say(g.presenceOf(pair, kind))
}

func (g *Gateway) presenceOf(pair store.Pair, kind string) stanza.Stanza {
	return stanza.Stanza{Kind: stanza.Presence, From: g.ourJID(pair.Local), To: pair.Colleague, Type: kind}
}

// ourJID returns the bare address of a peer's proxy, or of the gateway itself for
// an empty local part.
func (g *Gateway) ourJID(local string) string {
	if local == "" {
		return g.cfg.Upstream.Domain
	}
	return local + "@" + g.cfg.Upstream.Domain
}

// present tells a subscriber how an address of ours stands now.
func (g *Gateway) present(pair store.Pair) {
	switch {
	case g.subs[pair]&store.Watching == 0: // not any more
	case pair.Local == "":
		g.sayHere(pair.Colleague)
	default:
		g.show(g.peerOf(pair.Local), pair.Colleague)
	}
}
