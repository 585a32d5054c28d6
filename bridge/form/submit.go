package form

import (
	"errors"
	"slices"
	"strings"

	"meshbridge/internal/stanza"
)

// Bounds of what is read of a submitted form. Ours ask for less.
const (
	maxFields = 64
	maxValues = 1024 // of one field
	maxValue  = 4096 // octets
)

// Errors of Read.
var (
	ErrNoSubmit = errors.New("no submitted form")
	ErrTooMuch  = errors.New("a form beyond all bounds")
	ErrRepeated = errors.New("a field twice")
	ErrMissing  = errors.New("a required field without a value")
	ErrValue    = errors.New("a value that the form does not allow")
)

// Answers are the values of a form that was filled in, by field. A field left empty
// has none.
type Answers map[string][]string

// One returns the value of a field, "" for none.
func (a Answers) One(name string) string {
	if len(a[name]) == 0 {
		return ""
	}
	return a[name][0]
}

// Read reads an <x/> that answers f. Fields that f does not have are passed over, as
// XEP-0004 section 3.2 lets them be there. A form that is cancelled is read as one
// that is submitted (XEP-0050 section 3.5.1), and has to be as complete.
func (f Form) Read(x *stanza.Element) (Answers, error) {
	if x == nil || x.Name != (stanza.Name{Space: NS, Local: "x"}) || x.Attr("type") != "submit" && x.Attr("type") != "cancel" {
		return nil, ErrNoSubmit
	}
	given := x.Children(NS, "field")
	if len(given) > maxFields {
		return nil, ErrTooMuch
	}
	answers := Answers{}
	for _, e := range given {
		field, known := f.field(e.Attr("var"))
		if !known {
			continue
		}
		if _, twice := answers[field.Var]; twice {
			return nil, ErrRepeated
		}
		values, err := field.read(e)
		if err != nil {
			return nil, err
		}
		answers[field.Var] = values
	}
	for _, field := range f.Fields {
		if field.Required && len(answers[field.Var]) == 0 {
			return nil, ErrMissing
		}
	}
	return answers, nil
}

// field finds a field that can be filled in.
func (f Form) field(name string) (Field, bool) {
	i := slices.IndexFunc(f.Fields, func(field Field) bool { return field.Var == name })
	if i < 0 || name == "" || f.Fields[i].Kind == Fixed {
		return Field{}, false
	}
	return f.Fields[i], true
}

// read returns the values that a field was given: none for an empty one.
func (f Field) read(e *stanza.Element) ([]string, error) {
	list := e.Children(NS, "value")
	if len(list) > maxValues {
		return nil, ErrTooMuch
	}
	values := []string{}
	for _, v := range list {
		value := strings.TrimSpace(v.Text())
		switch {
		case value == "" || slices.Contains(values, value):
			continue
		case len(value) > maxValue:
			return nil, ErrTooMuch
		case !f.allows(value), len(values) == 1 && f.Kind != ListMulti:
			return nil, ErrValue
		}
		values = append(values, value)
	}
	return values, nil
}

// allows reports whether a field may have a value.
func (f Field) allows(value string) bool {
	if f.Kind == ListSingle || f.Kind == ListMulti {
		return slices.ContainsFunc(f.Options, func(o Option) bool { return o.Value == value })
	}
	return !strings.ContainsAny(value, "\r\n")
}
