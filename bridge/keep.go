package bridge

import (
	"time"

	"meshbridge/bridge/outbox"
	"meshbridge/bridge/store"
)

// With outbox.durability: disk a message is accepted when its group commit is done, or
// when it has arrived before that. Nothing waits for the disk on its way: what a crash
// takes are the messages of the last 50 ms that had not gone out either.

// keep has the disk remember a message that the outbox has taken in.
func (g *Gateway) keep(e outbox.Entry) {
	if !g.durable {
		g.trace(stepAccepted, e)
		return
	}
	g.trace(stepTaken, e)
	g.unsaved[e.ID] = true
	g.keeper.Keep(g.recordOf(e))
}

// recordOf is an entry of the outbox as the disk keeps it.
func (g *Gateway) recordOf(e outbox.Entry) store.Message {
	m := store.Message{ID: uint64(e.ID), Sender: e.Sender, Origin: e.Origin, Accepted: e.Stamp, Stanza: e.Stanza}
	if r := g.queues[e.Recipient]; r != nil {
		m.Colleague, m.Local, m.Host = r.routeKey.colleague, r.local, r.host
	} else {
		m.Up, m.Colleague, m.Local = true, colleagueOf(e.Recipient), e.Sender
	}
	return m
}

// settle takes in how a message ended that has left the outbox. It returns the commit
// after which the disk has forgotten it too, 0 for at once.
func (g *Gateway) settle(e outbox.Entry, step string, more ...any) (commit uint64) {
	if g.unsaved[e.ID] {
		delete(g.unsaved, e.ID)
		g.trace(stepAccepted, e)
	}
	g.trace(step, e, more...)
	if !g.durable && e.ID > g.lastRestored {
		return 0 // never was there
	}
	return g.keeper.Drop(uint64(e.ID))
}

// survives reports whether a message will be there after an orderly end.
func (g *Gateway) survives(id outbox.ID) bool {
	return g.durable && (g.keeper.Trouble() == nil || !g.unsaved[id]) || id <= g.lastRestored
}

// fading is places in the window of a colleague or a route. The messages that had them
// have arrived, but would go out again after a crash until the disk has forgotten them.
type fading struct {
	commit    uint64
	colleague *colleague
	route     *route
	places    int
}

// fade keeps places taken until a commit; those of commit 0 are free.
func (g *Gateway) fade(f fading) {
	if f.commit == 0 {
		return
	}
	f.hold(f.places)
	g.fadings = append(g.fadings, f)
}

func (f fading) hold(places int) {
	if f.route != nil {
		f.route.fading += places
	} else if f.colleague != nil {
		f.colleague.fading += places
	}
}

// saved takes in how far the disk has come.
func (g *Gateway) saved() {
	id, commit := g.keeper.Saved()
	for unsaved := range g.unsaved {
		if uint64(unsaved) > id {
			continue
		}
		delete(g.unsaved, unsaved)
		if e, ok := g.box.Get(unsaved); ok {
			g.trace(stepAccepted, e)
		}
	}
	n := 0
	for n < len(g.fadings) && g.fadings[n].commit <= commit {
		n++
	}
	free := g.fadings[:n]
	g.fadings = g.fadings[n:]
	for _, f := range free {
		f.hold(-f.places)
	}
	for _, f := range free {
		if f.route != nil {
			g.pump(f.route)
			g.tidy(f.route)
		} else if f.colleague != nil {
			g.pumpTo(f.colleague.queue)
		}
	}
}

// timeOfDay is a moment as the world dates it, zero while this machine does not know
// (GW-24).
func (g *Gateway) timeOfDay(t time.Time) time.Time {
	if t.Before(g.floor) {
		return time.Time{}
	}
	return t
}
