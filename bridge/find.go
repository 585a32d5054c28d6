package bridge

import (
	"maps"
	"slices"
	"strings"

	"meshbridge/bridge/address"
	"meshbridge/bridge/adhoc"
	"meshbridge/bridge/config"
	"meshbridge/bridge/form"
	"meshbridge/bridge/translate"
)

// maxMeant bounds among how many names the nearest to a misspelt one is looked for.
const maxMeant = 500

// exact returns the local part that an address of ours or an instance stands for. It
// reports false for what is neither.
func (g *Gateway) exact(typed string) (local string, ok bool) {
	if j, err := address.Parse(typed); err == nil && g.addr.Owns(j) {
		proxy, possible := address.ParseProxy(j.Localpart())
		return proxy.Local, possible
	}
	if typed == "" || len(typed) > address.MaxInstance {
		return "", false
	}
	local, _ = address.ProxyLocal(typed)
	if p := g.peers[local]; p != nil && p.instance != "" {
		return local, true
	}
	proxy, possible := address.ParseProxy(local)
	return local, possible && usual(proxy)
}

// whom returns the people that somebody may mean by a name, by address: the one whose
// address or instance it is, or else all who are called so, with the whole name or
// the part before the machine. Whoever is no peer is nobody.
func (g *Gateway) whom(typed string) []*peer {
	if local, ok := g.exact(typed); ok {
		if p := g.peers[local]; g.isPeer(p) {
			return []*peer{p}
		}
		return nil
	}
	var list []*peer
	for _, local := range slices.Sorted(maps.Keys(g.peers)) {
		p := g.peers[local]
		user, _ := address.SplitInstance(p.instance)
		if g.isPeer(p) && (strings.EqualFold(typed, translate.DisplayName(p.profile, p.instance)) || strings.EqualFold(typed, user)) {
			list = append(list, p)
		}
	}
	return list
}

// isPeer reports whether somebody of the LAN was seen under an address, or is watched
// for.
func (g *Gateway) isPeer(p *peer) bool {
	return p != nil && p.instance != "" && !g.isOwn(p.local)
}

// meant returns the local part of the one whom somebody means by a name, or says what
// is unclear about it. An address or instance of nobody seen so far will do.
func (g *Gateway) meant(typed string) (local, unclear string) {
	list := g.whom(typed)
	switch {
	case typed == "":
		return "", "Write the name behind it, as juliet@pronto."
	case len(list) == 1:
		return list[0].local, ""
	case len(list) > 1:
		var names []string
		for _, p := range list {
			names = append(names, translate.Tame(p.instance))
		}
		return "", "Several are called " + translate.Tame(typed) + ". Write which one: " + strings.Join(names[:min(len(names), 10)], ", ") + "."
	}
	if local, ok := g.exact(typed); ok && !g.isOwn(local) {
		return local, ""
	}
	return "", g.nobody(typed)
}

// exactly is meant for words that let somebody in: it takes an address or an instance
// and nothing less, since a record can claim any name.
func (g *Gateway) exactly(typed string) (local, unclear string) {
	local, ok := g.exact(typed)
	switch {
	case ok && !g.isOwn(local):
		return local, ""
	case typed == "" || len(g.whom(typed)) == 0:
		return g.meant(typed)
	}
	return "", "Write the whole name as on the local network, as juliet@pronto."
}

// typeable is a name by which somebody can be meant in words: the instance where it is
// read as it is written, else the address. A name with marks around it would otherwise
// be taken for that of another peer (INJ-24).
func (g *Gateway) typeable(p *peer) string {
	name := translate.Tame(p.instance)
	if _, read := wordsOf("approve " + name); p.rule == address.Plain {
		if local, _ := g.exact(read); local == p.local {
			return name
		}
	}
	return p.jid
}

// nobody says that nobody is called so, and who may be meant.
func (g *Gateway) nobody(typed string) string {
	text := "Nobody is called " + translate.Tame(typed) + "."
	var names []string
	for _, p := range g.peers {
		if user, _ := address.SplitInstance(p.instance); g.isPeer(p) && len(names) < maxMeant {
			names = append(names, strings.ToLower(p.instance), strings.ToLower(user))
		}
	}
	slices.Sort(names)
	if near := config.Nearest(strings.ToLower(typed), names); near != "" {
		return text + " Do you mean " + translate.Tame(near) + "?"
	}
	return text + " Write who to see who is here."
}

// instanceOf is what is known of the instance behind a local part, fit to be shown.
func (g *Gateway) instanceOf(local string) string {
	if p := g.peers[local]; p != nil && p.instance != "" {
		return translate.Tame(p.instance)
	}
	if proxy, ok := address.ParseProxy(local); ok && proxy.Instance != "" {
		return translate.Tame(proxy.Instance)
	}
	return local
}

// beginFind asks for a name.
func (g *Gateway) beginFind(_ string, reply func(adhoc.Step)) {
	reply(adhoc.Step{
		Form: form.Form{
			Title: "Find somebody", Instructions: "Type the name by which somebody appears on the local network, or a part of it: juliet@pronto, or juliet.",
			Fields: []form.Field{{Var: "name", Kind: form.TextSingle, Label: "Name", Required: true}},
		},
		Last: true,
		Then: func(a form.Answers, reply func(adhoc.Step)) { reply(g.found(a.One("name"))) },
	})
}

// found tells the addresses of those who are called so.
func (g *Gateway) found(typed string) adhoc.Step {
	f := form.Form{
		Title:  "Found",
		Fields: []form.Field{{Var: "name", Kind: form.TextSingle, Label: "Name"}, {Var: "jid", Kind: form.JIDSingle, Label: "Address"}},
	}
	left := g.listRoom()
	for _, p := range g.whom(typed) {
		if name := translate.DisplayName(p.profile, p.instance); left.takes(rowMarkup, name, p.jid) {
			f.Rows = append(f.Rows, []string{name, p.jid})
		}
	}
	if f.Rows != nil {
		return adhoc.Step{Form: f, Note: "Add the address to your contacts."}
	}
	local, unclear := g.meant(typed)
	if unclear != "" {
		return failedStep(unclear)
	}
	f.Rows = [][]string{{g.instanceOf(local), g.ourJID(local)}}
	return adhoc.Step{Form: f, Note: "Nobody of that name has been here yet. This would be the address."}
}
