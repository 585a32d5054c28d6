package bridge

import (
	"cmp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"meshbridge/bridge/policy"
	"meshbridge/bridge/store"
	"meshbridge/bridge/translate"
	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
)

// hold is something that does not cross until a person says so.
type hold struct {
	peer      *peer
	colleague string // "" for everybody
	why       string // in words
	since     time.Time
	todo      string // what to do about it
}

// What waits for the word of a colleague is noted across restarts, with when that
// began and which machine it is about, so that nobody is asked twice (SEC-2).
const holdMark = "approval "

func holdKey(p *peer, colleague string) string { return holdMark + p.local + " " + colleague }

// readMark reads a mark.
func readMark(mark string) (since time.Time, about linklocal.Machine) {
	at, text, _ := strings.Cut(mark, " ")
	seconds, _ := strconv.ParseInt(at, 10, 64)
	about, _ = linklocal.ParseMachine(text)
	return time.Unix(seconds, 0), about
}

// markHeld notes that something between a peer and a colleague waits for a person. It
// reports false when that is known, or when there was so much of it of late that
// somebody must be playing tricks with names.
func (g *Gateway) markHeld(p *peer, colleague string, about *linklocal.Machine) bool {
	key, now := holdKey(p, colleague), time.Now()
	if g.fact(store.Notices, key) != "" || !g.mayAskNow(colleague, now) {
		return false
	}
	mark := strconv.FormatInt(now.Unix(), 10)
	if about != nil {
		mark += " " + about.Pin().String()
	}
	g.makeRoomForHold()
	g.setFact(store.Notices, key, mark)
	g.log.Warn("somebody on the LAN is held back until a person says yes: see the verb status, or let the colleague or an admin answer approve or deny",
		"peer", p.instance, "level", g.cfg.Access.Mesh)
	return true
}

// mayAskNow paces the questions to one colleague.
func (g *Gateway) mayAskNow(colleague string, now time.Time) bool {
	for n := range askBurst {
		if g.asking.add(subject{colleague: colleague, about: strconv.Itoa(n)}, now) {
			return true
		}
	}
	return false
}

// makeRoomForHold forgets the oldest mark when there are too many.
func (g *Gateway) makeRoomForHold() {
	oldest, n := "", 0
	var since time.Time
	for key, mark := range g.facts[store.Notices] {
		if !strings.HasPrefix(key, holdMark) {
			continue
		}
		n++
		if at, _ := readMark(mark); oldest == "" || at.Before(since) {
			oldest, since = key, at
		}
	}
	if n >= maxHolds {
		g.setFact(store.Notices, oldest, "")
	}
}

// askedAbout returns the machine that a colleague was asked about; for colleague "" that
// of any of them.
func (g *Gateway) askedAbout(p *peer, colleague string) (about linklocal.Machine, asked bool) {
	for _, key := range g.marks(p, colleague) {
		if _, about = readMark(g.fact(store.Notices, key)); about.Host != "" {
			return about, true
		}
	}
	return linklocal.Machine{}, false
}

// letGo forgets that something waited for a word about a peer.
func (g *Gateway) letGo(p *peer, colleague string) {
	for _, key := range g.marks(p, colleague) {
		g.setFact(store.Notices, key, "")
	}
}

// marks lists the keys of what waits for a colleague's word about a peer, or for
// anybody's.
func (g *Gateway) marks(p *peer, colleague string) (list []string) {
	if colleague != "" {
		return []string{holdKey(p, colleague)}
	}
	for key := range g.facts[store.Notices] {
		if strings.HasPrefix(key, holdKey(p, "")) {
			list = append(list, key)
		}
	}
	slices.Sort(list)
	return list
}

// belowLevel refuses what a peer says before it has reached the level that the admin
// asks for (SEC-2), and asks who can change that, if nothing else stands against it.
func (g *Gateway) belowLevel(c *colleague, p *peer, w policy.Case, v policy.Verdict) {
	g.drops.count(v.Rule)
	if r, ok := v.Reply(w.Stanza); ok {
		g.mesh.Send(linklocal.Delivery{Proxy: c.key(), Peer: p.instance, Stanza: r})
	}
	if w.Stanza.Kind != stanza.Message || w.Stanza.Child("", "body") == nil {
		return
	}
	w.Peer.Level = g.policy.Mesh
	other := policy.FromMesh(w, g.policy)
	switch {
	case other.Action != policy.Relay:
	case g.policy.Mesh == policy.Linked: // theirs alone to change
		g.markHeld(p, c.key(), p.at)
	default:
		g.askAbout(c, p, p.at, g.nameOf(p)+" on the local network wants to write to you"+whereabouts(p.at)+".")
	}
	if !g.noticed.add(subject{c.key(), p.local, "SEC-2" + whereabouts(p.at)}, time.Now()) {
		return
	}
	text := g.howToRise(c, p)
	if other.Action != policy.Relay {
		text = translate.NoticeText(other.Error, c.called())
	}
	g.sayNow(c, p, text)
}

// sayNow says something of the gateway's own to a peer on the stream that it has with
// a colleague, or not at all: what waits is only for those who may have it.
func (g *Gateway) sayNow(c *colleague, p *peer, text string) {
	g.mesh.Send(linklocal.Delivery{Proxy: c.key(), Peer: p.instance, Stanza: translate.Notice("", "", newID(), text)})
}

// howToRise tells a peer why its message did not cross and what to do.
func (g *Gateway) howToRise(c *colleague, p *peer) string {
	text := "Your message to " + c.called() + " was not delivered: "
	switch {
	case g.denied(p, c.key()):
		return text + "they do not take messages from you here."
	case g.policy.Mesh == policy.Linked:
		return text + "this network wants to know who you are first. Write \"link\" and the address of your own XMPP account, such as link juliet@example.org, to " +
			g.contactShown() + ". Then send it again."
	case g.fact(store.Notices, holdKey(p, c.key())) != "":
		return text + "they have not approved you yet, and have been asked. Send it again when they have said yes."
	}
	return text + "they have not approved you yet. Ask them, or your administrator, to do so, and send it again."
}

// elsewhere takes in that a peer's name is on another host now. What waits for it where
// it was stays there, and the admin is told once (INJ-26).
func (g *Gateway) elsewhere(p *peer, host string) {
	waiting := 0
	for _, r := range g.routes {
		if r.peer == p && r.host != "" && !strings.EqualFold(r.host, host) {
			waiting += g.box.Waiting(r.recipient)
		}
	}
	if waiting > 0 && g.noticed.add(subject{local: p.local, about: "host " + host}, time.Now()) {
		g.log.Warn("another host has a name on the LAN; what is kept for the one before stays with us. If it is the same person, let an admin answer approve and the name",
			"rule", "INJ-26", "peer", p.instance, "old_host", p.host, "new_host", host, "messages", waiting)
	}
}

// lingers takes in that a colleague's message was accepted and not delivered at once. If
// it waits for more than the peer's return, they are told.
func (g *Gateway) lingers(r *route) {
	if g.box.Waiting(r.recipient) == 0 {
		return
	}
	if !r.peer.present {
		g.keepIdentity(r.peer)
	}
	if _, ok := g.heir(r); ok || g.policy.Mesh <= policy.Bound {
		return
	}
	c, p, at := r.colleague, r.peer, g.machineOf(r.peer)
	waits := "Your message to " + g.nameOf(p) + " on the local network waits: "
	if g.policy.Mesh == policy.Approved {
		g.askAbout(c, p, at, waits+"nobody has said yet that they know them"+whereabouts(at)+".")
		return
	}
	g.markHeld(p, c.key(), at)
	if g.noticed.add(subject{c.key(), p.local, "unlinked"}, time.Now()) { // the mark may be of the peer's own words, of which nobody was told
		g.letter(c.key(), waits+"they have yet to prove there that they own an XMPP account"+whereabouts(at)+". It is kept "+g.keptUntil()+".")
	}
}

// heldBack takes in that another machine than the peer's answered under its name.
func (g *Gateway) heldBack(r *route, who *linklocal.Machine) {
	if g.policy.Mesh > policy.Bound {
		g.askAbout(r.colleague, r.peer, who, "Your message to "+g.nameOf(r.peer)+" on the local network waits: another machine has that name now"+whereabouts(who)+".")
	}
}

// askAbout notes that a peer is held back, and tells the colleague whom it concerns,
// once until that one has answered. Who has said no is not asked; whether a peer proves
// to own an account is not theirs to say.
func (g *Gateway) askAbout(c *colleague, p *peer, about *linklocal.Machine, what string) {
	if g.session == nil || g.denied(p, c.key()) || !g.markHeld(p, c.key(), about) {
		return
	}
	if g.policy.Mesh == policy.Approved {
		name := g.typeable(p)
		what += " If you know them, answer: approve " + name + "\nIf you do not, answer: deny " + name
	}
	g.letter(c.key(), what)
}

// nameOf is how a peer is named to a colleague.
func (g *Gateway) nameOf(p *peer) string {
	instance := translate.Tame(p.instance)
	if p.name == "" || p.name == instance {
		return instance
	}
	return p.name + " (" + instance + ")"
}

// whereabouts says in words where a machine is.
func whereabouts(m *linklocal.Machine) string {
	if m == nil || len(m.Seats) == 0 {
		return ""
	}
	return " (computer " + translate.Tame(m.Host) + ", address " + m.Seats[0].Addr.WithZone("").String() + ")"
}

// held lists what is held back, the longest first.
func (g *Gateway) held() []hold {
	var list []hold
	for key, mark := range g.facts[store.Notices] {
		if local, colleague, ok := strings.Cut(strings.TrimPrefix(key, holdMark), " "); ok && strings.HasPrefix(key, holdMark) {
			p := g.peerOf(local)
			since, about := readMark(mark)
			list = append(list, hold{p, colleague, g.whyHeld(p, about), since, g.howToLetGo(p)})
		}
	}
	for _, p := range g.peers {
		if r := p.rival; r != nil {
			list = append(list, hold{p, "", "another machine claims the name" + whereabouts(&r.claimant) + " while the first may still be there", r.since,
				"find out which of the two is the real one, and approve " + g.typeable(p) + " if it is the other"})
		}
	}
	for _, r := range g.routes {
		if n := g.box.Waiting(r.recipient); n > 0 && r.peer.present && r.host != "" && !strings.EqualFold(r.host, r.peer.host) {
			list = append(list, hold{r.peer, r.routeKey.colleague, "kept for the computer " + translate.Tame(r.host) + ": " + strconv.Itoa(n) +
				"; the name is at " + translate.Tame(r.peer.host) + " now", r.peer.since,
				"approve " + g.typeable(r.peer) + " if that is the same person"})
		}
	}
	sort.Slice(list, func(x, y int) bool {
		a, b := list[x], list[y]
		return cmp.Or(a.since.Compare(b.since), strings.Compare(a.peer.local, b.peer.local), strings.Compare(a.colleague, b.colleague), strings.Compare(a.why, b.why)) < 0
	})
	return list
}

func (g *Gateway) whyHeld(p *peer, about linklocal.Machine) string {
	if g.policy.Mesh == policy.Linked {
		return "has not proved to own an XMPP account" + whereabouts(&about)
	}
	return "has not been approved" + whereabouts(&about)
}

func (g *Gateway) howToLetGo(p *peer) string {
	if g.policy.Mesh == policy.Linked {
		return "let them write link and their account to " + g.contactShown()
	}
	return "approve or deny " + g.typeable(p)
}
