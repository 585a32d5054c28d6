package bridge

import (
	"context"
	"errors"
	"slices"
	"time"

	"meshbridge/bridge/address"
	"meshbridge/bridge/config"
	"meshbridge/internal/stanza"
	"meshbridge/linklocal"
	"meshbridge/upstream"
)

// Another configuration is put in force while everything goes on (docs/control.md says
// which keys let what go on). What can fail is tried before anything is changed, so that
// it is in force as a whole or not at all.

// successor is what another configuration needs to be made anew.
type successor struct {
	lan  *linklocal.Mesh // nil: the mesh goes on
	link *upstream.Link  // nil: the connection to the server does
	addr *address.Map
}

// Change puts another configuration in force and says what had to begin anew for it:
// "upstream", "mesh", or nothing. With an error the former one still is in force.
// What is in [config.Change.Program] or Control it does not change.
func (g *Gateway) Change(ctx context.Context, next config.Config) ([]string, error) {
	type outcome struct {
		restarted []string
		err       error
	}
	out, err := look(ctx, g, func(g *Gateway) (o outcome) {
		o.restarted, o.err = g.change(next)
		return o
	})
	return out.restarted, errors.Join(err, out.err)
}

func (g *Gateway) change(next config.Config) (restarted []string, err error) {
	if g.stopping || g.changing {
		return nil, errors.New("the bridge is ending, or changes already; try again")
	}
	what := g.cfg.ChangeTo(next)
	what.Upstream = what.Upstream || !g.standing.up // whatever was mended on the server is tried at once
	s, err := g.prepare(next, what)
	if err != nil {
		return nil, err
	}
	g.changing = true
	defer func() { g.changing = false }()
	former := g.cfg
	g.cfg = next
	g.adopt(former)
	if s.lan != nil {
		g.before = &former
		g.changeMesh(s)
		restarted = append(restarted, "mesh")
	}
	if s.link != nil {
		g.changeLink(s.link)
		restarted = append(restarted, "upstream")
	}
	return restarted, nil
}

// prepare makes what another configuration needs. It changes nothing.
func (g *Gateway) prepare(next config.Config, what config.Change) (s successor, err error) {
	if s.addr, err = address.NewMap(next.Upstream.Domain, next.LinkLocal.Machine); err != nil {
		return s, err
	}
	if what.Mesh && g.lan != nil {
		if s.lan, err = linklocal.New(g.meshConfig(next)); err != nil {
			return s, err
		}
	}
	if what.Upstream && g.link != nil {
		if s.link, err = upstream.New(g.linkConfig(next)); err != nil {
			return s, err
		}
	}
	return s, nil
}

// changeLink connects to the server anew. What is on its way there gets the time to
// arrive, so that it does not come twice.
func (g *Gateway) changeLink(link *upstream.Link) {
	g.waitFor(settleTime, g.nothingUnderWay)
	if g.session != nil {
		g.trustServer()
	}
	g.stopPart(g.linkPart)
	g.link = link
	g.beginLink()
}

// nothingUnderWay reports whether the server has all that it was given, and everybody
// what the server had for them.
func (g *Gateway) nothingUnderWay() bool {
	return g.session == nil || len(g.written) == 0 && len(g.chores.answers) == 0 &&
		!slices.ContainsFunc(g.arrivals, func(a *arrival) bool {
			c := g.colleagues[a.to]
			return c != nil && !c.silent
		})
}

// changeMesh leaves the LAN and comes back as the configuration says now. Messages wait
// meanwhile, and what is on its way gets the time to arrive, so that it does not come
// twice. Nobody is told that the people there are gone: who is not found again is, as
// after a start.
func (g *Gateway) changeMesh(s successor) {
	g.still = true
	g.waitFor(settleTime, func() bool { return len(g.flying) == 0 })
	g.stopPart(g.meshPart)
	shown := g.leaveMesh()
	g.still = false // who is found again gets what waits
	g.moveInto(s.addr)
	g.lan, g.mesh = s.lan, s.lan
	g.beginMesh()
	for _, c := range shown {
		g.mirror(c)
	}
}

// leaveMesh takes in that the mesh has ended, and returns who was on it.
func (g *Gateway) leaveMesh() (shown []*colleague) {
	for _, q := range g.inquiries.ids {
		g.finish(q, outOfReach, stanza.Stanza{})
	}
	for id, r := range g.flying {
		g.box.Return(id)
		r.flying--
	}
	clear(g.flying)
	for hash := range g.gallery.fetching {
		g.avatarFetched(linklocal.AvatarFetched{Hash: hash}) // it does not come
	}
	for _, p := range g.peers {
		if p.present {
			p.present, p.left, p.attended = false, time.Now(), false // the next mesh is told again
		}
	}
	for _, c := range g.colleagueList() {
		c.leaving.stop()
		if c.published {
			shown = append(shown, c)
			c.published = false
		}
		g.setInstance(c, "")
	}
	g.listening = time.Time{}
	return shown
}

// moveInto takes the names that colleagues have from now on.
func (g *Gateway) moveInto(addr *address.Map) {
	for _, c := range g.colleagues {
		name, _ := g.addr.Instance(c.bare)
		delete(g.own, localOf(name))
	}
	g.addr = addr
	g.contact.wanted = localOf(g.contactName())
	for _, c := range g.colleagues {
		name, _ := g.addr.Instance(c.bare)
		g.own[localOf(name)] = c
	}
}

// goBack takes in that the mesh ended with err. After a change that it does not bear the
// former configuration is put in force again.
func (g *Gateway) goBack(err error) bool {
	former := g.before
	g.before = nil
	if former == nil {
		return false
	}
	g.log.Error("the LAN does not work as the new configuration says; the former one is in force again. Mend linklocal in the file and reload", "error", err)
	if _, failed := g.change(*former); failed != nil {
		return false
	}
	g.before = nil // once, not for ever
	if g.opts.Undone != nil {
		g.opts.Undone(*former, err)
	}
	return true
}

// adopt takes over what can be changed while everything goes on.
func (g *Gateway) adopt(former config.Config) {
	g.policy = newPolicy(g.cfg)
	g.box.SetLimits(limitsOf(g.cfg.Outbox))
	g.where.Store(newWhere(g.cfg, g.log))
	if g.lan != nil && former.Limits != g.cfg.Limits {
		g.lan.SetLimits(linklocal.Limits(g.cfg.Limits))
	}
	if g.lan != nil && !slices.Equal(former.Privacy.Show, g.cfg.Privacy.Show) {
		g.lan.Retell() // what was hidden was not kept
	}
	if former.Upstream.WithdrawAfter != g.cfg.Upstream.WithdrawAfter && g.outage.withdraw.set() {
		g.outage.withdraw.stop()
		g.outage.withdraw = g.after(time.Until(g.standing.since.Add(g.cfg.Upstream.WithdrawAfter)), g.withdrawAll)
	}
	g.adoptColleagues()
	for _, c := range g.colleagueList() {
		if c.published && c.parting == 0 {
			g.mirror(c)
		}
	}
}
