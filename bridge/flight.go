package bridge

import (
	"errors"
	"strings"

	"meshbridge/bridge/outbox"
	"meshbridge/bridge/policy"
	"meshbridge/upstream"
)

// flight is a message that was written upstream and is not yet known to be routed.
type flight struct {
	seq   uint64
	id    outbox.ID
	way            // from a proxy JID to a colleague
	asked *arrival // the ping that went out behind it; nil for none yet
}

// pumpUpstream hands what waits for colleagues to the session.
func (g *Gateway) pumpUpstream() {
	for _, recipient := range g.box.Recipients() {
		if isUpstream(recipient) && !g.pumpTo(recipient) {
			return
		}
	}
}

// pumpTo hands what waits for one colleague to the session, up to the windows. It
// reports false when the session takes no more.
func (g *Gateway) pumpTo(recipient string) bool {
	if g.session == nil {
		return false
	}
	c := g.colleagues[colleagueOf(recipient)]
	for _, e := range g.box.Ready(recipient, min(upWindow-len(g.written), g.roomFor(c))) {
		if !g.launch(e) {
			return false
		}
	}
	g.askBehind(c)
	if g.box.Waiting(recipient) > 0 {
		g.awaitRoom(c)
	}
	return true
}

// launch hands the first message that waits for a colleague to the session. It
// reports false when there is no room; routed or up try again.
func (g *Gateway) launch(e outbox.Entry) bool {
	if g.session == nil || len(g.written) >= upWindow {
		return false
	}
	seq, err := g.session.Send(g.stamped(e))
	switch {
	case err == nil:
		g.box.Written(e.ID)
		g.trace(stepWritten, e)
		to := colleagueOf(e.Recipient)
		g.written = append(g.written, flight{seq: seq, id: e.ID, way: way{e.Stanza.From, to}})
		g.colleagues[to].takeOff(1)
		g.warnOf(e)
	case noRoom(err):
		return false
	default:
		g.unsendable(err)
		g.box.Done(e.ID)
		g.giveUp(e, reasonOf(err))
	}
	return true
}

// reasonOf says why a stanza cannot be written, as its sender is told.
func reasonOf(err error) policy.Reason {
	if errors.Is(err, upstream.ErrTooBig) {
		return policy.TooLarge
	}
	return policy.Malformed
}

// colleagueOf returns the bare JID of the colleague whose queue that is.
func colleagueOf(recipient string) string { return strings.TrimPrefix(recipient, queueUpstream) }
