package bridge

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"meshbridge/bridge/policy"
	"meshbridge/bridge/store"
)

// objection is what stands between a peer and some colleagues, for the verb browse.
type objection struct{ instance, what string }

// What an objection is, beside the reasons for which peers are held.
const (
	blocked    = "blocked"
	hasBlocked = "has blocked"
	denied     = "denied"
)

// objections says of everybody who is here what keeps words from crossing, by instance.
func (g *Gateway) objections(ctx context.Context) (map[string][]string, error) {
	return look(ctx, g, (*Gateway).objectionsNow)
}

func (g *Gateway) objectionsNow() map[string][]string {
	found := map[objection][]string{} // the colleagues whom it concerns
	add := func(p *peer, what, colleague string) {
		if p != nil && p.present {
			key := objection{p.instance, what}
			found[key] = append(found[key], colleague)
		}
	}
	for _, h := range g.held() {
		add(h.peer, h.why, h.colleague)
	}
	for key, word := range g.facts[store.Blocks] {
		pair, who := pairBlocked(key), blockOf(word)
		if who&policy.ByColleague != 0 {
			add(g.peers[pair.Local], blocked, pair.Colleague)
		}
		if who&policy.ByPeer != 0 {
			add(g.peers[pair.Local], hasBlocked, pair.Colleague)
		}
	}
	for key, word := range g.facts[store.Approvals] {
		if local, colleague, _ := strings.Cut(key, " "); word == saidNo {
			add(g.peers[local], denied, colleague)
		}
	}
	told := map[string][]string{}
	for o, colleagues := range found {
		told[o.instance] = append(told[o.instance], o.text(colleagues))
	}
	for _, list := range told {
		slices.Sort(list)
	}
	return told
}

// text puts an objection into words. Colleague "" stands for everybody.
func (o objection) text(colleagues []string) string {
	slices.Sort(colleagues)
	who := colleagues[0]
	if n := len(colleagues) - 1; n > 0 && who != "" {
		who += " and " + strconv.Itoa(n) + " more"
	}
	switch {
	case o.what == denied && who == "":
		return "denied by an admin"
	case who == "":
		return o.what
	case o.what == denied, o.what == blocked:
		return o.what + " by " + who
	case o.what == hasBlocked:
		return o.what + " " + who
	}
	return o.what + ": " + who
}
