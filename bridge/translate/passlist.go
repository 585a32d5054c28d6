package translate

import (
	"slices"

	"meshbridge/internal/stanza"
)

// Namespaces of the payloads that cross.
const (
	nsReceipts   = "urn:xmpp:receipts"               // XEP-0184
	nsCorrection = "urn:xmpp:message-correct:0"      // XEP-0308
	nsMarkers    = "urn:xmpp:chat-markers:0"         // XEP-0333
	nsOOB        = "jabber:x:oob"                    // XEP-0066
	nsStanzaID   = "urn:xmpp:sid:0"                  // XEP-0359
	nsNick       = "http://jabber.org/protocol/nick" // XEP-0172
	nsXHTML      = "http://www.w3.org/1999/xhtml"
)

// maxRepeats bounds how many elements of one row a message may carry across: no
// real one has more languages or links, and a hostile one could have thousands.
const maxRepeats = 16

// way is a set of directions.
type way uint8

const (
	toMesh   way = 1 << iota // from the server to a peer
	toServer                 // from a peer to the server
	bothWays = toMesh | toServer
)

// repeat says how often a row may occur in one message.
type repeat uint8

const (
	once    repeat = iota // the first one counts
	perLang               // the first one of each xml:lang counts (RFC 6121 section 5.2.3)
	many
)

// alone says whether a row is reason enough to send a message.
type alone uint8

const (
	beside  alone = iota // means something only beside another row
	content              // worth a message of its own
	typing               // worth one only to a client known to understand it
)

// row is one line of the pass list.
type row struct {
	space    string   // namespace; "" is the content namespace
	names    []string // element names; of several, one counts
	way      way
	attrs    []string // unprefixed attributes kept
	lang     bool     // xml:lang kept
	text     bool     // character data kept
	children []string // children of the same namespace kept, one each, text only
	repeat   repeat
	alone    alone
}

// passList is everything that may stand in a message that crosses, in the order
// in which it is written. What is not here stays behind. It is never changed.
//
// Not here on purpose: html of either namespace (ToMesh writes its own, and the
// other way the body says it all), jabber:x:event, hints, carbons, forwarded
// stanzas, addresses, invitations, stanza-id, vcard-temp:x:update.
var passList = [...]row{
	{space: "", names: []string{"body"}, way: bothWays, lang: true, text: true, repeat: perLang, alone: content},
	{space: "", names: []string{"subject"}, way: bothWays, lang: true, text: true, repeat: perLang, alone: content},
	{space: "", names: []string{"thread"}, way: bothWays, attrs: []string{"parent"}, text: true},
	{space: nsCorrection, names: []string{"replace"}, way: bothWays, attrs: []string{"id"}},
	{space: stanza.NSChatStates, names: []string{"active", "composing", "paused", "inactive", "gone"}, way: bothWays, alone: typing},
	{space: nsReceipts, names: []string{"request"}, way: bothWays},
	{space: nsReceipts, names: []string{"received"}, way: bothWays, attrs: []string{"id"}, alone: content},
	{space: nsMarkers, names: []string{"markable"}, way: bothWays},
	{space: nsMarkers, names: []string{"received", "displayed", "acknowledged"}, way: bothWays, attrs: []string{"id"}, alone: content},
	{space: nsOOB, names: []string{"x"}, way: bothWays, children: []string{"url", "desc"}, repeat: many, alone: content},
	{space: stanza.NSDelay, names: []string{"delay"}, way: toMesh, attrs: []string{"stamp"}},
	{space: nsStanzaID, names: []string{"origin-id"}, way: bothWays, attrs: []string{"id"}},
}

// passed is what the pass list let through of one payload.
type passed struct {
	rows    [len(passList)][]*stanza.Element // fresh elements, by row
	opaque  []*stanza.Element                // whole copies, as the admin asked
	content bool                             // something is worth a message
	typing  bool                             // a chat state is among it
	left    int                              // children that stayed behind
}

// pass applies the pass list to payload for one direction.
func pass(payload []*stanza.Element, dir way, opaque []stanza.Name) passed {
	var p passed
	for _, e := range payload {
		i := findRow(e.Name, dir)
		switch {
		case i >= 0 && p.room(i, e):
			p.take(i, e)
		case i < 0 && e.Name.Space != "" && slices.Contains(opaque, e.Name) && len(p.opaque) < maxRepeats:
			p.opaque = append(p.opaque, duplicate(e))
			p.content = true
		default:
			p.left++
		}
	}
	return p
}

// findRow returns the row that lets name through in that direction, or -1.
func findRow(name stanza.Name, dir way) int {
	for i := range passList {
		r := &passList[i]
		if r.space == name.Space && r.way&dir != 0 && slices.Contains(r.names, name.Local) {
			return i
		}
	}
	return -1
}

// room reports whether row i may take e beside what it has.
func (p *passed) room(i int, e *stanza.Element) bool {
	have := p.rows[i]
	switch passList[i].repeat {
	case many:
		return len(have) < maxRepeats
	case perLang:
		same := func(o *stanza.Element) bool { return o.Lang() == e.Lang() }
		return len(have) < maxRepeats && !slices.ContainsFunc(have, same)
	}
	return len(have) == 0
}

// take adds a fresh element made of what row i keeps of e.
func (p *passed) take(i int, e *stanza.Element) {
	r := &passList[i]
	fresh := stanza.New(e.Name.Space, e.Name.Local)
	for _, a := range r.attrs {
		fresh.With(a, e.Attr(a))
	}
	if r.lang {
		fresh.SetLang(e.Lang())
	}
	if r.text {
		fresh.AddText(e.Text())
	}
	for _, name := range r.children {
		if c := e.Child(r.space, name); c != nil {
			fresh.Add(stanza.New(r.space, name).AddText(c.Text()))
		}
	}
	p.rows[i] = append(p.rows[i], fresh)
	// An empty element of a kind that lives by what is in it says nothing.
	says := !r.text && r.children == nil || len(fresh.Nodes) > 0
	p.content = p.content || r.alone == content && says
	p.typing = p.typing || r.alone == typing
}

// elements returns what was let through, in the order of the table.
func (p *passed) elements() []*stanza.Element {
	list := make([]*stanza.Element, 0, 4)
	for _, row := range p.rows {
		list = append(list, row...)
	}
	return append(list, p.opaque...)
}

// duplicate copies an element with all that is in it.
func duplicate(e *stanza.Element) *stanza.Element {
	c := &stanza.Element{Name: e.Name, Attrs: slices.Clone(e.Attrs), Nodes: slices.Clone(e.Nodes)}
	for i, n := range c.Nodes {
		if n.Element != nil {
			c.Nodes[i].Element = duplicate(n.Element)
		}
	}
	return c
}
