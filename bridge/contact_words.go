package bridge

import (
	"strings"
	"time"

	"meshbridge/bridge/translate"
	"meshbridge/bridge/wording"
)

// dialogue is what a peer and the gateway have said to each other of late.
type dialogue struct {
	replies allowance // of the gateway's to this peer
	letters allowance // that this peer made the gateway write
	hints   allowance // of those to what made no sense
	code    *code     // that was sent for this peer; nil for none
}

// converse answers a message to the gateway. Who writes faster than people do, or
// writes no requests at all, is another program, and gets no answer (MAP-M13).
func (g *Gateway) converse(p *peer, text string) {
	r, d, now := wording.Read(text), &p.dialogue, time.Now()
	typed, isCode := wording.ReadCode(text)
	isCode = isCode && (d.code != nil || strings.ContainsAny(text, "-234567")) // else it is a word of eight letters
	senseless := r.Verb == "" && !isCode
	if senseless && !d.hints.has(hintRate, now) || !d.replies.take(replyRate, now) {
		g.drops.count("MAP-M13")
		return
	}
	switch {
	case senseless:
		d.hints.take(hintRate, now)
		g.sayTo(p, hint(r.Meant))
	case r.Verb != "":
		d.hints = allowance{}
		g.sayTo(p, g.answerWords(p, r))
	default:
		g.sayTo(p, g.tryCode(p, typed))
	}
}

// hint answers what made no sense.
func hint(meant wording.Verb) string {
	if meant != "" {
		return "Did you mean " + string(meant) + "? Type help to see what I understand."
	}
	return "I am the gateway, a program, and understand a few words only. Type help to see them."
}

// sayTo answers a peer in words.
func (g *Gateway) sayTo(p *peer, text string) { g.fromContact(p, translate.Words(newID(), text)) }

func (g *Gateway) answerWords(p *peer, r wording.Request) string {
	switch r.Verb {
	case wording.Who:
		return g.tellWho(p)
	case wording.Status:
		return g.tellStatus(p)
	case wording.Block, wording.Unblock:
		return g.blockFor(p, r)
	case wording.Link:
		return g.sendCode(p, r.Object)
	case wording.Unlink:
		return g.unlink(p)
	case wording.Invite:
		return g.invite(p, r.Object)
	}
	return g.helpPeer()
}

// helpPeer says what the gateway understands.
func (g *Gateway) helpPeer() string {
	return `I am the gateway between this network and the chat server. The people whom I let you see are in your list of contacts; write to them as to anybody else. To me you can write:

who: who can be reached, and how they are
status: how I am, what waits for whom, and what I know of you
block NAME: somebody's messages do not reach you any more
unblock NAME: they do again
link ADDRESS: prove to me that an XMPP account is yours, such as link juliet@example.org
unlink: forget that
invite ADDRESS: ask somebody to join, such as invite bob@example.org`
}
