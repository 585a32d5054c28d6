package bridge

import (
	"fmt"
	"time"

	"meshbridge/bridge/policy"
	"meshbridge/bridge/store"
	"meshbridge/bridge/translate"
	"meshbridge/bridge/wording"
)

// tellStatus says how the gateway is, what waits, and what is known of who asks.
func (g *Gateway) tellStatus(p *peer) string {
	return g.tellServer() + "\n" + g.tellWaiting(p) + "\n" + g.tellLevel(p)
}

// tellServer says whether the server can be reached.
func (g *Gateway) tellServer() string {
	switch {
	case g.session != nil:
		return "The chat server can be reached."
	case g.outage.since.IsZero():
		return "The chat server cannot be reached at the moment."
	}
	return "The chat server has been out of reach for " + wording.Span(time.Since(g.outage.since)) + "; I go on trying."
}

// tellWaiting counts the messages of a peer that are kept.
func (g *Gateway) tellWaiting(p *peer) string {
	var waiting []string
	total := 0
	for _, recipient := range g.box.Recipients() {
		if !isUpstream(recipient) {
			continue
		}
		n := 0
		for _, e := range g.box.Ready(recipient, g.box.Waiting(recipient)) {
			if e.Sender == p.local {
				n++
			}
		}
		if c := g.colleagues[colleagueOf(recipient)]; n > 0 && c != nil {
			waiting, total = append(waiting, fmt.Sprint(n, " for ", c.called())), total+n
		}
	}
	if total == 0 {
		return "None of your messages waits."
	}
	return wording.Count(total, "message") + " of yours waiting to go out: " + wording.List(waiting) + "."
}

// tellLevel says what is known of who somebody is.
func (g *Gateway) tellLevel(p *peer) string {
	who := "I know you as " + translate.Tame(p.instance)
	if account, ok := g.linkOf(p); ok {
		return who + ". You have proved that the account " + account + " is yours."
	}
	if g.fact(store.Links, p.local) != "" {
		return who + ". Somebody of that name has proved to own an account, but from another machine than yours: link it again."
	}
	if g.levelOf(p) >= policy.Approved {
		return who + ". Somebody with the authority to do so has vouched for you."
	}
	switch names := g.approvers(p); len(names) {
	case 0:
	case 1:
		return who + ". " + names[0] + " has approved you."
	default:
		return who + ". " + wording.List(names[:min(len(names), maxListed)]) + " have approved you."
	}
	return who + ", by your address on this network alone: nobody has vouched for you."
}

// approvers names the colleagues who have said yes to a peer.
func (g *Gateway) approvers(p *peer) (names []string) {
	for _, c := range g.colleagueList() {
		if g.knows(p, c) && g.levelFor(p, c.key()) >= policy.Approved {
			names = append(names, c.called())
		}
	}
	return names
}
