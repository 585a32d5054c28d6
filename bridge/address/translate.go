package address

import (
	"errors"
	"fmt"
	"strings"

	"mellium.im/xmpp/jid"

	"meshbridge/internal/xep0106"
)

// Reading says what somebody means by a name that could be two things.
type Reading int

const (
	// Guess takes a name for a JID if it is one whose domain has a dot in it or is
	// the component's own, and for an instance otherwise. "juliet@pronto" is an
	// instance then and alice@example.com a JID, as people write them.
	Guess Reading = iota
	// AsInstance takes it for an instance on the mesh.
	AsInstance
	// AsJID takes it for a JID.
	AsJID
)

// Translation is a name with the one that stands for it on the other side.
type Translation struct {
	Input    string
	Instance string // on the mesh; "" when the input is a proxy JID that cannot be read back
	JID      string // upstream, bare
	Rule     Rule   // how the derived one of the two was made
	Upstream bool   // the JID is the derived one: the input was read as an instance
}

// Errors of Translate. The first two say that a JID is well made and leads nowhere.
var (
	// ErrOneWay: a fallback proxy JID holds a hash of the instance and not the instance.
	ErrOneWay = errors.New("is a fallback: it holds a hash of the instance, and only the bridge that met the person knows the instance")
	// ErrNobody: no instance whatsoever has this proxy JID.
	ErrNobody = errors.New("stands for nobody: no name on the LAN becomes this address")
)

// Translate finds what stands for a name on the other side: an instance has a
// proxy JID, a proxy JID an instance, and any other bare JID a proxy instance. A
// resource is left out. The errors are ErrOneWay, with the rest of the Translation
// filled in, ErrNobody, and others for what is no name at all.
func (m *Map) Translate(input string, as Reading) (Translation, error) {
	t := Translation{Input: input}
	j, err := Parse(input)
	ours := err != nil && strings.HasSuffix(input, "@"+m.component.String()) // a slip in a proxy JID
	if as == AsInstance || as == Guess && !ours && (err != nil || !m.looksRemote(j)) {
		return m.fromInstance(t)
	}
	if err != nil {
		return t, fmt.Errorf("is %w", err)
	}
	j = j.Bare()
	t.JID = j.String()
	if m.Owns(j) {
		return fromProxy(t, j.Localpart())
	}
	t.Instance, t.Rule = m.Instance(j)
	return t, nil
}

// looksRemote tells a JID from an instance that happens to be one.
func (m *Map) looksRemote(j jid.JID) bool {
	return m.Owns(j) || strings.Contains(j.Domainpart(), ".")
}

func (m *Map) fromInstance(t Translation) (Translation, error) {
	switch {
	case t.Input == "":
		return t, errors.New("is no instance")
	case len(t.Input) > MaxInstance:
		return t, fmt.Errorf("is no instance: one DNS label has at most %d octets and this has %d", MaxInstance, len(t.Input))
	}
	local, rule := ProxyLocal(t.Input)
	t.Instance, t.Rule, t.Upstream = t.Input, rule, true
	t.JID = local + "@" + m.component.String()
	return t, nil
}

func fromProxy(t Translation, local string) (Translation, error) {
	if local == "" {
		return t, errors.New("is the bridge itself, which has no instance on the LAN")
	}
	p, ok := ParseProxy(local)
	switch {
	case !ok:
		return t, ErrNobody
	case p.Rule == Fallback:
		t.Rule = Fallback
		return t, ErrOneWay
	}
	t.Instance, t.Rule = p.Instance, Plain
	return t, nil
}

// Colleague is the bare JID that an instance of our own machine stands for, when it
// can be read back.
func (m *Map) Colleague(instance string) (string, bool) {
	user, machine := SplitInstance(asciiLower(instance))
	at := strings.LastIndex(user, xep0106.Code('@'))
	if machine != m.machine || at < 0 {
		return "", false
	}
	j, err := Parse(user[:at] + "@" + user[at+xep0106.Len:])
	if err != nil {
		return "", false
	}
	made, rule := m.Instance(j)
	return j.String(), rule == Plain && made == asciiLower(instance)
}
