package form

import "meshbridge/internal/stanza"

// NS is the namespace of forms.
const NS = "jabber:x:data"

// Kind is a type of field (XEP-0004 section 3.3).
type Kind string

// The kinds in use.
const (
	TextSingle Kind = "text-single"
	TextMulti  Kind = "text-multi" // of results only
	JIDSingle  Kind = "jid-single" // of results only
	ListSingle Kind = "list-single"
	ListMulti  Kind = "list-multi"
	Fixed      Kind = "fixed" // words between fields; nobody fills them in
)

// Form is a form to be filled in, or a result.
type Form struct {
	Title        string
	Instructions string
	Fields       []Field
	// Rows are the lines of a table, whose columns are the Fields then.
	Rows [][]string
}

// Field is one field of a form, or one column of a table.
type Field struct {
	Var      string // its name; unique, but for Fixed, which has none
	Kind     Kind
	Label    string
	Desc     string // a hint
	Required bool
	Values   []string // filled in beforehand, or the words of Fixed
	Options  []Option // of lists
}

// Option is one choice of a list. Without a Label the value is shown.
type Option struct{ Value, Label string }

// Ask returns the form to be filled in.
func (f Form) Ask() *stanza.Element {
	x := f.head("form")
	for _, field := range f.Fields {
		x.Add(field.element())
	}
	return x
}

// Tell returns the form as a result: a table where it has Rows.
func (f Form) Tell() *stanza.Element {
	x := f.head("result")
	if f.Rows == nil {
		for _, field := range f.Fields {
			x.Add(field.element())
		}
		return x
	}
	reported := stanza.New(NS, "reported")
	for _, field := range f.Fields {
		reported.Add(field.named())
	}
	x.Add(reported)
	for _, row := range f.Rows {
		item := stanza.New(NS, "item")
		for i, value := range row {
			item.Add(stanza.New(NS, "field").With("var", f.Fields[i].Var).Add(text("value", value)))
		}
		x.Add(item)
	}
	return x
}

func (f Form) head(kind string) *stanza.Element {
	return stanza.New(NS, "x").With("type", kind).Add(words("title", f.Title), words("instructions", f.Instructions))
}

// named returns the field without what it holds.
func (f Field) named() *stanza.Element {
	return stanza.New(NS, "field").With("var", f.Var).With("type", string(f.Kind)).With("label", f.Label)
}

func (f Field) element() *stanza.Element {
	e := f.named().Add(words("desc", f.Desc))
	if f.Required {
		e.Add(stanza.New(NS, "required"))
	}
	for _, v := range f.Values {
		e.Add(text("value", v))
	}
	for _, o := range f.Options {
		e.Add(stanza.New(NS, "option").With("label", o.Label).Add(text("value", o.Value)))
	}
	return e
}

func text(name, s string) *stanza.Element { return stanza.New(NS, name).AddText(s) }

// words is text, or nil where there is nothing to say.
func words(name, s string) *stanza.Element {
	if s == "" {
		return nil
	}
	return text(name, s)
}
