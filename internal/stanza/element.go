package stanza

import "strings"

// Name is an expanded name (Namespaces in XML 1.0 section 2.1).
//
// Space is empty for the content namespace of the stream, whichever that is, and
// [NoNamespace] for no namespace. For attributes an empty Space is what an
// unprefixed attribute has.
type Name struct{ Space, Local string }

// Attr is one attribute. Namespace declarations are not attributes: the reader
// resolves them and the writer declares anew what it needs.
type Attr struct {
	Name  Name
	Value string
}

// Node is a child of an element: an element, or character data when Element is nil.
type Node struct {
	Text    string
	Element *Element
}

// Element is one XML element with all that is in it, in document order.
type Element struct {
	Name  Name
	Attrs []Attr
	Nodes []Node
}

// New returns an element of the given name; space as in [Name].
func New(space, local string, nodes ...Node) *Element {
	return &Element{Name: Name{space, local}, Nodes: nodes}
}

// With sets the unprefixed attribute local, or removes it when value is empty.
// It returns e.
func (e *Element) With(local, value string) *Element {
	return e.set(Name{Local: local}, value)
}

// SetLang sets xml:lang, or removes it when lang is empty. It returns e.
func (e *Element) SetLang(lang string) *Element {
	return e.set(Name{NSXML, "lang"}, lang)
}

func (e *Element) set(name Name, value string) *Element {
	for i := range e.Attrs {
		if e.Attrs[i].Name != name {
			continue
		}
		if value == "" {
			e.Attrs = append(e.Attrs[:i:i], e.Attrs[i+1:]...)
		} else {
			e.Attrs[i].Value = value
		}
		return e
	}
	if value != "" {
		e.Attrs = append(e.Attrs, Attr{name, value})
	}
	return e
}

// Add appends child elements; nil ones are left out. It returns e.
func (e *Element) Add(children ...*Element) *Element {
	for _, c := range children {
		if c != nil {
			e.Nodes = append(e.Nodes, Node{Element: c})
		}
	}
	return e
}

// AddText appends character data. It returns e.
func (e *Element) AddText(text string) *Element {
	if text != "" {
		e.Nodes = append(e.Nodes, Node{Text: text})
	}
	return e
}

// Attr returns the value of the unprefixed attribute local, or "".
func (e *Element) Attr(local string) string { return e.attr(Name{Local: local}) }

// Lang returns xml:lang as it stands on this element, or "".
func (e *Element) Lang() string { return e.attr(Name{NSXML, "lang"}) }

func (e *Element) attr(name Name) string {
	for i := range e.Attrs {
		if e.Attrs[i].Name == name {
			return e.Attrs[i].Value
		}
	}
	return ""
}

// Elements returns the direct child elements.
func (e *Element) Elements() []*Element {
	var list []*Element
	for _, n := range e.Nodes {
		if n.Element != nil {
			list = append(list, n.Element)
		}
	}
	return list
}

// Child returns the first direct child element of that full name, or nil.
func (e *Element) Child(space, local string) *Element {
	for _, n := range e.Nodes {
		if n.Element != nil && n.Element.Name == (Name{space, local}) {
			return n.Element
		}
	}
	return nil
}

// Children returns the direct child elements of that full name.
func (e *Element) Children(space, local string) []*Element {
	return named(e.Elements(), Name{space, local})
}

// Text returns the direct character data, concatenated.
func (e *Element) Text() string {
	if len(e.Nodes) == 1 {
		return e.Nodes[0].Text
	}
	var b strings.Builder
	for _, n := range e.Nodes {
		b.WriteString(n.Text)
	}
	return b.String()
}

func named(list []*Element, name Name) []*Element {
	var found []*Element
	for _, e := range list {
		if e.Name == name {
			found = append(found, e)
		}
	}
	return found
}
