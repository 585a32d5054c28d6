package bridge

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"meshbridge/bridge/adhoc"
	"meshbridge/bridge/form"
	"meshbridge/bridge/store"
	"meshbridge/bridge/translate"
)

// beginBlock asks a colleague whom she does not want to hear of. Those whom she has
// blocked are chosen already.
func (g *Gateway) beginBlock(who string, reply func(adhoc.Step)) {
	options, blocked := g.blockable(who)
	reply(adhoc.Step{
		Form: form.Form{
			Title: "Blocked people", Instructions: "You hear nothing of the people whom you choose here, and they cannot write to you.",
			Fields: []form.Field{
				{Var: "blocked", Kind: form.ListMulti, Label: "Blocked", Values: blocked, Options: options},
				{Var: "other", Kind: form.TextSingle, Label: "Somebody else", Desc: "as juliet@pronto"},
			},
		},
		Last: true,
		Then: func(a form.Answers, reply func(adhoc.Step)) { reply(g.blockThese(who, blocked, a)) },
	})
}

// blockable lists who can be chosen, as far as there is room in a stanza: those who are
// blocked, who are named once more, and then who is here and has not blocked the one who
// asks.
func (g *Gateway) blockable(who string) (options []form.Option, blocked []string) {
	left, all := g.listRoom(), g.blockedOf(who)
	locals := slices.Clone(all)
	for _, local := range slices.Sorted(maps.Keys(g.peers)) {
		if g.visible(g.peers[local], who) && !slices.Contains(all, local) {
			locals = append(locals, local)
		}
	}
	for i, local := range locals {
		label := g.calledAt(local)
		if len(options) == maxOptions || !left.takes(optionMarkup, local, local, label) {
			break
		}
		options = append(options, form.Option{Value: local, Label: label})
		blocked = all[:min(i+1, len(all))]
	}
	return options, blocked
}

// calledAt is how somebody behind a local part is named in a sentence.
func (g *Gateway) calledAt(local string) string {
	e := entry{instance: g.instanceOf(local)}
	e.name = e.instance
	if p := g.peers[local]; p != nil && p.present {
		e.name = translate.DisplayName(p.profile, p.instance)
	}
	return e.called()
}

// blockThese blocks whom a colleague has chosen and did not have before, and unblocks
// the others.
func (g *Gateway) blockThese(who string, before []string, a form.Answers) adhoc.Step {
	chosen := a["blocked"]
	if typed := a.One("other"); typed != "" {
		local, unclear := g.meant(typed)
		if unclear != "" {
			return failedStep(unclear + " Nothing was changed.")
		}
		chosen = append(chosen, local)
	}
	var done []string
	for _, local := range before {
		if !slices.Contains(chosen, local) {
			done = append(done, g.blockIt(who, local, false))
		}
	}
	for _, local := range chosen {
		if !slices.Contains(before, local) {
			done = append(done, g.blockIt(who, local, true))
		}
	}
	if len(done) == 0 {
		return said("Nothing was changed.")
	}
	return said(strings.Join(done, "\n"))
}

// blockIt blocks or unblocks one, and says so.
func (g *Gateway) blockIt(who, local string, on bool) string {
	pair := store.Pair{Colleague: who, Local: local}
	name := g.instanceOf(local)
	switch {
	case !on && !g.blockedBy(pair, byColleague):
		return name + " is not blocked."
	case !g.setBlock(pair, byColleague, on):
		return fmt.Sprintf("%s was not blocked: there is no room for more than %d. Unblock somebody first.", name, maxBlocksEach)
	case on:
		return name + " is blocked."
	}
	return name + " is not blocked any more."
}
