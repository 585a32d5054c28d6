package config

import (
	"slices"
	"strings"
)

// Privacy is what crosses of how people describe themselves, beside their address and
// whether they are there (XEP-0174 section 13.4).
type Privacy struct {
	Publish []TXTKey // of a colleague, in the record on the LAN (PRIV-1)
	Show    []TXTKey // of a peer's record, to colleagues (PRIV-2)
}

// TXTKey is a key of the record by which somebody appears on the LAN (XEP-0174
// section 3.1).
type TXTKey string

// The keys that can be shown or hidden.
const (
	TXTFirst   TXTKey = "1st"
	TXTLast    TXTKey = "last"
	TXTNick    TXTKey = "nick"
	TXTMessage TXTKey = "msg"
	TXTPhoto   TXTKey = "phsh"
	TXTEmail   TXTKey = "email"
	TXTJID     TXTKey = "jid"
	TXTVersion TXTKey = "ver" // with node and hash: which program it is, and what it can
)

func defaultPrivacy() Privacy {
	return Privacy{
		Publish: []TXTKey{TXTNick, TXTMessage, TXTPhoto, TXTVersion},
		Show:    []TXTKey{TXTNick, TXTFirst, TXTLast, TXTMessage, TXTPhoto, TXTVersion},
	}
}

func (p *Privacy) table() []key {
	return []key{
		{name: "publish", take: txtKeys(&p.Publish, TXTNick, TXTFirst, TXTLast, TXTMessage, TXTPhoto, TXTVersion, TXTEmail, TXTJID)},
		{name: "show", take: txtKeys(&p.Show, TXTNick, TXTFirst, TXTLast, TXTMessage, TXTPhoto, TXTVersion, TXTEmail, TXTJID)},
	}
}

// txtKeys takes a list of some of the options, which may be empty.
func txtKeys(dst *[]TXTKey, options ...TXTKey) func(value) {
	var words []string
	for _, o := range options {
		words = append(words, string(o))
	}
	return func(v value) {
		found := []TXTKey{}
		v.each("write a list of some of "+strings.Join(words, ", ")+", or [] for none", func(item value) {
			var k TXTKey
			choice(&k, options...)(item)
			switch {
			case k == "":
			case slices.Contains(found, k):
				item.fail(quote(string(k))+" is listed twice", "remove one of the two")
			default:
				found = append(found, k)
			}
		})
		if v.kind == list {
			*dst = found
		}
	}
}
