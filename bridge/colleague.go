package bridge

import (
	"strings"
	"time"

	"mellium.im/xmpp/jid"

	"meshbridge/bridge/address"
	"meshbridge/bridge/config"
	"meshbridge/bridge/translate"
	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
)

// colleague is a remote user who may appear on the mesh.
type colleague struct {
	bare    jid.JID
	id      string // bare, in words
	queue   string // of the outbox, for what goes to them
	nick    string // "" for none
	named   bool   // nick is the admin's
	listed  bool
	devices translate.Resources
	unsure  bool // what devices says is from before the last authentication

	photo   string          // hash of the picture that their presence tells of; "" for none
	card    *translate.Card // their vCard without the picture, which is in the gallery; nil: not known
	found   bool            // there is a vCard at all
	asking  bool            // their server has been asked for it, or will be
	tried   string          // photo for which it was asked last
	curious []func()        // who wait for it

	published bool
	instance  string            // of the proxy, once the mesh has announced it
	profile   linklocal.Profile // as published
	leaving   *alarm            // from the last device's logout to the goodbye
	underWay  int               // messages with the server that are not known to have arrived
	fading    int               // those that have, and that the disk has not forgotten
	silent    bool              // answers no pings, so that nobody waits for them
	patience  *alarm            // with the next answer, while messages are held back
	doubt     uint64            // the question asked again, until the server has passed it on; 0: none
	talking   time.Time         // last message while no device was online
	hush      *alarm            // to the end of talking

	introduce  config.Introduce // "" is as IntroduceRoster
	suggesting *alarm           // to the next request to be added, in the name of a peer
	greeting   *alarm           // to the welcome message
	parting    int              // seconds since the door was shut to them, and one; 0: it is open
}

// key is what others know a colleague by.
func (c *colleague) key() string { return c.id }

// called is the short name of a colleague.
func (c *colleague) called() string {
	if c.nick == "" {
		return c.key()
	}
	return c.nick
}

// meet returns the colleague with a bare JID, known from now on.
func (g *Gateway) meet(bare jid.JID) *colleague {
	id := bare.String()
	c := g.colleagues[id]
	if c == nil {
		c = &colleague{bare: bare, id: id, queue: queueUpstream + id}
		g.colleagues[id] = c
		name, _ := g.addr.Instance(bare)
		g.own[localOf(name)] = c
	}
	return c
}

// localOf returns the local part that an instance would have upstream.
func localOf(instance string) string {
	local, _ := address.ProxyLocal(instance)
	return local
}

// admit returns the colleague with a bare JID who is not listed, or nil when there
// are too many.
func (g *Gateway) admit(bare string) *colleague {
	if c := g.colleagues[bare]; c != nil {
		return c
	}
	j, err := address.Parse(bare)
	if err != nil || len(g.colleagues)-len(g.cfg.Colleagues) >= maxColleagues && !g.makeRoom() {
		return nil
	}
	return g.meet(j)
}

// makeRoom forgets somebody who is not listed, not on the mesh, and has nothing
// waiting or under way.
func (g *Gateway) makeRoom() bool {
	busy := map[*colleague]bool{}
	for _, r := range g.routes {
		busy[r.colleague] = true
	}
	for _, f := range g.written {
		busy[g.colleagues[f.to]] = true
	}
	for _, a := range g.arrivals {
		busy[g.colleagues[a.to]] = true
	}
	for key, c := range g.colleagues {
		if g.belongs(c) || c.published || busy[c] || g.box.Waiting(c.queue) > 0 {
			continue
		}
		c.hush.stop()
		delete(g.colleagues, key)
		name, _ := g.addr.Instance(c.bare)
		delete(g.own, localOf(name))
		return true
	}
	return false
}

// heard takes in a presence of a colleague's device. The first news of an available
// device after an authentication replaces all that was known before it: the others
// are told of as well, if they are still there.
func (g *Gateway) heard(c *colleague, s stanza.Stanza) {
	_, device, _ := strings.Cut(s.From, "/")
	was, unsure := c.devices.Available(), c.unsure
	if c.unsure && s.Type == "" {
		c.devices = translate.Resources{}
	}
	if s.Type != "unavailable" || device == "" { // one device that leaves says nothing of the others
		c.unsure = false
	}
	c.devices.Apply(s)
	if hash, told := translate.PhotoTold(s); told {
		c.photo = hash
	}
	if c.devices.Available() {
		c.talking = time.Time{}
	}
	if was != c.devices.Available() {
		g.attendFor(c)
	}
	g.mirror(c)
	if !c.devices.Available() && !c.unsure {
		g.lay(c)
	}
	if !was && !unsure && c.devices.Available() {
		g.welcome(c)
	}
	if !was && c.devices.Available() {
		g.orientLater(c)
	}
}

// welcome shows somebody who comes online the gateway and who is here (GW-5). Their
// server asks as well, and then has had its answer.
func (g *Gateway) welcome(c *colleague) {
	for _, pair := range g.watchedBy(c) {
		g.answer(pair, true)
	}
}
