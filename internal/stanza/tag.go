package stanza

import (
	"slices"
	"strings"
)

// tag is an opening tag: its name as written and resolved, and its attributes.
type tag struct {
	name  qname
	space string
	attrs []Attr
	empty bool // an empty-element tag
}

// startTag reads an opening tag whose '<' has been read, and puts the namespaces it
// declares in force.
func (r *Reader) startTag() tag {
	t := tag{name: r.qname()}
	var raw []rawAttr
	for r.err == nil {
		spaced := r.skipSpace()
		switch b := r.peek(); {
		case r.err != nil:
		case b == '>':
			r.next()
			r.resolveTag(&t, raw)
			return t
		case b == '/':
			r.next()
			if r.next() != '>' {
				r.fail("not-well-formed", "/ without > in a tag")
			}
			t.empty = true
			r.resolveTag(&t, raw)
			return t
		case !spaced:
			r.fail("not-well-formed", "attributes without white space between")
		default:
			raw = r.attribute(raw)
		}
	}
	return t
}

type rawAttr struct {
	name  qname
	value string
}

// attribute reads name, equals sign and value.
func (r *Reader) attribute(raw []rawAttr) []rawAttr {
	name := r.qname()
	r.skipSpace()
	if r.next() != '=' {
		r.fail("not-well-formed", "attribute without a value")
	}
	r.skipSpace()
	value := r.attrValue()
	if r.limits.Attrs > 0 && len(raw) >= r.limits.Attrs {
		r.refuse("policy-violation", "too many attributes")
	}
	if r.err != nil || r.over != "" && !r.wantedInHead(name, value, len(raw)) {
		return raw
	}
	for _, a := range raw {
		if a.name == name {
			r.refuse("not-well-formed", "the same attribute twice")
			return raw
		}
	}
	return append(raw, rawAttr{name, value})
}

// wantedInHead reports whether an attribute of a stanza that is skipped is kept: in
// its own tag, what says who sent it and what its name means.
func (r *Reader) wantedInHead(name qname, value string, have int) bool {
	switch {
	case r.depth > 0 || len(value) >= maxHead || r.limits.Attrs > 0 && have >= 2*r.limits.Attrs:
		return false
	case name.prefix == "xmlns" || name == qname{"", "xmlns"}:
		return true
	case name.prefix != "":
		return false
	}
	switch name.local {
	case "from", "to", "id", "type":
		return true
	}
	return false
}

// attrValue reads a quoted value; white space in it becomes spaces (XML 1.0
// section 3.3.3).
func (r *Reader) attrValue() string {
	quote := r.next()
	if quote != '\'' && quote != '"' {
		r.fail("not-well-formed", "attribute value without quotes")
	}
	for r.err == nil {
		b := r.next()
		switch {
		case r.err != nil:
		case b == quote:
			return r.take()
		case b == '<':
			r.fail("not-well-formed", "< in an attribute value")
		case b == '&':
			r.keep(r.reference())
		case b == '\r':
			if r.peek() == '\n' {
				r.next()
			}
			r.keep(' ')
		case isSpace(b):
			r.keep(' ')
		default:
			r.keep(r.rune(b))
		}
	}
	return ""
}

// resolveTag declares the tag's namespaces and expands its names.
func (r *Reader) resolveTag(t *tag, raw []rawAttr) {
	if r.err != nil || r.over != "" && r.depth > 0 {
		return
	}
	for _, a := range raw {
		switch {
		case a.name.prefix == "xmlns":
			r.declare(a.name.local, a.value)
		case a.name == qname{"", "xmlns"}:
			r.declare("", a.value)
		}
	}
	t.space = r.space(t.name.prefix)
	for _, a := range raw {
		if a.name.prefix == "xmlns" || a.name == (qname{"", "xmlns"}) {
			continue
		}
		name := Name{Local: a.name.local}
		if a.name.prefix != "" {
			name.Space = r.space(a.name.prefix)
		}
		if slices.ContainsFunc(t.attrs, func(b Attr) bool { return b.Name == name }) {
			r.refuse("not-well-formed", "the same attribute under two prefixes")
			continue
		}
		t.attrs = append(t.attrs, Attr{name, a.value})
	}
}

// declare puts a namespace binding in force, with the constraints of Namespaces in
// XML 1.0 section 3.
func (r *Reader) declare(prefix, space string) {
	switch {
	case prefix == "xmlns" || space == nsXMLNS,
		(prefix == "xml") != (space == NSXML):
		r.refuse("not-well-formed", "a reserved prefix or namespace is declared")
		return
	case prefix != "" && space == "":
		r.refuse("not-well-formed", "a prefix is declared for no namespace")
	}
	// The declaration's own white space was normalised; NoNamespace cannot be made.
	if strings.TrimSpace(space) == "" {
		space = ""
	}
	r.spaces = append(r.spaces, binding{prefix, space})
}

// space returns the namespace of a prefix; an undeclared one is an error.
func (r *Reader) space(prefix string) string {
	space := r.spaces.lookup(prefix)
	if prefix == "xmlns" || prefix != "" && space == "" {
		r.refuse("not-well-formed", "a prefix that is not declared")
	}
	return space
}

// namespaces is the stack of bindings in force, innermost last.
type namespaces []binding

type binding struct{ prefix, space string }

// lookup returns the namespace bound to a prefix, or "".
func (n namespaces) lookup(prefix string) string {
	if prefix == "xml" {
		return NSXML
	}
	for i := len(n) - 1; i >= 0; i-- {
		if n[i].prefix == prefix {
			return n[i].space
		}
	}
	return ""
}
