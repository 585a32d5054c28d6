package caps

import (
	"slices"

	"meshbridge/internal/stanza"
)

// nsForm is the namespace of forms (XEP-0004).
const nsForm = "jabber:x:data"

// Info is what an entity answers to disco#info (XEP-0030 section 3.1, XEP-0128).
type Info struct {
	Identities []Identity
	Features   []string
	Forms      []Form
}

// Identity is one identity of an entity, as "client/pc" with a name.
type Identity struct{ Category, Type, Lang, Name string }

// Form is one extended information form with its FORM_TYPE (XEP-0128).
type Form struct {
	Type   string
	Fields []Field
}

// Field is one field of a form.
type Field struct {
	Var    string
	Values []string
}

// Has reports whether a feature is among those of i.
func (i Info) Has(feature string) bool { return slices.Contains(i.Features, feature) }

// Query returns the disco#info answer that says i, about a node when one was asked
// for. Forms are not written: the gateway passes none on and has none.
func (i Info) Query(node string) *stanza.Element {
	q := stanza.New(stanza.NSDiscoInfo, "query").With("node", node)
	for _, id := range i.Identities {
		q.Add(stanza.New(stanza.NSDiscoInfo, "identity").
			With("category", id.Category).With("type", id.Type).With("name", id.Name).SetLang(id.Lang))
	}
	for _, f := range i.Features {
		q.Add(stanza.New(stanza.NSDiscoInfo, "feature").With("var", f))
	}
	return q
}
