package bridge

import (
	"time"

	"meshbridge/bridge/address"
	"meshbridge/bridge/policy"
	"meshbridge/bridge/store"
	"meshbridge/internal/stanza"
)

// parties is who a stanza of the server is between.
type parties struct {
	policy.Case
	local string // of the addressed proxy JID; "" for the gateway
	peer  *peer  // nil when nobody was seen under it
}

// between finds out who a stanza of the server is between.
func (g *Gateway) between(s stanza.Stanza) (parties, *colleague) {
	w := parties{Case: policy.Case{Stanza: s}}
	var c *colleague
	if from, err := address.Parse(s.From); err == nil {
		w.Colleague.JID = from.Bare().String()
		c = g.colleagues[w.Colleague.JID]
	}
	to, err := address.Parse(s.To)
	switch {
	case err != nil:
		return w, c
	case to.Localpart() == "":
		w.Target = policy.Gateway
	default:
		g.findPeer(&w, to.Localpart())
	}
	pair := store.Pair{Colleague: w.Colleague.JID, Local: w.local}
	w.Colleague.Subscribed = g.subs[pair]&store.Watching != 0
	return w, c
}

// findPeer says what the local part of an address of ours stands for.
func (g *Gateway) findPeer(w *parties, local string) {
	proxy, possible := address.ParseProxy(local)
	if !possible {
		w.Target = policy.Impossible
		return
	}
	w.local, w.Target = proxy.Local, policy.Unknown
	if proxy.Rule == address.Plain && g.own[proxy.Instance] != nil {
		w.Target = policy.OwnSide
		return
	}
	if p := g.peers[proxy.Local]; p != nil && p.instance != "" {
		w.peer, w.Target = p, policy.Person
		w.Peer = policy.Peer{Level: policy.Bound, Present: p.present}
	}
}

// presenceFromServer deals with a presence stanza.
func (g *Gateway) presenceFromServer(s stanza.Stanza) {
	w, c := g.between(s)
	v := policy.Presence(w.Case, g.policy)
	switch v.Action {
	case policy.Drop:
		g.drops.count(v.Rule)
	case policy.Refuse:
		g.drops.count(v.Rule)
		if r, ok := v.Reply(s); ok && g.asked.add("no "+r.From+" "+r.To, "", time.Now()) {
			g.say(r)
		}
	case policy.Relay:
		if c != nil {
			g.heard(c, s)
		}
	case policy.Answer:
		g.subscription(w)
	}
}

// subscription deals with probes and with the beginning and end of subscriptions
// (RFC 6121 section 3).
func (g *Gateway) subscription(w parties) {
	bare, local := w.Colleague.JID, w.local
	switch w.Stanza.Type {
	case "subscribe":
		g.reply(w, "subscribed")
		g.watch(bare, local)
		g.present(bare, local)
	case "probe":
		if !g.asked.add("probe "+bare+" "+local, "", time.Now()) {
			return
		}
		g.watch(bare, local)
		g.present(bare, local)
	case "unsubscribe":
		g.unwatch(bare, local)
		g.reply(w, "unsubscribed")
	case "subscribed":
		g.relate(store.Pair{Colleague: bare, Local: local}, store.Watched, 0)
	case "unsubscribed":
		g.relate(store.Pair{Colleague: bare, Local: local}, 0, store.Watched)
		if c := g.colleagues[bare]; c != nil && local == "" {
			g.heard(c, stanza.Stanza{Kind: stanza.Presence, From: bare, Type: "unsubscribed"})
		}
	}
}

// reply answers a presence from the bare address it was for.
func (g *Gateway) reply(w parties, kind string) {
	g.say(stanza.Stanza{Kind: stanza.Presence, From: g.ourJID(w.local), To: w.Colleague.JID, Type: kind})
}

// ourJID returns the bare address of a peer's proxy, or of the gateway itself for
// an empty local part.
func (g *Gateway) ourJID(local string) string {
	if local == "" {
		return g.cfg.Upstream.Domain
	}
	return local + "@" + g.cfg.Upstream.Domain
}

// watch notes that a colleague is subscribed to an address of ours.
func (g *Gateway) watch(bare, local string) {
	g.relate(store.Pair{Colleague: bare, Local: local}, store.Watching, 0)
	if local != "" {
		g.peerOf(local).watchers[bare] = true
	}
}

func (g *Gateway) unwatch(bare, local string) {
	pair := store.Pair{Colleague: bare, Local: local}
	g.relate(pair, 0, store.Watching)
	g.setShown(pair, false)
	if p := g.peers[local]; p != nil {
		delete(p.watchers, bare)
	}
}

// relate sets and clears how a pair stands, here and in the store.
func (g *Gateway) relate(pair store.Pair, set, clear store.Subscription) {
	now := g.subs[pair]&^clear | set
	if now == g.subs[pair] {
		return
	}
	if now == 0 {
		delete(g.subs, pair)
	} else {
		g.subs[pair] = now
	}
	g.remember(g.keeper.SetSubscription(pair, now))
}

// present tells a subscriber how an address of ours stands now.
func (g *Gateway) present(bare, local string) {
	if local == "" {
		g.sayHere(bare)
		return
	}
	g.show(g.peerOf(local), bare)
}
