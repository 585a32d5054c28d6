package caps

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"hash"
	"slices"
	"sort"
	"strings"

	"meshbridge/internal/stanza"
)

// Mark is how an entity advertises its capabilities: the program, and the hash of
// what it can (XEP-0115 section 4). The zero Mark advertises nothing.
type Mark struct{ Node, Hash, Ver string }

// Whole reports whether all of a mark is there and its algorithm is known, so that
// it can be checked.
func (m Mark) Whole() bool { return m.Node != "" && m.Ver != "" && newHash(m.Hash) != nil }

// Names reports whether a disco#info node is that of m (XEP-0115 section 6.2).
func (m Mark) Names(node string) bool { return m.Node != "" && node == m.Node+"#"+m.Ver }

// Element returns the <c/> of a presence.
func (m Mark) Element() *stanza.Element {
	return stanza.New(stanza.NSCaps, "c").With("hash", m.Hash).With("node", m.Node).With("ver", m.Ver)
}

// Fits reports whether i is what m advertises: whether it has that hash.
func (m Mark) Fits(i Info) bool {
	h := newHash(m.Hash)
	return h != nil && m.Ver != "" && i.sum(h) == m.Ver
}

// Ver returns the verification string of i by SHA-1, the algorithm that everybody
// has to know (XEP-0115 section 5.1).
func (i Info) Ver() string { return i.sum(sha1.New()) }

// newHash returns the algorithm of an IANA hash function textual name, nil for one
// that is not known here.
func newHash(name string) hash.Hash {
	switch name {
	case "sha-1":
		return sha1.New()
	case "sha-224":
		return sha256.New224()
	case "sha-256":
		return sha256.New()
	case "sha-384":
		return sha512.New384()
	case "sha-512":
		return sha512.New()
	}
	return nil
}

func (i Info) sum(h hash.Hash) string {
	h.Write([]byte(i.text()))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// text returns what the hash is taken of: identities, features and forms, each kind
// sorted by octets and each word ended by "<".
func (i Info) text() string {
	var ids []string
	for _, id := range i.Identities {
		ids = append(ids, id.Category+"/"+id.Type+"/"+id.Lang+"/"+id.Name)
	}
	var b strings.Builder
	put(&b, ids...)
	put(&b, i.Features...)
	forms := slices.Clone(i.Forms)
	sort.Slice(forms, func(a, b int) bool { return forms[a].Type < forms[b].Type })
	for _, f := range forms {
		put(&b, f.Type)
		fields := slices.Clone(f.Fields)
		sort.Slice(fields, func(a, b int) bool { return fields[a].Var < fields[b].Var })
		for _, field := range fields {
			put(&b, field.Var)
			put(&b, field.Values...)
		}
	}
	return b.String()
}

// put appends words in the order of their octets.
func put(b *strings.Builder, words ...string) {
	for _, w := range slices.Sorted(slices.Values(words)) {
		b.WriteString(w)
		b.WriteByte('<')
	}
}
