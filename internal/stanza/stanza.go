package stanza

// Kind is the name of a stanza (RFC 6120 section 8).
type Kind string

const (
	Message  Kind = "message"
	Presence Kind = "presence"
	IQ       Kind = "iq"
)

// Stanza is one stanza: the five attributes that mean something, and the child
// elements. Attributes that are not listed here and text between the children do
// not survive reading; a payload child is only what stands at depth one.
type Stanza struct {
	Kind         Kind
	From, To, ID string
	Type, Lang   string
	Payload      []*Element
}

// Parse reads a stanza from an element. It reports false when the element is no
// message, presence or iq of the content namespace.
func Parse(e *Element) (Stanza, bool) {
	if e.Name.Space != "" {
		return Stanza{}, false
	}
	kind := Kind(e.Name.Local)
	switch kind {
	case Message, Presence, IQ:
	default:
		return Stanza{}, false
	}
	return Stanza{
		Kind: kind,
		From: e.Attr("from"), To: e.Attr("to"), ID: e.Attr("id"),
		Type: e.Attr("type"), Lang: e.Lang(),
		Payload: e.Elements(),
	}, true
}

// Element returns the stanza as an element: from, to, type, id, xml:lang in this
// order, empty ones left out.
func (s Stanza) Element() *Element {
	e := &Element{Name: Name{Local: string(s.Kind)}, Attrs: make([]Attr, 0, 5)}
	e.With("from", s.From).With("to", s.To).With("type", s.Type).With("id", s.ID).SetLang(s.Lang)
	return e.Add(s.Payload...)
}

// Bearing returns the stanza with one more payload element. s stays as it is.
func (s Stanza) Bearing(e *Element) Stanza {
	s.Payload = append(s.Payload[:len(s.Payload):len(s.Payload)], e)
	return s
}

// Child returns the first payload element of that full name, or nil.
func (s Stanza) Child(space, local string) *Element {
	for _, e := range s.Payload {
		if e.Name == (Name{space, local}) {
			return e
		}
	}
	return nil
}

// Children returns the payload elements of that full name.
func (s Stanza) Children(space, local string) []*Element {
	return named(s.Payload, Name{space, local})
}
