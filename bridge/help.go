package bridge

import (
	"fmt"
	"strings"
	"time"

	"meshbridge/bridge/adhoc"
	"meshbridge/bridge/config"
	"meshbridge/bridge/policy"
	"meshbridge/internal/stanza"
)

// Whoever has no menu for commands writes to the gateway what is to be done
// (MAP-M13).

// word is something that can be written to the gateway.
type word struct {
	text  string
	takes string // what stands behind it, for the list; "" for nothing
	does  string // for the list
	policy.Command
	act func(who, rest string, reply func(string))
}

// vocabulary lists what is understood, in the order of the list.
func (g *Gateway) vocabulary() []word {
	now := func(act func(who, rest string) string) func(string, string, func(string)) {
		return func(who, rest string, reply func(string)) { reply(act(who, rest)) }
	}
	return []word{
		{"help", "", "this text", policy.CommandWho, now(func(who, _ string) string { return g.help(who) })},
		{"who", "", "who is on the local network", policy.CommandWho, now(func(who, _ string) string { return g.people(who) })},
		{"find", "NAME", "the address of somebody", policy.CommandFind, now(func(_, rest string) string { return inWords(g.found(rest)) })},
		{"block", "NAME", "hear nothing of somebody, who cannot write to you then", policy.CommandBlock, now(func(who, rest string) string { return g.blockNamed(who, rest, true) })},
		{"unblock", "NAME", "hear from them again", policy.CommandBlock, now(func(who, rest string) string { return g.blockNamed(who, rest, false) })},
		{"approve", "NAME", "let somebody write to you who needs a yes for that", policy.CommandApprove, now(func(who, rest string) string { return g.decideNamed(who, rest, true) })},
		{"deny", "NAME", "do not let them, wherever they write from", policy.CommandApprove, now(func(who, rest string) string { return g.decideNamed(who, rest, false) })},
		{"resolve", "ADDRESS", "where xmpp:, im:, pres: or srv: leads", policy.CommandResolve, func(_, rest string, reply func(string)) {
			g.resolve(rest, func(s adhoc.Step) { reply(inWords(s)) })
		}},
		{"stats", "", "how the bridge is", policy.CommandStats, now(func(string, string) string { return g.statsText() })},
	}
}

// turn is one answer to somebody of those within a minute.
type turn struct {
	who string
	n   int
}

// mayTurn reports whether somebody can be answered once more. Who writes faster than
// people do is not.
func (g *Gateway) mayTurn(who string) bool {
	for n := range maxTurns {
		if g.turns.add(turn{who, n}, time.Now()) {
			return true
		}
	}
	return false
}

// hear answers a message to the gateway itself.
func (g *Gateway) hear(w parties) {
	who := w.Colleague.JID
	if !g.mayTurn(who) {
		g.drops.count("MAP-M13")
		return
	}
	reply := func(text string) {
		g.answerUp(stanza.Stanza{
			Kind: stanza.Message, Type: w.Stanza.Type, ID: newID(),
			From: g.cfg.Upstream.Domain, To: w.Stanza.From,
			Payload: []*stanza.Element{stanza.New("", "body").AddText(text)},
		})
	}
	verb, rest := wordsOf(w.Stanza.Child("", "body").Text())
	for _, known := range g.vocabulary() {
		switch {
		case known.text != verb:
		case !g.policy.MayCommand(who, known.Command):
			g.drops.count("GW-20")
			reply("You may not do that. Ask the administrator of the bridge.")
			return
		default:
			known.act(who, rest, reply)
			return
		}
	}
	reply(g.unknown(who, verb))
}

// maxWords bounds what is read of a message, in octets.
const maxWords = 4096

// wordsOf reads a message to the gateway: what is to be done, in lower case, and to
// whom. Quotes and what ends a sentence mean nothing.
func wordsOf(body string) (verb, rest string) {
	const marks = " .,;:!?\"'<>()[]„“”‚‘’«»"
	fields := strings.Fields(body[:min(len(body), maxWords)])
	if len(fields) == 0 {
		return "", ""
	}
	return strings.ToLower(strings.Trim(fields[0], marks+"/")), strings.Trim(strings.Join(fields[1:], " "), marks)
}

// help says what the gateway is for, what can be written to it, and who is here.
func (g *Gateway) help(who string) string {
	var b strings.Builder
	b.WriteString("This is the bridge to the people on the local network. Add them to your contacts by their address. You can write to me:\n")
	for _, w := range g.vocabulary() {
		if g.policy.MayCommand(who, w.Command) {
			fmt.Fprintf(&b, "\n%s: %s", strings.TrimSpace(w.text+" "+w.takes), w.does)
		}
	}
	b.WriteString("\n\n")
	if people := g.people(who); people == nobodyHere {
		b.WriteString(people)
	} else {
		b.WriteString("On the local network now:\n" + people)
	}
	return b.String() + g.toDecide(who)
}

// unknown answers what is none of the words.
func (g *Gateway) unknown(who, verb string) string {
	var known []string
	for _, w := range g.vocabulary() {
		if g.policy.MayCommand(who, w.Command) {
			known = append(known, w.text)
		}
	}
	if near := config.Nearest(verb, known); near != "" && len(verb) > 2 {
		return "Do you mean " + near + "? Write help to see what I understand."
	}
	return "This is the bridge to the people on the local network. Write help to see what I understand."
}

// people says who is here, and how.
func (g *Gateway) people(who string) string {
	list, more := g.here(who, rowMarkup)
	if len(list) == 0 {
		return nobodyHere
	}
	var lines []string
	for _, e := range list {
		lines = append(lines, fmt.Sprintf("%s: %s, for %s, %s", e.called(), e.status, e.span, e.jid))
	}
	if more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more.", more))
	}
	return strings.Join(lines, "\n")
}

// blockNamed blocks or unblocks somebody by name.
func (g *Gateway) blockNamed(who, name string, on bool) string {
	local, unclear := g.meant(name)
	if unclear != "" {
		return unclear
	}
	return g.blockIt(who, local, on)
}

// inWords is the end of a command as a text: its note, and a line for each of a table.
func inWords(s adhoc.Step) string {
	var lines []string
	if s.Note != "" {
		lines = append(lines, s.Note)
	}
	for _, row := range s.Form.Rows {
		lines = append(lines, strings.Join(row, ", "))
	}
	return strings.Join(lines, "\n")
}
