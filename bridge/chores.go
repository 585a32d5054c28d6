package bridge

import (
	"time"

	"meshbridge/internal/stanza"
)

// chores are stanzas that may wait a little: presence and probes by the hundred
// after an authentication. They go out in order, paced, and behind what people say
// to each other (COMP-18).
type chores struct {
	order   []way // oldest first
	todo    map[way]*errand
	each    map[string]int  // how many of todo go to one address
	answers []stanza.Stanza // that the session had no room for; they go first, unpaced

	credit int       // how many may go out now
	since  time.Time // when credit was last reckoned
	next   *alarm    // for what credit or room was lacking
}

// way is from whom to whom.
type way struct{ from, to string }

// errand is what is to be said on one way: one stanza for each subject at most, of
// which the latest counts, in the order of the subjects.
type errand [subjects]*stanza.Stanza

// The subjects of presence stanzas (RFC 6121 section 4.7.1).
const (
	aboutRequest  = iota // subscribe, unsubscribe
	aboutRelation        // subscribed, unsubscribed
	aboutStanding        // here, and how; or not
	aboutProbe           // probe
	subjects
)

func subjectOf(kind string) int {
	switch kind {
	case "subscribed", "unsubscribed":
		return aboutRelation
	case "subscribe", "unsubscribe":
		return aboutRequest
	case "probe":
		return aboutProbe
	}
	return aboutStanding
}

// add takes a presence in. Of two on the same subject the later goes out, at the
// place of the earlier. Who is told that the subscription is over is told nothing
// that still waits (GW-9). It reports false when too much waits for one address, which
// can only be asking for it.
func (c *chores) add(s stanza.Stanza) bool {
	w := way{s.From, s.To}
	e := c.todo[w]
	if e == nil {
		if c.each[s.To] >= maxErrands {
			return false
		}
		if c.todo == nil {
			c.todo, c.each = map[way]*errand{}, map[string]int{}
		}
		e = new(errand)
		c.todo[w] = e
		c.each[s.To]++
		c.order = append(c.order, w)
	}
	e[subjectOf(s.Type)] = &s
	switch s.Type {
	case "unsubscribed":
		e[aboutStanding] = nil
	case "unsubscribe":
		e[aboutProbe] = nil
	}
	return true
}

// first returns the stanza whose turn it is, or nil, and a function that takes it
// off the list.
func (c *chores) first() (*stanza.Stanza, func()) {
	for len(c.order) > 0 {
		w := c.order[0]
		e := c.todo[w]
		for i := range e {
			if s := e[i]; s != nil {
				return s, func() { e[i] = nil }
			}
		}
		delete(c.todo, w)
		if c.each[w.to]--; c.each[w.to] == 0 {
			delete(c.each, w.to)
		}
		c.order = c.order[1:]
	}
	return nil, nil
}

// earn reckons the credit up to now.
func (c *chores) earn(now time.Time) {
	n := now.Sub(c.since) / choreGap
	if n >= choreCredit {
		c.credit, c.since = choreCredit, now
		return
	}
	c.credit = min(c.credit+int(n), choreCredit)
	c.since = c.since.Add(n * choreGap)
}

// say sends a presence stanza upstream when its turn comes, which is at once unless
// there are many. Without a session nothing is said: what is true then is said
// after the next authentication. On the way out nothing new is said.
func (g *Gateway) say(s stanza.Stanza) {
	if g.session == nil || g.stopping {
		return
	}
	if !g.chores.add(s) {
		g.drops.count("GW-16")
	}
	g.doChores()
}

// answerUp sends an answer upstream, now or as soon as there is room. On another
// session it would mean nothing, unless it is the error for a message.
func (g *Gateway) answerUp(s stanza.Stanza) { g.answerWithin(maxAnswers, s) }

// answerWithin is answerUp while no more than that many answers wait.
func (g *Gateway) answerWithin(most int, s stanza.Stanza) {
	switch {
	case g.session == nil && isMessageError(s) && len(g.owed) < most:
		g.owed = append(g.owed, s)
	case g.session == nil:
		g.drops.count("COMP-12")
	case len(g.chores.answers) == 0 && g.send(s):
	case len(g.chores.answers) < most:
		g.chores.answers = append(g.chores.answers, s)
		g.doChores()
	default:
		g.drops.count("GW-14")
	}
}

// owe notes who has not been told for certain that a message did not arrive, for the
// session is over. They are told on the next one.
func (g *Gateway) owe() {
	for _, s := range g.said {
		if isMessageError(s.stanza) {
			g.owed = append(g.owed, s.stanza)
		}
	}
	for _, s := range g.chores.answers {
		if isMessageError(s) {
			g.owed = append(g.owed, s)
		}
	}
}

func isMessageError(s stanza.Stanza) bool { return s.Kind == stanza.Message && s.Type == "error" }

// payOff tells those who could not be told before.
func (g *Gateway) payOff() {
	owed := g.owed
	g.owed = nil
	for _, s := range owed {
		g.answerWithin(len(owed)+maxAnswers, s)
	}
}

// doChores sends what the pace and the session allow. For the rest it comes back.
func (g *Gateway) doChores() {
	c := &g.chores
	for len(c.answers) > 0 && g.session != nil && g.send(c.answers[0]) {
		c.answers = c.answers[1:]
	}
	c.earn(time.Now())
	s, done := c.first()
	for s != nil && c.credit > 0 && len(c.answers) == 0 && g.session != nil && g.send(*s) {
		done()
		c.credit--
		s, done = c.first()
	}
	if (s != nil || len(c.answers) > 0) && !c.next.set() {
		c.next = g.after(choreEvery, g.doChores)
	}
}
