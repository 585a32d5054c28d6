package bridge

import (
	"slices"
	"time"

	"meshbridge/bridge/outbox"
	"meshbridge/bridge/policy"
	"meshbridge/bridge/store"
	"meshbridge/bridge/translate"
)

// restore takes over the messages that a former run had accepted and that are not
// known to have arrived. They go out as repeats: with the same id, and a stamp.
func (g *Gateway) restore(kept []store.Message) {
	now := time.Now()
	accepted := g.ages(kept, now)
	for i, m := range kept {
		e := outbox.Entry{
			ID: outbox.ID(m.ID), Sender: m.Sender, Origin: m.Origin, Stanza: m.Stanza,
			Accepted: accepted[i], Stamp: m.Accepted, Tries: 1,
		}
		g.lastRestored = e.ID
		c, p := g.admit(m.Colleague), g.peerOf(m.Local)
		switch {
		case c == nil || !g.policy.MaySubscribe(m.Colleague):
			g.box.Reserve(e.ID)
			g.orphans = append(g.orphans, orphan{e, m})
			continue
		case m.Up:
			e.Recipient = c.queue
		default:
			e.Recipient = g.route(c, p, m.Host).recipient
		}
		g.box.Restore(e)
		g.recollect(m, now)
	}
	if len(kept) > 0 {
		g.log.Info("messages of the last run are still to be delivered", "count", len(kept))
	}
}

// ages says since when kept messages count as accepted. What cannot be known for a
// clock that was wrong, then or now, counts as no time at all, but nobody's messages
// age slower than those after them.
func (g *Gateway) ages(kept []store.Message, now time.Time) []time.Time {
	type queue struct {
		up                     bool
		colleague, local, host string
	}
	oldest := map[queue]time.Duration{}
	since := make([]time.Time, len(kept))
	for i := len(kept) - 1; i >= 0; i-- {
		m := kept[i]
		q := queue{up: m.Up, colleague: m.Colleague}
		if !m.Up {
			q.local, q.host = m.Local, m.Host
		}
		if !m.Accepted.IsZero() {
			oldest[q] = max(oldest[q], now.Sub(m.Accepted))
		}
		since[i] = now.Add(-oldest[q])
	}
	return since
}

// recollect brings back what is known of a message besides, so that an error for it
// finds its way, and a repeat of it is known as one.
func (g *Gateway) recollect(m store.Message, now time.Time) {
	s := m.Stanza
	if m.Sender == "" || s.Type == "error" {
		return
	}
	if m.Up {
		g.relayed.note(passage{true, m.Colleague, m.Local, s.ID}, m.Origin, now)
		s.ID = m.Origin
		g.took(markOf(m.Local, m.Colleague, s), now)
		return
	}
	g.relayed.note(passage{false, m.Colleague, m.Local, s.ID}, m.Sender, now)
	g.took(markOf(m.Sender, m.Local, s), now)
}

// orphan is a message of a former run between two who may not talk any more.
type orphan struct {
	outbox.Entry
	store.Message
}

// answerOrphans tells those of their senders who can be told now. For the others it is
// come back to; until then the messages stay on disk.
func (g *Gateway) answerOrphans() {
	g.orphans = slices.DeleteFunc(g.orphans, func(o orphan) bool {
		told := g.answerOrphan(o)
		if told {
			g.drops.count("COMP-14")
			g.settle(o.Entry, stepErrored, "condition", policy.Forbidden.StanzaError().Condition)
		}
		return told
	})
}

// answerOrphan tells a colleague by an error, and a peer in the gateway's own words:
// nobody appears on the mesh any more who could say it.
func (g *Gateway) answerOrphan(o orphan) bool {
	p := g.peers[o.Local]
	switch {
	case o.Message.Sender == "" || o.Message.Stanza.Type == "error":
		return true
	case !o.Up && g.session != nil:
		g.errorBack(o.Entry, g.ourJID(o.Local), policy.Forbidden)
		return true
	case o.Up && p != nil && p.present && g.contact.instance != "":
		g.sayTo(p, translate.NoticeText(policy.Forbidden.StanzaError(), o.Colleague))
		return true
	}
	return false
}
