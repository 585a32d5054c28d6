package bridge

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"meshbridge/bridge/adhoc"
	"meshbridge/bridge/form"
	"meshbridge/bridge/store"
	"meshbridge/bridge/translate"
	"meshbridge/linklocal"
)

// entry is a peer in a list for colleagues.
type entry struct {
	jid, name, instance string
	status              string // in words
	span                string // how long it has been here
}

// What an entry of a list takes beside its words, in octets.
const (
	itemMarkup   = 64  // of disco#items
	rowMarkup    = 200 // of a table
	optionMarkup = 128 // of a choice in a form, which may be chosen already
)

// here lists who is on the mesh, as a colleague may see them, by address, and how many
// more there are: the list has to fit into one stanza, with so much markup around each.
// Who has blocked the colleague looks away.
func (g *Gateway) here(who string, markup int) (list []entry, more int) {
	left := g.listRoom()
	for _, local := range slices.Sorted(maps.Keys(g.peers)) {
		p := g.peers[local]
		if !p.present || g.blockedBy(store.Pair{Colleague: who, Local: local}, byPeer) {
			continue
		}
		if e := g.entryOf(p, who); left.takes(markup, e.jid, e.called(), e.status, e.span) {
			list = append(list, e)
		} else {
			more++
		}
	}
	return list, more
}

func (g *Gateway) entryOf(p *peer, who string) entry {
	e := entry{jid: p.jid, name: translate.DisplayName(p.profile, p.instance), instance: translate.Tame(p.instance), span: howLong(time.Since(p.came))}
	if g.blockedBy(store.Pair{Colleague: who, Local: p.local}, byColleague) {
		e.status = "blocked by you"
		return e
	}
	switch p.profile.Status {
	case linklocal.Away:
		e.status = "away"
	case linklocal.DND:
		e.status = "busy"
	default:
		e.status = "available"
	}
	if text := translate.Tame(p.profile.Message); text != "" {
		e.status += " (" + text + ")"
	}
	return e
}

// called is how an entry is named in a sentence: the name that is claimed, and the one
// that is on the LAN only once.
func (e entry) called() string {
	if e.name == e.instance {
		return e.instance
	}
	return e.name + " (" + e.instance + ")"
}

// beginWho tells who is on the LAN.
func (g *Gateway) beginWho(who string, reply func(adhoc.Step)) {
	list, more := g.here(who, rowMarkup)
	f := form.Form{
		Title: "People on the LAN of " + g.cfg.LinkLocal.Machine,
		Fields: []form.Field{
			{Var: "name", Kind: form.TextSingle, Label: "Name"},
			{Var: "jid", Kind: form.JIDSingle, Label: "Address"},
			{Var: "status", Kind: form.TextSingle, Label: "Status"},
			{Var: "since", Kind: form.TextSingle, Label: "Here for"},
		},
		Rows: [][]string{},
	}
	for _, e := range list {
		f.Rows = append(f.Rows, []string{e.called(), e.jid, e.status, e.span})
	}
	step := adhoc.Step{Form: f}
	switch {
	case more > 0:
		step.Note = fmt.Sprintf("There are %d more.", more)
	case len(list) == 0:
		step.Note = nobodyHere
	}
	reply(step)
}

const nobodyHere = "Nobody is here at the moment."

// howLong says how long something has lasted, in its largest unit. It counts on the
// monotonic clock, so that it is right before this machine knows the time of day
// (GW-24).
func howLong(d time.Duration) string {
	for _, u := range [...]struct {
		least, unit time.Duration
		name        string
	}{
		{48 * time.Hour, 24 * time.Hour, " days"},
		{2 * time.Hour, time.Hour, " hours"},
		{2 * time.Minute, time.Minute, " minutes"},
	} {
		if d >= u.least {
			return strconv.Itoa(int(d/u.unit)) + u.name
		}
	}
	if d >= time.Minute {
		return "a minute"
	}
	return "a few seconds"
}
