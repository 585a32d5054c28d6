package bridge

import (
	"time"

	"meshbridge/internal/stanza"
)

// chores are stanzas that may wait a little: presence and probes by the hundred
// after an authentication. They go out in order, paced, and behind what people say
// to each other (COMP-18). Of two on the same matter only the later goes out, at
// the place of the earlier.
type chores struct {
	order  []matter
	todo   map[matter]stanza.Stanza
	credit int // how many may go out before the next tick
}

type matter struct{ from, to, kind string }

// matterOf says what a presence stanza is about: being here or not is one matter.
func matterOf(s stanza.Stanza) matter {
	kind := s.Type
	if kind == "unavailable" {
		kind = ""
	}
	return matter{s.From, s.To, kind}
}

func (c *chores) add(s stanza.Stanza) {
	m := matterOf(s)
	if c.todo == nil {
		c.todo = map[matter]stanza.Stanza{}
	}
	if _, waiting := c.todo[m]; !waiting {
		c.order = append(c.order, m)
	}
	c.todo[m] = s
}

// say sends a presence stanza upstream when its turn comes, which is at once unless
// there are many. Without a session nothing is said: what is true then is said
// after the next authentication.
func (g *Gateway) say(s stanza.Stanza) {
	if g.session == nil {
		return
	}
	g.chores.add(s)
	g.doChores()
}

// doChores sends what the pace allows.
func (g *Gateway) doChores() {
	c := &g.chores
	for len(c.order) > 0 && c.credit > 0 && g.session != nil {
		if _, err := g.session.Send(c.todo[c.order[0]]); err != nil {
			g.log.Debug("presence waits", "error", err)
			return
		}
		delete(c.todo, c.order[0])
		c.order = c.order[1:]
		c.credit--
	}
}

// tick is the gateway's pulse.
func (g *Gateway) tick() {
	g.chores.credit = min(g.chores.credit+choreBurst, choreCredit)
	g.doChores()
	if now := time.Now(); now.Sub(g.expired) >= expireEvery {
		g.expired = now
		g.expire(now)
	}
}
