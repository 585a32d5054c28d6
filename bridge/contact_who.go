package bridge

import (
	"fmt"
	"strings"

	"meshbridge/bridge/store"
	"meshbridge/bridge/translate"
	"meshbridge/linklocal"
)

// tellWho lists the colleagues for a peer: those who are on, and how they are; then
// those of whom everybody may know and who are not.
func (g *Gateway) tellWho(p *peer) string {
	if g.session == nil {
		return g.tellServer() + " Who is there I can say when it is back."
	}
	var on, off []string
	for _, c := range g.colleagueList() {
		name := c.inWords()
		if g.blockedBy(store.Pair{Colleague: c.key(), Local: p.local}, byPeer) {
			name += ", blocked by you"
		}
		switch {
		case c.published:
			on = append(on, name+": "+statusWords(c.profile))
		case g.belongs(c):
			off = append(off, name)
		}
	}
	var b strings.Builder
	b.WriteString("Here now:")
	listed(&b, on)
	if len(off) > 0 {
		b.WriteString("\n\nNot here:")
		listed(&b, off)
	}
	return b.String()
}

// listed writes one line for each, as far as a chat window is the place for it.
func listed(b *strings.Builder, lines []string) {
	if len(lines) == 0 {
		b.WriteString(" nobody.")
	}
	for i, line := range lines {
		if i == maxListed {
			fmt.Fprintf(b, "\nand %d more", len(lines)-i)
			return
		}
		b.WriteString("\n" + line)
	}
}

// inWords names a colleague.
func (c *colleague) inWords() string {
	if c.nick == "" {
		return c.key()
	}
	return c.nick + " (" + c.key() + ")"
}

// statusWords puts a status into words.
func statusWords(p linklocal.Profile) string {
	s := "available"
	switch p.Status {
	case linklocal.Away:
		s = "away"
	case linklocal.DND:
		s = "does not want to be disturbed"
	}
	if p.Message != "" && !strings.EqualFold(p.Message, s) {
		s += " - " + translate.Tame(p.Message)
	}
	return s
}
