package bridge

import (
	"strings"
	"time"

	"meshbridge/bridge/address"
	"meshbridge/internal/stanza"
	"meshbridge/resolver/uri"
)

// Peers can make the gateway write to accounts that have never heard of it, by asking
// for a code or by an invitation. What it writes then are its own words, and so few of
// them that nobody is flooded.

// letters is what the gateway has written for peers.
type letters struct {
	all   allowance
	each  map[string]*allowance // by account, of those who were written to of late
	coded *recent[string]       // accounts to which a code was sent a moment ago
	sent  *recent[string]       // by id, for what comes back; the word is for whom, and to whom
}

func newLetters() letters {
	return letters{
		each:  map[string]*allowance{},
		coded: newRecent[string](codePause, maxLetters),
		sent:  newRecent[string](relayMemory, maxLetters),
	}
}

// maySend uses up what a letter of a peer to an account takes of the three rates, or
// says why there is none.
func (l *letters) maySend(d *dialogue, account string, now time.Time) (problem string) {
	to := l.each[account]
	if to == nil {
		to = new(allowance)
	}
	switch {
	case !d.letters.has(peerLetters, now):
		return "I have written to several people for you within the last hour. Try again later."
	case !to.has(accountLetters, now):
		return "I have written to " + account + " several times today, and do not want to be a nuisance. Try again tomorrow."
	case !l.all.has(allLetters, now):
		return "I have written a lot of letters within the last hour. Try again later."
	}
	d.letters.take(peerLetters, now)
	to.take(accountLetters, now)
	l.all.take(allLetters, now)
	for known, a := range l.each {
		if a.isWhole(now) {
			delete(l.each, known)
		}
	}
	l.each[account] = to
	return ""
}

// write sends an account a letter for a peer.
func (g *Gateway) write(p *peer, account, text string) {
	g.letters.sent.note(g.letter(account, text), p.local+" "+account, time.Now())
}

// cameBack reports whether a stanza is the error that answers such a letter. The peer
// for whom it was is told, once: it may have mistyped the address.
func (g *Gateway) cameBack(s stanza.Stanza) bool {
	if s.Kind != stanza.Message || s.Type != "error" {
		return false
	}
	word, known := g.letters.sent.get(s.ID, time.Now())
	local, account, _ := strings.Cut(word, " ")
	if !known || g.read.sender(s.From) != account {
		return false
	}
	g.letters.sent.drop(s.ID)
	if p := g.peers[local]; p != nil && p.present {
		g.sayTo(p, "What I wrote to "+account+" came back. Is that the right address?")
	}
	return true
}

// accountTyped reads the address of somebody's account at an XMPP server, as JID or as
// URI, or says what is wrong with it. Where no server on the Internet can be is not
// written to.
func (g *Gateway) accountTyped(typed string) (bare, problem string) {
	const like = " Write an address such as alice@example.org."
	typed = strings.TrimPrefix(typed, "mailto:")
	if u, err := uri.Parse(typed); err == nil {
		typed = u.JID()
	}
	j, err := address.Parse(typed)
	switch {
	case err != nil || j.Localpart() == "" || len(typed) > maxAccount:
		return "", "That is no address of an XMPP account." + like
	case g.addr.Owns(j):
		return "", "That is an address of mine, and nobody's account." + like
	}
	if !isPublic(j.Domainpart()) {
		return "", "There is no XMPP server of that name." + like
	}
	return j.Bare().String(), ""
}

// isPublic reports whether a domain can be one on the Internet: it is no address and no
// name of a machine on this or another LAN.
func isPublic(domain string) bool {
	name, err := uri.ASCII(domain)
	return err == nil && uri.DNSName(name) && strings.Contains(name, ".") &&
		strings.Trim(name, "0123456789.") != "" && !strings.HasSuffix(name, ".local")
}
