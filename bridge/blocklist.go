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
	blocked := g.blockedOf(who)
	reply(adhoc.Step{
		Form: form.Form{
			Title: "Blocked people", Instructions: "You hear nothing of the people whom you choose here, and they cannot write to you.",
			Fields: []form.Field{
				{Var: "blocked", Kind: form.ListMulti, Label: "Blocked", Values: blocked, Options: g.blockable(blocked)},
				{Var: "other", Kind: form.TextSingle, Label: "Somebody else", Desc: "as juliet@pronto"},
			},
		},
		Last: true,
		Then: func(a form.Answers, reply func(adhoc.Step)) { reply(g.blockThese(who, blocked, a)) },
	})
}

// blockable lists who can be chosen: those who are blocked, and who is here.
func (g *Gateway) blockable(blocked []string) []form.Option {
	locals := slices.Clone(blocked)
	for _, local := range slices.Sorted(maps.Keys(g.peers)) {
		if len(locals) >= maxBlocksEach+maxOptions {
			break
		}
		if g.peers[local].present && !slices.Contains(blocked, local) {
			locals = append(locals, local)
		}
	}
	options := make([]form.Option, len(locals))
	for i, local := range locals {
		options[i] = form.Option{Value: local, Label: g.calledAt(local)}
	}
	return options
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
