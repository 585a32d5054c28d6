package bridge

import (
	"cmp"
	"slices"
	"time"

	"meshbridge/bridge/config"
	"meshbridge/bridge/policy"
	"meshbridge/bridge/translate"
	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
)

// What a colleague looks like and is called stands in their vCard, for which the gateway
// asks their server: in its own name, which is the one that they let see them, and only
// for those who are on the mesh. Their devices are not asked.

// cards are the questions for colleagues' cards. They go out one by one, since the answer
// to each may be several frames of multicast on the mesh.
type cards struct {
	queue []*colleague             // to be asked for
	asked map[string]*cardQuestion // by id of the iq
	next  *alarm
}

type cardQuestion struct {
	*colleague
	end *alarm
}

// seekCard asks for the card of a colleague if something of it would be shown that is
// not known.
func (g *Gateway) seekCard(c *colleague) {
	words := c.card == nil && (c.nick == "" && g.publishes(config.TXTNick) ||
		g.publishes(config.TXTFirst) || g.publishes(config.TXTLast) || g.publishes(config.TXTEmail))
	picture := c.photo != "" && c.photo != c.tried && g.publishes(config.TXTPhoto) && g.avatar(c.photo) == ""
	if words || picture {
		g.wantCard(c)
	}
}

// wantCard has a colleague's server asked, when its turn comes.
func (g *Gateway) wantCard(c *colleague) {
	if c.asking || g.session == nil || g.stopping {
		return
	}
	c.asking = true
	g.cards.queue = append(g.cards.queue, c)
	g.askCards()
}

// askCards asks for the next card, and comes back for the others.
func (g *Gateway) askCards() {
	if len(g.cards.queue) == 0 || g.session == nil || g.cards.next.set() {
		return
	}
	g.cards.next = g.after(cardGap, g.askCards)
	c, id := g.cards.queue[0], newID()
	if len(g.cards.asked) >= maxCardAsks || !g.send(stanza.Stanza{
		Kind: stanza.IQ, Type: "get", From: g.cfg.Upstream.Domain, To: c.key(), ID: id,
		Payload: []*stanza.Element{stanza.New(stanza.NSVCard, "vCard")},
	}) {
		return
	}
	g.cards.queue = g.cards.queue[1:]
	c.tried = c.photo
	if g.cards.asked == nil {
		g.cards.asked = map[string]*cardQuestion{}
	}
	g.cards.asked[id] = &cardQuestion{c, g.after(cardPatience, func() { g.endCard(id) })}
}

// cardArrived reports whether a stanza answers such a question, and takes it in: by its
// id, and from whom it was asked, to whom asked.
func (g *Gateway) cardArrived(s stanza.Stanza) bool {
	if s.Kind != stanza.IQ || s.Type != "result" && s.Type != "error" {
		return false
	}
	q := g.cards.asked[s.ID]
	if q == nil || s.To != g.cfg.Upstream.Domain || g.read.sender(s.From) != q.key() {
		return false
	}
	c := q.colleague
	if v := s.Child(stanza.NSVCard, "vCard"); v != nil && s.Type == "result" {
		g.readCard(c, v)
	}
	g.endCard(s.ID)
	return true
}

// readCard takes in a colleague's card. The picture counts only if it is the one that
// their presence tells of (INJ-25).
func (g *Gateway) readCard(c *colleague, v *stanza.Element) {
	card, large := translate.CardFromServer(v)
	photo := card.Photo
	card.Photo = ""
	c.card, c.found = &card, true
	switch {
	case c.photo == "" || !g.publishes(config.TXTPhoto):
	case large:
		g.drops.count("LL-AV-2")
		if g.noticed.add(subject{c.key(), "", "LL-AV-2"}, time.Now()) {
			g.log.Warn("a colleague's picture is larger than 8 KiB and is not shown on the mesh; a smaller one in their client's profile would be")
			g.log.Debug("whose picture that is", "colleague", c.key())
		}
	case photo != "":
		g.keepAvatar(c.photo, photo)
	}
}

// endCard ends a question, and does what waited for its end. Who has no card, or whose
// server does not say, is not asked again before the next session or another picture.
func (g *Gateway) endCard(id string) {
	q := g.cards.asked[id]
	delete(g.cards.asked, id)
	q.end.stop()
	if q.card == nil {
		q.card = new(translate.Card)
	}
	g.settleCard(q.colleague)
	if q.published {
		g.mirror(q.colleague)
	}
}

func (g *Gateway) settleCard(c *colleague) {
	c.asking = false
	waiting := c.curious
	c.curious = nil
	for _, then := range waiting {
		then()
	}
}

// dropCards ends all questions: the session is over.
func (g *Gateway) dropCards() {
	g.cards.next.stop()
	list := g.cards.queue
	for _, q := range g.cards.asked {
		q.end.stop()
		list = append(list, q.colleague)
	}
	g.cards = cards{}
	for _, c := range list {
		g.settleCard(c)
	}
	for _, c := range g.colleagues {
		if c.tried = ""; !c.found {
			c.card = nil
		}
	}
}

// withCard calls then when a colleague's card is known, or is not to be had: once, in
// bounded time.
func (g *Gateway) withCard(c *colleague, then func()) {
	if c.card == nil {
		g.wantCard(c)
	}
	if c.card != nil || !c.asking || len(c.curious) >= maxCurious {
		then()
		return
	}
	c.curious = append(c.curious, then)
}

// showCard answers a peer who asks for a colleague's card with what the colleague's record
// may say, too (MAP-X3, PRIV-1).
func (g *Gateway) showCard(c *colleague, s stanza.Stanza) stanza.Stanza {
	if c.card == nil || !c.found {
		return refused(s, policy.NotServed)
	}
	card := g.cardShown(c)
	card.Photo = g.avatarOf(c)
	card.Name = cmp.Or(card.Nick, translate.Tame(card.First+" "+card.Last), c.instance)
	return result(s, card.Element())
}

// cardShown leaves of a colleague's card what the mesh may know.
func (g *Gateway) cardShown(c *colleague) (card translate.Card) {
	if c.card == nil {
		return card
	}
	for _, k := range g.cfg.Privacy.Publish {
		switch k {
		case config.TXTNick:
			card.Nick = c.nickname()
		case config.TXTFirst:
			card.First = c.card.First
		case config.TXTLast:
			card.Last = c.card.Last
		case config.TXTEmail:
			card.Emails = slices.Clone(c.card.Emails)
		case config.TXTJID:
			card.JID = c.key()
		}
	}
	return card
}

// nickname is what a colleague is called: by the admin, else by themselves. Nobody calls
// themselves the gateway.
func (c *colleague) nickname() string {
	if c.nick == "" && c.card != nil && !isContactNick(c.card.Nick) {
		return c.card.Nick
	}
	return c.nick
}

// avatarOf returns the picture by which a colleague is shown on the mesh, "" for none.
func (g *Gateway) avatarOf(c *colleague) string {
	if c.photo == "" || !g.publishes(config.TXTPhoto) {
		return ""
	}
	if avatar := g.avatar(c.photo); len(avatar) <= linklocal.MaxAvatar {
		return avatar
	}
	return "" // a peer may have a larger one than we can publish
}
