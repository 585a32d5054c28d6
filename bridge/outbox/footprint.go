package outbox

import "meshbridge/internal/stanza"

// What the pieces of an entry take on a 64-bit heap beside their characters, in
// octets, rounded to what the allocator hands out. On a 32-bit router the estimate
// is high, which is the side to err on.
const (
	entryOctets   = 352 // the item and its place in the map
	elementOctets = 96  // an Element and the pointer in its parent
	nodeOctets    = 24  // a Node
	attrOctets    = 48  // an Attr
)

// footprint estimates the memory that keeping e holds, in octets.
func footprint(e Entry) int {
	s := e.Stanza
	n := entryOctets + len(e.Recipient) + len(e.Sender) + len(e.Origin) +
		len(s.From) + len(s.To) + len(s.ID) + len(s.Type) + len(s.Lang)
	for _, child := range s.Payload {
		n += elementFootprint(child)
	}
	return n
}

// elementFootprint recurses as deep as the reader allowed or we built.
func elementFootprint(e *stanza.Element) int {
	n := elementOctets + len(e.Name.Space) + len(e.Name.Local)
	for _, a := range e.Attrs {
		n += attrOctets + len(a.Name.Space) + len(a.Name.Local) + len(a.Value)
	}
	for _, child := range e.Nodes {
		n += nodeOctets + len(child.Text)
		if child.Element != nil {
			n += elementFootprint(child.Element)
		}
	}
	return n
}
