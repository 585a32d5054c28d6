package bridge

import (
	"crypto/rand"
	"crypto/subtle"
	"strings"
	"time"

	"meshbridge/bridge/store"
	"meshbridge/bridge/translate"
	"meshbridge/bridge/wording"
)

// A peer proves that an XMPP account is its own by typing a code that was sent there
// (INJ-27). That says who sits behind its stream, and lets it do what people whom the
// gateway knows may do; it never makes the gateway speak as that account. What a
// record on the LAN claims (the key jid) has no part in it.

// code is what was sent to an account, and is waited for.
type code struct {
	value   string
	account string
	pin     string // of the peer who asked for it
	until   time.Time
	tries   int // that are left
}

// sendCode sends a code to an account that a peer says is its own.
func (g *Gateway) sendCode(p *peer, typed string) string {
	if typed == "" {
		return "Say which account is yours, such as link juliet@example.org. I send a code there that you then type here."
	}
	account, problem := g.accountTyped(typed)
	now := time.Now()
	switch linked, _ := g.linkOf(p); {
	case problem != "":
		return problem
	case linked == account:
		return account + " is linked to you already."
	case g.pinOf(p) == "":
		return "I do not know your machine yet. Try again in a minute."
	case g.session == nil:
		return "The chat server cannot be reached at the moment, so I cannot send you a code. Try again later."
	}
	if _, just := g.letters.coded.get(account, now); just {
		g.drops.count("INJ-27")
		return "A code went to " + account + " a moment ago. If you asked for it, type it here; for another one, wait a minute."
	}
	if problem := g.letters.maySend(&p.dialogue, account, now); problem != "" {
		return problem
	}
	g.letters.coded.note(account, "", now)
	c := &code{value: newCode(), account: account, pin: g.pinOf(p), until: now.Add(codeTime), tries: codeTries}
	p.dialogue.code = c
	g.write(p, account, "Somebody on the local network "+g.addr.Machine()+", who appears there as “"+translate.Tame(p.instance)+
		"”, says that this account is theirs. If that is you, type this code there, in the chat with "+g.contactShown()+
		", within "+wording.Span(codeTime)+":\n\n"+wording.ShowCode(c.value)+
		"\n\nIf it is not you, do nothing and tell nobody the code. Nothing happens then.")
	return "I have sent a code to " + account + ". Type it here within " + wording.Span(codeTime) + "."
}

// newCode returns a code that nobody can guess: 40 bits, of which there are five tries.
func newCode() string { return rand.Text()[:wording.CodeLength] }

// tryCode takes in a code that a peer typed.
func (g *Gateway) tryCode(p *peer, typed string) string {
	c := p.dialogue.code
	switch {
	case c == nil:
		g.drops.count("INJ-27")
		return "I do not expect a code of you. Type link and the address of your account to get one."
	case !time.Now().Before(c.until), !g.pinned(p, c.pin):
		g.drops.count("INJ-27")
		p.dialogue.code = nil
		return "That code is not valid any more. Type link " + c.account + " to get another one."
	case subtle.ConstantTimeCompare([]byte(typed), []byte(c.value)) == 1:
		p.dialogue.code = nil
		return g.linked(p, c.account)
	}
	g.drops.count("INJ-27")
	if c.tries--; c.tries == 0 {
		p.dialogue.code = nil
		return "That is not the code, and it was the last try. Type link " + c.account + " to get another one."
	}
	return "That is not the code. Look at it again; you can try " + wording.Count(c.tries, "more time") + "."
}

// linked remembers that a peer has proved to own an account.
func (g *Gateway) linked(p *peer, account string) string {
	if g.fact(store.Links, p.local) == "" && len(g.facts[store.Links]) >= maxLinks {
		g.drops.count("INJ-27")
		return "The code is right, but I cannot remember any more accounts. Tell your administrator."
	}
	g.setFact(store.Links, p.local, account+" "+g.pinOf(p))
	g.log.Info("somebody on the LAN has proved to own an XMPP account", "rule", "INJ-27", "links", len(g.facts[store.Links]))
	g.log.Debug("linked", "peer", p.instance, "account", account)
	return "That is right: " + account + " is yours. Type unlink to undo it."
}

// linkOf returns the account that a peer has proved to own, if it still is the peer
// that proved it.
func (g *Gateway) linkOf(p *peer) (account string, ok bool) {
	account, pin, ok := strings.Cut(g.fact(store.Links, p.local), " ")
	if !ok || !g.pinned(p, pin) {
		return "", false
	}
	return account, true
}

// unlink forgets it.
func (g *Gateway) unlink(p *peer) string {
	account, ok := g.linkOf(p)
	if !ok {
		return "No account is linked to you."
	}
	g.setFact(store.Links, p.local, "")
	return account + " is not linked to you any more."
}
