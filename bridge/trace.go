package bridge

import (
	"context"
	"log/slog"

	"meshbridge/bridge/outbox"
)

// The steps of a message, as the debug log has them: who asks where one has gone finds
// its way there by its id. Addresses stand there, words never do (PRIV-6).
const (
	stepTaken    = "taken"    // in the outbox
	stepAccepted = "accepted" // and on disk where outbox.durability says so, or arrived already
	stepWritten  = "written"  // handed to the session or the mesh
	stepRouted   = "routed"   // by the server
	stepArrived  = "arrived"  // or in hands that have never been known to lose one
	stepErrored  = "errored"  // its sender has been told
)

// traceRouted notes what the server has passed on.
func (g *Gateway) traceRouted(routed []flight) {
	for _, f := range routed {
		if e, ok := g.box.Get(f.id); ok {
			g.trace(stepRouted, e)
		}
	}
}

// trace notes a step of a message that somebody has written.
func (g *Gateway) trace(step string, e outbox.Entry, more ...any) {
	if !g.log.Enabled(context.Background(), slog.LevelDebug) || e.Sender == "" || e.Stanza.Type == "error" {
		return
	}
	way, from, to := "up", e.Stanza.From, e.Stanza.To
	if r := g.queues[e.Recipient]; r != nil {
		way, from, to = "down", e.Sender, r.peer.jid
	}
	g.log.Debug("message", append([]any{"step", step, "way", way, "id", e.Stanza.ID, "from", from, "to", to}, more...)...)
}
