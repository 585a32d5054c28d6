package translate

import (
	"strings"

	"meshbridge/internal/stanza"
)

// bodyRow is the row of the pass list that holds the bodies.
const bodyRow = 0

// MessageOptions are the choices an admin has about messages. The zero value
// does what the rules say by default.
type MessageOptions struct {
	// Lang is the language tag (BCP 47) preferred on the mesh where a message
	// has its body in several; "" for none.
	Lang string
	// ChatStates says that this peer's client is known to understand
	// XEP-0085, so that typing may be told to it without a body.
	ChatStates bool
	// Nick is the sender's name, to be told to the server beside a body (XEP-0172);
	// "" for none.
	Nick string
	// Opaque names payloads that cross untouched beside the pass list, such as
	// end-to-end encryption; none by default. Names of the content namespace
	// are not honoured.
	Opaque []stanza.Name
}

// Outcome says what a translation did besides its stanza.
type Outcome struct {
	// Dropped is the rule by which nothing crosses; "" when the stanza does.
	Dropped string
	// Left counts children that stayed behind. Some always do: Bonjour clients
	// send html and an event request with every message.
	Left int
}

// Crosses reports whether there is a stanza to send.
func (o Outcome) Crosses() bool { return o.Dropped == "" }

// MessageToMesh returns the message m as it is written for a peer: from and to
// are instances. Every body gets through, the one a Bonjour client will show
// first, followed by an html form of that text, because such clients read a bare
// body as HTML. A message of type error becomes a bare error without any text
// that a client might show as the colleague's.
func MessageToMesh(m stanza.Stanza, from, to string, o MessageOptions) (stanza.Stanza, Outcome) {
	if drop := uncrossable(m, "MAP-M6"); drop != "" {
		return stanza.Stanza{}, Outcome{Dropped: drop}
	}
	out := fresh(m, from, to)
	if m.Type == "error" {
		return errorStanza(out, readError(m), ""), Outcome{Left: len(m.Payload)}
	}
	p := pass(m.Payload, toMesh, o.Opaque)
	if !p.content && !(p.typing && o.ChatStates) {
		return stanza.Stanza{}, Outcome{Dropped: emptyRule(p), Left: p.left}
	}
	bodies := p.rows[bodyRow]
	putFirst(bodies, o.Lang)
	if len(bodies) > 0 && bodies[0].Text() != "" {
		p.rows[bodyRow] = append(bodies, bonjourHTML(bodies[0].Text()))
	}
	out.Payload = p.elements()
	return out, Outcome{Left: p.left}
}

// MessageToServer returns the message m as it is written to the server: from is
// the proxy JID of the peer, to the bare JID of the colleague. Html is left
// behind, the body says it all. A message without an id gets one from newID,
// together with an origin-id. An error names the component domain, taken from
// from, as the place where it arose.
func MessageToServer(m stanza.Stanza, from, to string, newID func() string, o MessageOptions) (stanza.Stanza, Outcome) {
	if drop := uncrossable(m, "MAP-M7"); drop != "" {
		return stanza.Stanza{}, Outcome{Dropped: drop}
	}
	out := fresh(m, from, to)
	if m.Type == "error" {
		return errorStanza(out, readError(m), domainOf(from)), Outcome{Left: len(m.Payload)}
	}
	p := pass(m.Payload, toServer, o.Opaque)
	if !p.content && !p.typing {
		return stanza.Stanza{}, Outcome{Dropped: emptyRule(p), Left: p.left}
	}
	if out.ID == "" {
		out.ID = newID()
		p.rows[originIDRow()] = []*stanza.Element{stanza.New(nsStanzaID, "origin-id").With("id", out.ID)}
	}
	out.Payload = p.elements()
	if o.Nick != "" && len(p.rows[bodyRow]) > 0 {
		out.Payload = append(out.Payload, stanza.New(nsNick, "nick").AddText(o.Nick))
	}
	return out, Outcome{Left: p.left}
}

// uncrossable returns the rule that keeps m from crossing whatever is in it, or
// "". Policy has refused such a stanza before; it is not to slip through here.
func uncrossable(m stanza.Stanza, groupchatRule string) string {
	switch {
	case m.Kind == stanza.IQ:
		return "INJ-18"
	case m.Kind != stanza.Message:
		return "INJ-13"
	case m.Type == "groupchat":
		return groupchatRule
	case m.Type == "error" && m.ID == "":
		return "INJ-17"
	}
	return ""
}

// fresh returns a message without payload, with what crosses of m's attributes.
// A type unknown to RFC 6121 section 5.2.2 means normal and is left out.
func fresh(m stanza.Stanza, from, to string) stanza.Stanza {
	out := stanza.Stanza{Kind: stanza.Message, From: from, To: to, ID: m.ID, Lang: m.Lang}
	switch m.Type {
	case "chat", "normal", "headline", "error":
		out.Type = m.Type
	}
	return out
}

// emptyRule is the rule by which a message without content goes nowhere.
func emptyRule(p passed) string {
	if p.typing {
		return "MAP-M3"
	}
	return "MAP-M10"
}

func originIDRow() int { return findRow(stanza.Name{Space: nsStanzaID, Local: "origin-id"}, bothWays) }

// putFirst moves the body a client without a choice should show to the front:
// the one without xml:lang, else the first of the preferred language.
func putFirst(bodies []*stanza.Element, lang string) {
	best := pickLang(bodies, func(l string) bool { return l == "" })
	if best < 0 {
		best = pickLang(bodies, func(l string) bool { return speaks(l, lang) })
	}
	for ; best > 0; best-- {
		bodies[best-1], bodies[best] = bodies[best], bodies[best-1]
	}
}

// pickLang returns the index of the first element whose xml:lang suits, or -1.
func pickLang(list []*stanza.Element, suits func(lang string) bool) int {
	for i, e := range list {
		if suits(e.Lang()) {
			return i
		}
	}
	return -1
}

// speaks reports whether a text tagged have is in the wanted language: "de-AT"
// is, when "de" is wanted (RFC 4647 section 3.3.1).
func speaks(have, want string) bool {
	if want == "" || len(have) < len(want) || !strings.EqualFold(have[:len(want)], want) {
		return false
	}
	return len(have) == len(want) || have[len(want)] == '-'
}

// maxLines bounds the lines that are parted in html: each break costs a hundred
// times its one octet. The rest is one line there, and whole in the body.
const maxLines = 4096

// bonjourHTML returns text in the one html form that Bonjour clients show
// literally; lines are parted by <br/>.
func bonjourHTML(text string) *stanza.Element {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	font := stanza.New(nsXHTML, "font")
	for i, line := range strings.SplitN(text, "\n", maxLines) {
		if i > 0 {
			font.Add(stanza.New(nsXHTML, "br"))
		}
		font.AddText(line)
	}
	return stanza.New(nsXHTML, "html").Add(stanza.New(nsXHTML, "body").Add(font))
}

// domainOf returns the domain of a JID (RFC 7622 section 3.1).
func domainOf(jid string) string {
	jid, _, _ = strings.Cut(jid, "/")
	return jid[strings.LastIndexByte(jid, '@')+1:]
}
