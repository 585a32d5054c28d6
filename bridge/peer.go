package bridge

import (
	"maps"
	"slices"
	"strings"
	"time"

	"meshbridge/bridge/address"
	"meshbridge/bridge/config"
	"meshbridge/bridge/store"
	"meshbridge/bridge/translate"
	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
)

// peer is a person on the mesh, or one who was there or is watched for.
type peer struct {
	local    string // local part of the proxy JID
	jid      string // proxy JID
	rule     address.Rule
	instance string // "" for a fallback name that was never seen
	host     string // last known host name
	seen     bool   // was here in this run
	present  bool
	profile  linklocal.Profile
	name     string              // that the profile claims; "" for none
	came     time.Time           // when it was first seen since it was last away
	left     time.Time           // when it was here last; zero: not in this run
	can      *ability            // what the client can; nil: not asked yet
	mute     bool                // the client answers no questions
	asked    map[string]*inquiry // what it has been asked, by namespace
	at       *linklocal.Machine  // where it was last found; nil: not known
	rival    *rivalry            // who else claims its instance; nil: nobody
	since    time.Time           // when its host name was last news
	watchers map[string]bool     // bare JIDs subscribed to the proxy JID
	dialogue dialogue            // with the gateway itself
	attended bool                // the mesh was told that somebody waits to see how it stands
	chatted  time.Time           // last message from or to a colleague
	chatEnd  *alarm              // to when that is long ago
}

// peerOf returns the peer behind a local part, known from now on. A plain local
// part says itself which instance it stands for (MAPJ-10).
func (g *Gateway) peerOf(local string) *peer {
	p := g.peers[local]
	if p == nil {
		p = &peer{local: local, jid: g.ourJID(local), rule: address.Fallback, watchers: map[string]bool{}, asked: map[string]*inquiry{}}
		if proxy, ok := address.ParseProxy(local); ok {
			p.rule, p.instance = proxy.Rule, proxy.Instance
		}
		g.peers[local] = p
	}
	return p
}

// release forgets a peer on whom nothing depends. Who was seen is remembered while
// there is room, so that a message can wait for them.
func (g *Gateway) release(p *peer) {
	if p.present || len(p.watchers) > 0 || p.seen && len(g.peers) <= maxPeers {
		return
	}
	for key := range g.routes {
		if key.local == p.local {
			return
		}
	}
	delete(g.peers, p.local)
	delete(g.seen, p.instance)
}

// peerChanged takes in that a peer came or says something new of itself.
func (g *Gateway) peerChanged(now linklocal.Peer) {
	now.Profile = g.seenBy(now.Profile)
	local, _ := address.ProxyLocal(now.Instance)
	p := g.peerOf(local)
	came, moved := !p.present, now.Host != "" && !strings.EqualFold(now.Host, p.host)
	news, mark := came || !sameProfile(p.profile, now.Profile), shownCaps(p)
	if came {
		p.came = time.Now()
		g.log.Debug("peer up", "peer", now.Instance, "interfaces", now.Interfaces)
	}
	g.named(p, now.Instance)
	another := g.recognise(p, now.Profile)
	p.profile, p.present, p.seen = now.Profile, true, true
	p.name = translate.Nickname(now.Profile)
	if another {
		g.dropInquiries(p)
	}
	if moved {
		g.elsewhere(p, now.Host)
		g.moved(p, now.Host)
	}
	if news || mark != shownCaps(p) {
		g.showToAll(p)
	}
	if came || moved {
		g.resumePeer(p)
		g.answerOrphans()
	}
	g.attend(p)
	if came {
		g.newcomer()
	}
}

// named notes how the mesh writes a peer's instance. One that its local part does
// not tell is kept for those who watch it.
func (g *Gateway) named(p *peer, instance string) {
	if p.instance == instance && g.seen[instance] == p {
		return
	}
	delete(g.seen, p.instance)
	p.instance = instance
	g.seen[instance] = p
	g.keepName(p)
}

// keepName records the instance behind a fallback name (MAPJ-10) as long as
// somebody is subscribed to it.
func (g *Gateway) keepName(p *peer) {
	switch {
	case p.rule != address.Fallback:
	case len(p.watchers) == 0:
		g.remember(g.keeper.SetFallback(p.local, ""))
	case p.instance != "":
		g.remember(g.keeper.SetFallback(p.local, p.instance))
	}
}

// sameProfile compares what others can see of two profiles.
func sameProfile(a, b linklocal.Profile) bool {
	return a.Status == b.Status && a.Message == b.Message && a.PhotoHash == b.PhotoHash && a.Nick == b.Nick
}

// peerGone takes in that a peer left. What waits for it stays.
func (g *Gateway) peerGone(instance, why string) {
	p := g.seen[instance]
	if p == nil || !p.present {
		return
	}
	g.log.Debug("peer gone", "peer", instance, "why", why)
	p.present, p.left, p.rival = false, time.Now(), nil
	g.attend(p)
	g.dropInquiries(p)
	g.showToAll(p)
	g.release(p)
}

func (g *Gateway) showToAll(p *peer) {
	for _, bare := range slices.Sorted(maps.Keys(p.watchers)) {
		if g.blocks(store.Pair{Colleague: bare, Local: p.local}) == 0 { // else they were told once that nobody is here
			g.show(p, bare)
		}
	}
}

// show tells a subscriber where a peer stands (MAP-P, GW-11: from the bare JID).
func (g *Gateway) show(p *peer, bare string) {
	here := g.visible(p, bare)
	if here {
		g.say(translate.PresenceFromProfile(p.profile, p.jid, bare, translate.PresenceOptions{Caps: shownCaps(p), HidePhoto: !g.shows(config.TXTPhoto)}))
	} else {
		g.say(translate.Unavailable(p.jid, bare))
	}
	g.setShown(store.Pair{Colleague: bare, Local: p.local}, here)
}

// setShown remembers what a subscriber was last told, across restarts (COMP-20).
// Without a session nothing was told.
func (g *Gateway) setShown(pair store.Pair, available bool) {
	if g.session == nil || g.shown[pair] == available {
		return
	}
	if available {
		g.shown[pair] = true
	} else {
		delete(g.shown, pair)
	}
	g.remember(g.keeper.SetShown(pair, available))
}

// unsay takes back that anybody was told of a departure where the server may not have
// got it: the session is over. It is told again after the next authentication
// (COMP-18, COMP-20).
func (g *Gateway) unsay() {
	for _, s := range g.said {
		g.untold(s.stanza)
	}
	for _, e := range g.chores.todo {
		if s := e[aboutStanding]; s != nil {
			g.untold(*s)
		}
	}
}

func (g *Gateway) untold(s stanza.Stanza) {
	if s.Kind != stanza.Presence || s.Type != "unavailable" {
		return
	}
	local, _, peer := strings.Cut(s.From, "@")
	if !peer {
		local = "" // the gateway
	}
	g.setShown(store.Pair{Colleague: s.To, Local: local}, true)
}

// remember logs a change that the store could not take: the bridge works on, and
// knows less after a restart.
func (g *Gateway) remember(err error) {
	if err != nil {
		g.drops.count("store")
		g.log.Debug("not remembered", "error", err)
	}
}

// meshUp takes in that the mesh works.
func (g *Gateway) meshUp(ev linklocal.Listening) {
	g.listening, g.before = time.Now(), nil
	g.log.Info("on the mesh", "port", ev.Port)
	g.showContact()
	g.ready()
	g.after(absentGrace, g.settleAbsent)
}

// settleAbsent tells who is not here, once peers have had the time to be found.
func (g *Gateway) settleAbsent() {
	if !g.listening.IsZero() && time.Since(g.listening) >= absentGrace {
		g.tellAbsent()
	} // else meshUp or up come back to it
}

// tellAbsent tells the subscribers of peers that are not here: those whom a former
// run showed to them, too. Who is not subscribed any more is told that nobody is
// here.
func (g *Gateway) tellAbsent() {
	if g.session == nil {
		return
	}
	for _, pair := range sortedPairs(g.shown) {
		p, watching := g.peers[pair.Local], g.subs[pair]&store.Watching != 0
		if !watching || pair.Local != "" && (p == nil || !g.visible(p, pair.Colleague)) {
			g.say(translate.Unavailable(g.ourJID(pair.Local), pair.Colleague))
			g.setShown(pair, false)
		}
	}
}
