package caps

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"meshbridge/internal/stanza"
)

// read reads the query of an answer as it comes over a stream.
func read(t testing.TB, inner string) *stanza.Element {
	t.Helper()
	e, err := parseXML(`<query xmlns='` + stanza.NSDiscoInfo + `'>` + inner + `</query>`)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func parseXML(xml string) (*stanza.Element, error) {
	head := stanza.AppendHeader(nil, stanza.Client, stanza.Header{})
	r := stanza.NewReader(strings.NewReader(string(head)+xml), stanza.Client, stanza.MeshLimits())
	if _, err := r.Header(); err != nil {
		return nil, err
	}
	r.Trust()
	return r.Next()
}

func features(list ...string) (xml string) {
	for _, f := range list {
		xml += `<feature var='` + f + `'/>`
	}
	return xml
}

const (
	capsNS = "http://jabber.org/protocol/caps"
	info   = "http://jabber.org/protocol/disco#info"
	items  = "http://jabber.org/protocol/disco#items"
	muc    = "http://jabber.org/protocol/muc"
)

const psi = `<identity xml:lang='en' category='client' name='Psi 0.11' type='pc'/><identity xml:lang='el' category='client' name='Ψ 0.11' type='pc'/>` +
	`<feature var='` + capsNS + `'/><feature var='` + info + `'/><feature var='` + items + `'/><feature var='` + muc + `'/>` +
	`<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'><value>urn:xmpp:dataforms:softwareinfo</value></field>` +
	`<field var='ip_version'><value>ipv6</value><value>ipv4</value></field><field var='os'><value>Mac</value></field>` +
	`<field var='os_version'><value>10.5.1</value></field><field var='software'><value>Psi</value></field>` +
	`<field var='software_version'><value>0.11</value></field></x>`

// vectors are answers with the hash that each must have, in whatever order its
// parts come.
var vectors = []struct{ name, xml, ver string }{
	{"Exodus", `<identity category='client' type='pc' name='Exodus 0.9.1'/>` + features(muc, items, capsNS, info), "QgayPKawpkPSDYmwT/WM94uAlu0="},
	{"Psi with a form", psi, "q07IKJEyjvHSyhy//CH0CxmKi8w="},
	{"gateway", `<identity category='gateway' type='xmpp' name='Link-local bridge'/>` + features("vcard-temp", "urn:xmpp:time", "urn:xmpp:ping", `jid\20escaping`,
		"jabber:iq:version", "jabber:iq:register", "jabber:iq:gateway", items, info, capsNS), "lopW8tnUs0io2Lgu7EQEvDs160k="},
	{"mesh client", `<identity category='client' type='pc' name='xmpp-bridge'/>` + features(info, items, "urn:xmpp:ping"), "bBkwL2yEJC9M0BAU2lp9W1Pywgg="},
	{"gateway with more", `<identity category='gateway' type='xmpp' name='Link-local bridge'/>` + features(capsNS, "http://jabber.org/protocol/commands", info, items,
		"jabber:iq:gateway", "jabber:iq:last", "jabber:iq:register", "jabber:iq:version", `jid\20escaping`, "urn:xmpp:ping", "urn:xmpp:time", "vcard-temp"), "cqwqQnD7BYII4xLzQOKb0uhriXE="},
	{"nameless", `<identity category='client' type='bot'/>` + features(info), "frTINOm1DtcSyUhZJXvBF75cCYo="},
}

func TestHash(t *testing.T) {
	for _, v := range vectors {
		t.Run("LL-CAP-4 V-5 "+v.name, func(t *testing.T) {
			i, err := Parse(read(t, v.xml))
			if err != nil {
				t.Fatal(err)
			}
			if got := i.Ver(); got != v.ver {
				t.Errorf("%s -> %s, want %s", i.text(), got, v.ver)
			}
			if m := (Mark{"n", "sha-1", v.ver}); !m.Whole() || !m.Fits(i) {
				t.Error("the mark does not fit")
			}
			slices.Reverse(i.Features)
			slices.Reverse(i.Identities)
			if i.Ver() != v.ver {
				t.Error("the order counts")
			}
			i.Features = append(i.Features, "urn:more")
			if i.Ver() == v.ver {
				t.Error("a feature more does not count")
			}
		})
	}
	t.Run("LL-CAP-4 other algorithms are told by their names, unknown ones fit nothing", func(t *testing.T) {
		i := Info{Features: []string{info}}
		seen := map[string]bool{}
		for _, name := range []string{"sha-1", "sha-224", "sha-256", "sha-384", "sha-512"} {
			ver := i.sum(newHash(name))
			if seen[ver] || !(Mark{"n", name, ver}).Fits(i) {
				t.Error(name)
			}
			seen[ver] = true
		}
		for _, m := range []Mark{{"n", "md5", "x"}, {"n", "", i.Ver()}, {"n", "SHA-1", i.Ver()}, {}, {"n", "sha-1", ""}} {
			if m.Whole() || m.Fits(i) {
				t.Errorf("%+v", m)
			}
		}
	})
}

func TestIllFormed(t *testing.T) {
	long := strings.Repeat("x", maxName+1)
	many := ""
	for n := range maxFeatures + 1 {
		many += `<feature var='f` + strings.Repeat("i", n) + `'/>`
	}
	form := func(kind, inner string) string {
		return `<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'><value>` + kind + `</value></field>` + inner + `</x>`
	}
	for _, c := range []struct {
		name, xml string
		want      error
	}{
		{"LL-CAP-5 the same feature twice", features(info, info), ErrIllFormed},
		{"LL-CAP-5 the same identity twice", `<identity category='client' type='pc' name='a'/><identity category='client' type='pc' name='b'/>`, ErrIllFormed},
		{"LL-CAP-5 two forms of one type", form("a", "") + form("a", ""), ErrIllFormed},
		{"LL-CAP-5 a form of two types", `<x xmlns='jabber:x:data'><field var='FORM_TYPE' type='hidden'><value>a</value><value>b</value></field></x>`, ErrIllFormed},
		{"LL-CAP-5 a delimiter in a feature", features("a&lt;b"), ErrIllFormed},
		{"LL-CAP-5 a delimiter in an identity", `<identity category='client/pc' type='pc'/>`, ErrIllFormed},
		{"LL-CAP-5 a delimiter in a value", form("a", `<field var='b'><value>c&lt;d</value></field>`), ErrIllFormed},
		{"LL-CAP-5 a feature without a name", `<feature/>`, ErrIllFormed},
		{"INJ-25 a name longer than any", features(long), ErrTooMuch},
		{"INJ-25 more features than anybody has", many, ErrTooMuch},
		{"LL-CAP-4 a form without a type says nothing", `<x xmlns='jabber:x:data'><field var='a'><value>b</value></field></x>`, nil},
		{"LL-CAP-4 what is of no namespace of ours says nothing", `<y xmlns='urn:y'/><feature xmlns='urn:y' var='z'/>`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			i, err := Parse(read(t, c.xml))
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if text := i.text(); text != "" {
				t.Errorf("it says %q", text)
			}
		})
	}
}

func TestQuery(t *testing.T) {
	i, err := Parse(read(t, vectors[0].xml))
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse(i.Query("n#v"))
	if err != nil || again.Ver() != vectors[0].ver {
		t.Errorf("what is written is not what was read: %+v, %v", again, err)
	}
	if got := i.Query("n#v").Attr("node"); got != "n#v" {
		t.Errorf("node %q", got)
	}
	m := Mark{"n", "sha-1", "v"}
	if !m.Names("n#v") || m.Names("n") || m.Names("#v") || (Mark{}).Names("#") {
		t.Error("LL-CAP-9: nodes are told apart wrongly")
	}
}

func FuzzParse(f *testing.F) {
	for _, v := range vectors {
		f.Add(v.xml)
	}
	f.Fuzz(func(t *testing.T, xml string) {
		e, err := parseXML(`<query xmlns='` + stanza.NSDiscoInfo + `'>` + xml + `</query>`)
		if err != nil {
			return
		}
		i, err := Parse(e)
		if err != nil {
			return
		}
		if strings.Count(i.text(), "<") > maxIdentities+maxFeatures+maxForms*(1+maxFields*(1+maxValues)) {
			t.Error("beyond all bounds")
		}
		i.Forms = nil
		if again, err := Parse(i.Query("")); err != nil || again.Ver() != i.Ver() {
			t.Errorf("written and read again: %v", err)
		}
	})
}
