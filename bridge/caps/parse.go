package caps

import (
	"errors"
	"slices"
	"strings"

	"meshbridge/internal/stanza"
)

// Bounds of what a stranger may say of himself. The busiest clients have some 100
// features and one form of six fields.
const (
	maxIdentities = 16
	maxFeatures   = 256
	maxForms      = 8
	maxFields     = 32
	maxValues     = 32
	maxName       = 256 // octets of one name or value
)

// ErrIllFormed is returned for an answer that must not be believed to have the hash
// it has (XEP-0115 section 5.4): with a repeat, or with a delimiter in a name.
var ErrIllFormed = errors.New("ill-formed disco#info")

// ErrTooMuch is returned for an answer that is larger than any real one.
var ErrTooMuch = errors.New("disco#info beyond all bounds")

// Parse reads the query of a disco#info answer. A form without a hidden FORM_TYPE
// says nothing and is left out (XEP-0115 section 5.4, 3.6).
func Parse(query *stanza.Element) (Info, error) {
	p := parser{}
	for _, e := range query.Elements() {
		switch e.Name {
		case stanza.Name{Space: stanza.NSDiscoInfo, Local: "identity"}:
			p.identity(e)
		case stanza.Name{Space: stanza.NSDiscoInfo, Local: "feature"}:
			p.feature(e.Attr("var"))
		case stanza.Name{Space: nsForm, Local: "x"}:
			p.form(e)
		}
		if p.err != nil {
			return Info{}, p.err
		}
	}
	return p.info, nil
}

type parser struct {
	info Info
	err  error
}

// words checks strings of which the hash is made.
func (p *parser) words(list ...string) {
	for _, w := range list {
		switch {
		case len(w) > maxName:
			p.err = ErrTooMuch
		case strings.Contains(w, "<"):
			p.err = ErrIllFormed
		}
	}
}

func (p *parser) identity(e *stanza.Element) {
	id := Identity{e.Attr("category"), e.Attr("type"), e.Lang(), e.Attr("name")}
	p.words(id.Category, id.Type, id.Lang, id.Name)
	same := func(o Identity) bool {
		return o.Category == id.Category && o.Type == id.Type && o.Lang == id.Lang
	}
	switch {
	case strings.Contains(id.Category+id.Type+id.Lang, "/"), slices.ContainsFunc(p.info.Identities, same):
		p.err = ErrIllFormed
	case len(p.info.Identities) >= maxIdentities:
		p.err = ErrTooMuch
	}
	p.info.Identities = append(p.info.Identities, id)
}

func (p *parser) feature(name string) {
	p.words(name)
	switch {
	case name == "", p.info.Has(name):
		p.err = ErrIllFormed
	case len(p.info.Features) >= maxFeatures:
		p.err = ErrTooMuch
	}
	p.info.Features = append(p.info.Features, name)
}

// form reads one form. Two of one type would have the hash of one.
func (p *parser) form(e *stanza.Element) {
	f := Form{}
	hidden := false
	for _, field := range e.Children(nsForm, "field") {
		v := field.Attr("var")
		values := p.values(field)
		if v == "FORM_TYPE" {
			hidden = field.Attr("type") == "hidden"
			f.Type = p.formType(f.Type, values)
			continue
		}
		if p.words(v); len(f.Fields) >= maxFields {
			p.err = ErrTooMuch
		}
		if p.err != nil {
			return
		}
		f.Fields = append(f.Fields, Field{v, values})
	}
	same := func(o Form) bool { return o.Type == f.Type }
	switch {
	case p.err != nil || f.Type == "" || !hidden:
	case slices.ContainsFunc(p.info.Forms, same):
		p.err = ErrIllFormed
	case len(p.info.Forms) >= maxForms:
		p.err = ErrTooMuch
	default:
		p.info.Forms = append(p.info.Forms, f)
	}
}

// formType returns the one type that a form may have.
func (p *parser) formType(have string, values []string) string {
	for _, v := range values {
		if have != "" && v != have {
			p.err = ErrIllFormed
		}
		have = v
	}
	return have
}

func (p *parser) values(field *stanza.Element) []string {
	var list []string
	for _, v := range field.Children(nsForm, "value") {
		if list = append(list, v.Text()); len(list) > maxValues {
			p.err = ErrTooMuch
			return nil
		}
	}
	p.words(list...)
	return list
}
